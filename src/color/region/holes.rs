use crate::color::filter::{Connected, components, dilate, erode, open};
use crate::color::spaces::length;
use crate::color::{Oklab, Plane};

use super::background::Background;
use super::edges::Edges;

/// The number of pixels up to which a hole is noise.
const MIN_PIXELS: usize = 25;

/// The smallest share of the product at which an area that looks like the ground may be a white product on it.
const LARGE_SHARE: f32 = 0.25;

/// The smallest share of the rim of a hole that must lie on edges.
const MIN_EDGE_SHARE: f32 = 0.8;

/// The smallest share of a large hole's rim that must belong to the product. Headphones around a wall have 0.97, white
/// pots and mugs up to 0.93.
const MIN_FRAMED_SHARE: f32 = 0.8;

/// The smallest mean distance of the rest of the product from the ground, in OKLab. The same pictures have 0.41 and
/// 0.10.
const MIN_FRAME_DISTANCE: f32 = 0.2;

/// The largest share of a product that an enclosed spot may have.
const MAX_SPOT_SHARE: f32 = 0.006;

/// The smallest depth of a spot inside the product, in pixels. The inside of a handle is nearer to the outline.
const MIN_SPOT_DEPTH: usize = 6;

/// Fills small spots within a product. Light on a white product, or the area between letters in it, looks like the
/// ground.
pub(super) fn without_spots(mask: &Plane<bool>) -> Plane<bool> {
    let (labels, sizes) = components(&mask.map(|is_set| !is_set), Connected::Sides);
    let least = MAX_SPOT_SHARE * mask.count() as f32;
    let mut is_spot: Vec<bool> = sizes.iter().map(|size| (*size as f32) < least).collect();
    // An area that is cut by the picture's border is not enclosed.
    labels.ring(1).for_each(|(x, y)| is_spot[labels.at(x, y) as usize] = false);
    let filled = labels.zip(mask, |part, is_set| is_set || is_spot[part as usize]);
    for (part, is_within) in labels.data.iter().zip(&erode(&filled, MIN_SPOT_DEPTH).data) {
        is_spot[*part as usize] &= is_within;
    }
    labels.zip(mask, |part, is_set| is_set || is_spot[part as usize])
}

/// Removes enclosed parts that look like the background and have a sharp rim, such as the inside of a handle or a ring.
pub(super) fn without_holes(
    mask: Plane<bool>,
    colors: &Plane<Oklab>,
    background: &Background,
    edges: &Edges,
) -> Plane<bool> {
    let (labels, sizes) = components(&like_the_ground(&mask, colors, background), Connected::Sides);
    let whole = mask.count();
    let windows = windows(&labels, sizes.len());
    let mut mask = mask;
    for (part, size) in sizes.iter().enumerate().skip(1).filter(|(_, size)| **size > MIN_PIXELS) {
        let rim = rim(part, windows[part], &labels);
        let of_product = rim.iter().copied().filter(|pixel_index| mask.data[*pixel_index]);
        if edges.share_of(of_product.clone(), (3.0 * edges.noise).max(0.02)) <= MIN_EDGE_SHARE {
            continue;
        }
        let is_framed = || {
            let share = of_product.count() as f32 / rim.len() as f32;
            share > MIN_FRAMED_SHARE && distance_of_rest(part, &labels, &mask, colors, background) > MIN_FRAME_DISTANCE
        };
        if (*size as f32) < LARGE_SHARE * whole as f32 || is_framed() {
            for (is_set, label) in mask.data.iter_mut().zip(&labels.data) {
                *is_set &= *label as usize != part;
            }
        }
    }
    mask
}

/// Returns the pixels of the product that have the expected color of the ground.
fn like_the_ground(mask: &Plane<bool>, colors: &Plane<Oklab>, background: &Background) -> Plane<bool> {
    let width = mask.width.max(1);
    let mut near = mask.clone();
    for (y, (row, colors)) in near.data.chunks_exact_mut(width).zip(colors.data.chunks_exact(width)).enumerate() {
        for (x, (is_near, color)) in row.iter_mut().zip(colors).enumerate().filter(|(_, (is_set, _))| **is_set) {
            let behind = background.at(x, y);
            let off = length(color.a - behind.a, color.b - behind.b);
            *is_near =
                off < 0.010 + 2.0 * background.noise && (color.l - behind.l).abs() < 0.018 + 2.0 * background.noise;
        }
    }
    open(&near, 1)
}

/// Returns the indices of the pixels within two pixels around a part.
fn rim(part: usize, [left, top, right, bottom]: [usize; 4], labels: &Plane<u32>) -> Vec<usize> {
    let pixel_indices: Vec<usize> =
        (top..bottom).flat_map(|y| (left..right).map(move |x| y * labels.width + x)).collect();
    let is_hole = |pixel_index: &usize| labels.data[*pixel_index] as usize == part;
    let hole = Plane { width: right - left, height: bottom - top, data: pixel_indices.iter().map(is_hole).collect() };
    let around = dilate(&hole, 2);
    let is_rim = |index: usize| around.data[index] && !hole.data[index];
    pixel_indices
        .into_iter()
        .enumerate()
        .filter(|(index, _)| is_rim(*index))
        .map(|(_, pixel_index)| pixel_index)
        .collect()
}

