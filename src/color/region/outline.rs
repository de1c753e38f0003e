//! The outline of a product, and the area beyond it.

use std::ops::Range;

use crate::color::filter::{erode, keep_parts};
use crate::color::{Oklab, Plane};

/// The share of the picture that a product fills.
pub(super) const PRODUCT_AREA: Range<f32> = 0.004..0.85;

/// Returns the pixels of a mask at its outline.
pub(super) fn outline(mask: &Plane<bool>) -> Plane<bool> {
    mask.zip(&erode(mask, 1), |is_set, is_inside| is_set && !is_inside)
}

/// Removes parts of a mask that have at most a fiftieth of the pixels of the largest part.
pub(super) fn without_specks(mask: &Plane<bool>) -> Plane<bool> {
    keep_parts(mask, |size, largest| size * 50 > largest)
}

/// Returns the color outside the product three pixels from a pixel, if the outside is that near.
pub(super) fn outside(index: usize, colors: &Plane<Oklab>, product: &Plane<bool>) -> Option<Oklab> {
    let (x, y) = ((index % colors.width) as isize, (index / colors.width) as isize);
    [(-1, 0), (1, 0), (0, -1), (0, 1)].into_iter().find_map(|(across, down)| {
        let at = |steps: isize| {
            let (x, y) = (x + steps * across, y + steps * down);
            let is_there = x >= 0 && y >= 0 && x < colors.width as isize && y < colors.height as isize;
            is_there.then(|| y as usize * colors.width + x as usize)
        };
        let (neighbor, beyond) = (at(1)?, at(3)?);
        (!product.data[neighbor] && !product.data[beyond]).then(|| colors.data[beyond])
    })
}
