//! The area beyond the outline of a product.

use crate::color::{Oklab, Plane};

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