/// Returns the mean distance of the product without a part from the ground behind it, in OKLab.
fn distance_of_rest(
    part: usize,
    labels: &Plane<u32>,
    mask: &Plane<bool>,
    colors: &Plane<Oklab>,
    background: &Background,
) -> f32 {
    let is_rest = |pixel_index: &usize| mask.data[*pixel_index] && labels.data[*pixel_index] as usize != part;
    let (sum, count) = (0..mask.data.len()).filter(is_rest).fold((0.0, 0), |(sum, count), pixel_index| {
        (
            sum + background.distance(pixel_index % mask.width, pixel_index / mask.width, colors.data[pixel_index]),
            count + 1,
        )
    });
    sum / count.max(1) as f32
}

/// Returns the left, top, right and bottom of each part, with two pixels around it.
fn windows(labels: &Plane<u32>, count: usize) -> Vec<[usize; 4]> {
    let mut windows = vec![[usize::MAX, usize::MAX, 0, 0]; count];
    for (y, row) in labels.data.chunks_exact(labels.width.max(1)).enumerate() {
        for (x, label) in row.iter().enumerate().filter(|(_, label)| **label != 0) {
            let [left, top, right, bottom] = &mut windows[*label as usize];
            (*left, *right) = ((*left).min(x.saturating_sub(2)), (*right).max((x + 3).min(labels.width)));
            (*top, *bottom) = ((*top).min(y.saturating_sub(2)), (*bottom).max((y + 3).min(labels.height)));
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::super::edges::gradient;
    use super::*;

    const SIDE: usize = 120;

    /// Returns the colors, the mask and the edges of a disc on an even `ground`. The disc has a radius of 45 pixels.
    /// Its color depends on the distance from its middle, in pixels.
    fn disc(ground: Oklab, color: impl Fn(f32) -> Oklab) -> (Plane<Oklab>, Plane<bool>, Edges) {
        let distance =
            |pixel_index: usize| ((pixel_index % SIDE) as f32 - 60.0).hypot((pixel_index / SIDE) as f32 - 60.0);
        let distances = Plane { width: SIDE, height: SIDE, data: (0..SIDE * SIDE).map(distance).collect() };
        let mask = distances.map(|distance| distance < 45.0);
        let colors = distances.map(|distance| if distance < 45.0 { color(distance) } else { ground });
        let edges = Edges::new(&gradient(&colors.map(|color| [color.l, color.a, color.b]), 2.5));
        (colors, mask, edges)
    }

    /// Returns which areas of a disc remain after holes are removed: its middle, of the color `middle`, and its ring.
    fn left(ring: Oklab, middle: Oklab, radius: f32) -> (bool, bool) {
        let ground = Oklab { l: 0.9, a: 0.0, b: 0.0 };
        let (colors, mask, edges) = disc(ground, |distance| if distance < radius { middle } else { ring });
        let found = without_holes(mask, &colors, &Background::fit(&colors), &edges);
        (found.at(60, 60), found.at(60, 18))
    }

    #[test]
    fn the_ground_within_a_ring_is_no_part_of_it_however_large_it_is() {
        let (red, ground) = (Oklab { l: 0.5, a: 0.18, b: 0.1 }, Oklab { l: 0.9, a: 0.0, b: 0.0 });
        assert_eq!(left(red, ground, 15.0), (false, true));
        assert_eq!(left(red, ground, 38.0), (false, true));
    }

    #[test]
    fn the_inside_of_something_pale_stays_though_it_looks_like_the_ground() {
        let (pale, ground) = (Oklab { l: 0.85, a: 0.0, b: 0.005 }, Oklab { l: 0.9, a: 0.0, b: 0.0 });
        assert_eq!(left(pale, ground, 38.0), (true, true));
    }

    #[test]
    fn a_spot_within_a_product_is_filled_and_a_hole_by_its_outline_or_a_large_one_is_not() {
        let mut mask = Plane::filled(SIDE, SIDE, false);
        let mut set = |across: std::ops::Range<usize>, down: std::ops::Range<usize>, is_set: bool| {
            down.for_each(|y| mask.data[y * SIDE..][across.clone()].fill(is_set));
        };
        set(10..110, 10..110, true);
        for left in [60, 12] {
            set(left..left + 5, 60..66, false);
        }
        set(30..42, 60..72, false);
        let filled = without_spots(&mask);
        assert!(filled.at(62, 62) && !filled.at(14, 62) && !filled.at(35, 65) && !filled.at(2, 2));
    }

    #[test]
    fn the_ground_in_a_corner_of_the_picture_is_no_spot_however_small_it_is() {
        let mut mask = Plane::filled(SIDE, SIDE, true);
        for y in 0..5 {
            mask.data[y * SIDE..][..5].fill(false);
        }
        assert!(!without_spots(&mask).at(2, 2));
    }
}
