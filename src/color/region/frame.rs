use crate::color::filter::dilate;
use crate::color::{Oklab, Plane};

use super::background::Background;

/// The smallest distance from the background at which a color at the border does not belong to it, in OKLab.
const MIN_DISTANCE: f32 = 0.07;

/// That distance as a multiple of the border's noise.
const MIN_NOISE_RATIO: f32 = 5.0;

/// The largest share of the border that a product may cover.
const MAX_BORDER_SHARE: f32 = 0.4;

/// The smallest share of the border that is more than a speck.
const MIN_BORDER_SHARE: f32 = 0.015;

/// The largest distance between the colors of a band, such as a skirting, where it meets opposite sides of the border,
/// in OKLab.
const MAX_BAND_DISTANCE: f32 = 0.1;

/// The largest share of the border that such a band covers on one side: a quarter of the side.
const MAX_BAND_SHARE: f32 = 0.06;

/// The largest number of areas at the border among which bands are searched. More are a pattern.
const MAX_RUNS: usize = 4;

/// The largest share of the border that a gap may have without splitting a product. A fold in a coat is such a gap.
const MAX_GAP: f32 = 0.01;

/// The border of a picture.
pub(super) struct Frame {
    /// The pixels that show the background. Pixels at which a product stands on the border or is cut by it are excluded.
    pub(super) ground: Plane<bool>,
    /// The pixels of the ground at which a band that passes behind the product, such as a skirting, meets the border.
    pub(super) bands: Plane<bool>,
}

/// Returns what is at the border of a picture.
///
/// A product stands on one side or around one corner. A narrow area that meets two opposite sides in one color passes
/// behind it. An area that runs from corner to corner is a floor or a wall,
/// which is background. If more than `MAX_BORDER_SHARE` of the border differs from the background, all of it counts as
/// background.
pub(super) fn frame(colors: &Plane<Oklab>, background: &Background) -> Frame {
    let (width, height) = (colors.width, colors.height);
    let least = MIN_DISTANCE.max(MIN_NOISE_RATIO * background.noise);
    let positions = walk(width, height);
    let is_apart = |(x, y): (usize, usize)| background.distance(x, y, colors.at(x, y)) > least;
    // A product that ends one pixel from the border is also cut by it.
    let inward = |at: usize, of: usize| at.min(of.saturating_sub(2)).max(1.min(of - 1));
    let inner = |(x, y): (usize, usize)| (inward(x, width), inward(y, height));
    let mut is_other: Vec<bool> =
        positions.iter().map(|position| is_apart(*position) || is_apart(inner(*position))).collect();
    let share = |length: usize| length as f32 / positions.len().max(1) as f32;
    for gap in runs(&is_other, false) {
        if share(gap.len()) < MAX_GAP {
            gap.iter().for_each(|index| is_other[*index] = true);
        }
    }
    let found = runs(&is_other, true);
    let taken: usize = found.iter().map(Vec::len).sum();
    let mut product = Plane::filled(width, height, false);
    let mut bands = product.clone();
    if share(taken) > MAX_BORDER_SHARE {
        return Frame { ground: product.map(|_| true), bands };
    }
    let is_corner = |(x, y): (usize, usize)| (x == 0 || x + 1 == width) && (y == 0 || y + 1 == height);
    let middle = |run: &[usize]| positions[run[run.len() / 2]];
    let is_band = |run: &[usize]| {
        found.len() <= MAX_RUNS
            && found.iter().any(|other| {
                let ((x, y), (other_x, other_y)) = (middle(run), middle(other));
                let is_opposite = x.abs_diff(other_x) + 1 == width || y.abs_diff(other_y) + 1 == height;
                share(run.len().max(other.len())) < MAX_BAND_SHARE
                    && is_opposite
                    && colors.at(x, y).distance(colors.at(other_x, other_y)) < MAX_BAND_DISTANCE
            })
    };
    for run in &found {
        let corners = run.iter().filter(|index| is_corner(positions[**index])).count();
        let marked = match is_band(run) {
            true => &mut bands,
            false if share(run.len()) > MIN_BORDER_SHARE && corners <= 1 => &mut product,
            false => continue,
        };
        run.iter().for_each(|index| marked.data[positions[*index].1 * width + positions[*index].0] = true);
    }
    Frame { ground: dilate(&product, 1).map(|is_product| !is_product), bands }
}

/// Returns the border's pixels, clockwise from the upper left corner.
fn walk(width: usize, height: usize) -> Vec<(usize, usize)> {
    let (right, bottom) = (width.saturating_sub(1), height.saturating_sub(1));
    let top = (0..right).map(|x| (x, 0));
    let down = (0..bottom).map(move |y| (right, y));
    let back = (1..=right).rev().map(move |x| (x, bottom));
    let up = (1..=bottom).rev().map(|y| (0, y));
    top.chain(down).chain(back).chain(up).collect()
}

/// Returns the runs of `value` in a ring, as indices. The last run continues at the beginning.
fn runs(ring: &[bool], value: bool) -> Vec<Vec<usize>> {
    if ring.is_empty() {
        return Vec::new();
    }
    let Some(first) = ring.iter().position(|own| *own != value) else { return vec![(0..ring.len()).collect()] };
    let mut runs: Vec<Vec<usize>> = Vec::new();
    let mut is_within = false;
    for index in (first..ring.len()).chain(0..first) {
        let is_value = ring[index] == value;
        if is_value && !is_within {
            runs.push(Vec::new());
        }
        if let Some(run) = runs.last_mut().filter(|_| is_value) {
            run.push(index);
        }
        is_within = is_value;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the frame of a grey picture with a dark red product at the pixels of `is_product`.
    fn framed(is_product: impl Fn(usize, usize) -> bool) -> Plane<bool> {
        let mut picture = Plane::filled(100, 80, Oklab::default());
        for (pixel_index, color) in picture.data.iter_mut().enumerate() {
            let (x, y) = (pixel_index % 100, pixel_index / 100);
            let ground = Oklab { l: 0.8 + x as f32 * 0.001, a: 0.0, b: 0.01 };
            *color = if is_product(x, y) { Oklab { l: 0.45, a: 0.18, b: 0.09 } } else { ground };
        }
        frame(&picture, &Background::fit(&picture)).ground
    }

    #[test]
    fn a_skirting_that_passes_behind_the_product_is_background_and_a_pattern_of_stripes_is_not() {
        let behind = framed(|x, y| (50..58).contains(&y) || (30..70).contains(&x) && (20..70).contains(&y));
        assert!(behind.at(0, 54) && behind.at(99, 54));
        let on_one_side = framed(|x, y| x < 40 && (50..58).contains(&y));
        assert!(!on_one_side.at(0, 54));
        let striped = framed(|_, y| y % 24 >= 16);
        assert!(!striped.at(0, 20) && !striped.at(99, 44));
    }

    #[test]
    fn what_is_cut_by_the_border_is_no_background_and_a_floor_is() {
        let cut = framed(|x, y| (30..70).contains(&x) && y > 40);
        assert!(!cut.at(50, 79) && cut.at(10, 79) && cut.at(50, 0));
        let around_a_corner = framed(|x, y| x < 35 && y > 50);
        assert!(!around_a_corner.at(0, 79) && !around_a_corner.at(20, 79) && around_a_corner.at(60, 79));
        let floor = framed(|_, y| y > 60);
        assert!(floor.data.iter().all(|is_background| *is_background));
    }

    #[test]
    fn what_ends_a_pixel_from_the_border_is_cut_by_it() {
        let cut = framed(|x, y| (30..70).contains(&x) && (40..79).contains(&y));
        assert!(!cut.at(50, 79) && cut.at(10, 79));
    }

    #[test]
    fn a_border_on_which_nothing_stands_is_background() {
        assert!(framed(|x, y| (30..70).contains(&x) && (30..50).contains(&y)).data.iter().all(|is_set| *is_set));
        assert!(framed(|_, _| true).data.iter().all(|is_set| *is_set));
    }

    #[test]
    fn a_picture_of_one_pixel_has_no_border_to_follow() {
        let colors = Plane::filled(1, 1, Oklab::default());
        let frame = frame(&colors, &Background::fit(&colors));
        assert_eq!((frame.ground.count(), frame.bands.count()), (1, 0));
    }
}
