use std::ops::Range;

use crate::color::filter::{box_blur, dilate, erode, gaussian};
use crate::color::{Plane, Rgb, luminance};

use super::unmix::{dot, norm};

/// The distance inside and outside the outline within which colors are gathered, in pixels.
const GATHER_RADIUS: usize = 4;

/// The largest distance of mixtures from the outline, in pixels.
const MIXED_BAND: usize = 2;

/// The noise of a pixel's color, as a share of its light.
const PIXEL_NOISE: f32 = 0.006;

/// The largest ratio between a pixel's coverage and that of the outline alone. The same limit applies to the uncovered
/// share.
const MAX_COVERAGE_CHANGE: f32 = 2.5;

/// The largest variation of the colors on a side without areas that look like a mixture, as a share of the step to the
/// other side.
const MAX_FLAT_VARIATION: f32 = 0.15;

/// The position of a pixel relative to a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// A position certainly in the region.
    Inside,
    /// A position at the region's outline.
    Band,
    /// A position certainly not in the region.
    Outside,
}

/// The outline of a region: the side on which each pixel lies, and the colors on both sides.
pub(crate) struct Matte {
    /// The side on which each pixel lies.
    pub(crate) sides: Plane<Side>,
    /// The rims of pixels that may be mixtures, and the index of each pixel's rim. All other pixels have the first rim.
    rims: Vec<Rim>,
    rim_of: Plane<u32>,
}

/// The properties of a mixture.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rim {
    /// The region's color nearby.
    pub(crate) front: Rgb,
    /// The color behind the region.
    pub(crate) back: Rgb,
    /// The coverage of the pixel by the outline alone, 0 to 1.
    pub(crate) prior: f32,
    /// The variation of the region's colors nearby.
    pub(super) front_noise: f32,
    /// The variation of the colors behind the region.
    pub(super) back_noise: f32,
}

impl Rim {
    /// The number of values of a rim.
    pub(crate) const VALUES: usize = 9;

    /// Returns the share of a pixel that the region covers, 0 to 1.
    ///
    /// The estimate by color is weighed against the estimate by the outline, according to the certainty of each. The
    /// outline is sharpened by the ratio of the picture's size to that of the analyzed picture.
    #[inline(always)]
    pub(crate) fn share(&self, pixel: Rgb, sharpness: f32) -> f32 {
        let (share, trust) = self.share_by_color(pixel);
        let line = minus(self.front, self.back);
        let outline = ((self.prior - 0.5) * sharpness + 0.5).clamp(0.0, 1.0);
        let found = outline + trust * (share - outline);
        // The outline limits how far mixtures extend. The limit is tighter if the background is lighter, because
        // shadows then look like mixtures. On a ground without any shadow, color alone identifies mixtures.
        let is_darker = luminance(self.front) < 0.5 * luminance(self.back);
        let is_flat = |noise: f32| noise < MAX_FLAT_VARIATION * MAX_FLAT_VARIATION * dot(line, line);
        let is_clear = is_darker && is_flat(self.back_noise);
        let bound = if is_darker { ((self.prior - 0.5) * 1.6 + 0.5).clamp(0.0, 1.0) } else { self.prior };
        let least = if is_clear && is_flat(self.front_noise) { 0.0 } else { 1.0 - MAX_COVERAGE_CHANGE * (1.0 - bound) };
        // Compression spreads a hue beyond its edge, but not the darkness.
        let darkness = |color: Rgb| luminance(self.back) - luminance(color);
        let as_dark = if is_clear { darkness(pixel) / darkness(self.front) } else { 0.0 };
        let most = (MAX_COVERAGE_CHANGE * bound).max(as_dark);
        found.max(least).min(most).clamp(0.0, 1.0)
    }

    /// Returns the share of a pixel that the region covers by its color alone, and the certainty of that share, 0 to 1
    /// each.
    ///
    /// A pixel at the outline is a mixture, in linear light, of the colors on both sides of it. Its share is measured
    /// along the direction that separates them best (Fisher's discriminant). Each side varies along its own color, with
    /// the light, and little in other directions.
    #[inline(always)]
    pub(super) fn share_by_color(&self, pixel: Rgb) -> (f32, f32) {
        let line = minus(self.front, self.back);
        let floor = (PIXEL_NOISE * norm(self.front).max(norm(self.back)) + 0.001).powi(2);
        // The inverse covariance times the line. Each side adds a rank of one.
        let across = |vector: Rgb, variance: f32, color: Rgb| -> Rgb {
            let square = dot(color, color).max(1e-9);
            let part = dot(vector, color) / square * variance / (floor + variance);
            std::array::from_fn(|channel| vector[channel] - part * color[channel])
        };
        let direction = across(across(line, self.front_noise, self.front), self.back_noise, self.back);
        let signal = dot(line, direction).max(1e-9);
        let share = (dot(minus(pixel, self.back), direction) / signal).clamp(0.0, 1.0);
        let certainty = signal / floor;
        let trust = certainty / (certainty + 16.0);
        (share, trust)
    }

    /// Returns the rim between two pixels, by interpolation.
    pub(crate) fn mixed(self, other: Rim, share: f32) -> Rim {
        let (one, other) = (self.values(), other.values());
        Rim::of(std::array::from_fn(|at| one[at] + (other[at] - one[at]) * share))
    }

    /// Returns all values of the rim, for loops over many rims.
    #[inline(always)]
    pub(crate) fn values(self) -> [f32; Rim::VALUES] {
        let Rim { front: [r, g, b], back: [back_r, back_g, back_b], prior, front_noise, back_noise } = self;
        [r, g, b, back_r, back_g, back_b, prior, front_noise, back_noise]
    }

    /// Returns the rim with these values.
    #[inline(always)]
    pub(crate) fn of(values: [f32; Rim::VALUES]) -> Rim {
        let [r, g, b, back_r, back_g, back_b, prior, front_noise, back_noise] = values;
        Rim { front: [r, g, b], back: [back_r, back_g, back_b], prior, front_noise, back_noise }
    }
}

#[inline(always)]
fn minus(one: Rgb, other: Rgb) -> Rgb {
    std::array::from_fn(|channel| one[channel] - other[channel])
}

impl Matte {
    /// Analyzes the outline of `region`.
    pub(crate) fn new(picture: &Plane<Rgb>, region: &Plane<bool>) -> Matte {
        let inner = erode(region, MIXED_BAND);
        let near = dilate(region, MIXED_BAND);
        let sides = inner.zip(&near, |is_inner, is_near| match (is_inner, is_near) {
            (true, _) => Side::Inside,
            (false, true) => Side::Band,
            (false, false) => Side::Outside,
        });
        let soft = gaussian(&region.map(|is_set| if is_set { 1.0f32 } else { 0.0 }), 0.8);
        // If the region is too narrow to have an inside, its own pixels are used instead, the middle ones first.
        let middle = erode(region, 1);
        let around = dilate(region, 1);
        let front = gathered(picture, &near, GATHER_RADIUS, |index| {
            match (inner.data[index], middle.data[index], region.data[index]) {
                (true, ..) => 1.0,
                (_, true, _) => 0.05,
                (.., true) => 0.01,
                _ => 0.0,
            }
        });
        let back = gathered(picture, &near, GATHER_RADIUS, |index| {
            match (near.data[index], around.data[index], region.data[index]) {
                (false, ..) => 1.0,
                (_, false, _) => 0.05,
                (.., false) => 0.01,
                _ => 0.0,
            }
        });
        let needed = dilate(&sides.map(|side| side == Side::Band), 1);
        let mut rims = vec![Rim::default()];
        let mut rim_of = Plane::filled(picture.width, picture.height, 0);
        for index in (0..needed.data.len()).filter(|index| needed.data[*index]) {
            let prior = soft.data[index];
            let (front, front_noise) = front(index).unwrap_or((picture.data[index], 1.0));
            let (back, back_noise) = back(index).unwrap_or((picture.data[index], 1.0));
            rim_of.data[index] = rims.len() as u32;
            rims.push(Rim { front, back, prior, front_noise, back_noise });
        }
        Matte { sides, rims, rim_of }
    }

    /// Returns the rim of a pixel that may be a mixture, by its index.
    pub(crate) fn rim(&self, index: usize) -> Rim {
        self.rims[self.rim_of.data[index] as usize]
    }
}

/// Returns a function that finds the weighted mean of the colors up to `reach` pixels around a pixel and their
/// variance, if any of them has a weight. The pixel must be within one pixel of the bounds of `near`.
pub(super) fn gathered(
    picture: &Plane<Rgb>,
    near: &Plane<bool>,
    reach: usize,
    weight: impl Fn(usize) -> f32,
) -> impl Fn(usize) -> Option<(Rgb, f32)> {
    let (columns, rows) = bounds(near, reach + 1);
    let (width, whole_width) = (columns.len(), picture.width);
    let (left, top) = (columns.start, rows.start);
    let mut sums = Plane::filled(width, rows.len(), [0.0f32; 5]);
    for (y, sums) in rows.zip(sums.data.chunks_exact_mut(width.max(1))) {
        for (index, sum) in (y * whole_width + left..).zip(sums) {
            let (weight, color) = (weight(index), picture.data[index]);
            if weight > 0.0 {
                let [r, g, b] = color.map(|channel| channel * weight);
                *sum = [r, g, b, dot(color, color) * weight, weight];
            }
        }
    }
    let sums = box_blur(&sums, reach);
    move |index| {
        let (x, y) = (index % whole_width - left, index / whole_width - top);
        let [r, g, b, square, weight] = sums.data[y * width + x];
        (weight > 1e-4).then(|| {
            let mean = [r, g, b].map(|channel| channel / weight);
            (mean, (square / weight - dot(mean, mean)).max(0.0))
        })
    }
}

/// Returns the columns and the rows that contain all pixels of a mask and those within `reach` pixels of them. An empty
/// mask has all columns and rows.
fn bounds(mask: &Plane<bool>, reach: usize) -> (Range<usize>, Range<usize>) {
    let (mut columns, mut rows) = ((usize::MAX, 0), (usize::MAX, 0));
    for (y, row) in mask.data.chunks_exact(mask.width.max(1)).enumerate() {
        if let Some((first, last)) = row.iter().position(|is_set| *is_set).zip(row.iter().rposition(|is_set| *is_set)) {
            columns = (columns.0.min(first), columns.1.max(last + 1));
            rows = (rows.0.min(y), y + 1);
        }
    }
    let widened = |(start, end): (usize, usize), most: usize| match start < end {
        true => start.saturating_sub(reach)..(end + reach).min(most),
        false => 0..most,
    };
    (widened(columns, mask.width), widened(rows, mask.height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rim_of_something_black_on_an_even_ground_is_told_by_its_color_and_in_a_shadow_by_the_outline_too() {
        let share = |shadow: f32| {
            let ground = |x: usize| [0.8 - shadow * 0.1 * (24 - x.min(24)) as f32; 3].map(|light: f32| light.max(0.05));
            let color = |x: usize| if x < 16 { [0.01; 3] } else { ground(x) };
            let picture = Plane { width: 32, height: 16, data: (0..512).map(|index| color(index % 32)).collect() };
            // The outline ends one pixel before the edge.
            let region = Plane { width: 32, height: 16, data: (0..512).map(|index| index % 32 < 15).collect() };
            let matte = Matte::new(&picture, &region);
            matte.rim(8 * 32 + 15).share(picture.at(15, 8), 2.0)
        };
        assert!(share(0.0) > 0.9, "{}", share(0.0));
        assert!(share(1.0) < 0.5, "{}", share(1.0));
    }

    #[test]
    fn a_hue_that_compression_spread_beyond_something_dark_is_no_mixture() {
        let color = |x: usize, y: usize| match x {
            0..15 => [0.02, 0.02, 0.06].map(|channel| channel * (0.5 + y as f32 / 8.0)),
            15..18 => [0.71, 0.76, 0.95].map(|channel| channel * (0.9 + y as f32 / 80.0)),
            _ => [0.8 * (0.9 + y as f32 / 80.0); 3],
        };
        let picture =
            Plane { width: 32, height: 16, data: (0..512).map(|index| color(index % 32, index / 32)).collect() };
        let region = Plane { width: 32, height: 16, data: (0..512).map(|index| index % 32 < 15).collect() };
        let matte = Matte::new(&picture, &region);
        let share = matte.rim(8 * 32 + 16).share(picture.at(16, 8), 2.0);
        assert!(share < 0.2, "{share}");
    }

    #[test]
    fn a_mixed_pixel_is_covered_by_its_share() {
        let mut picture = Plane::filled(32, 16, [0.3, 0.3, 0.3]);
        let mut region = Plane::filled(32, 16, false);
        for y in 0..16 {
            for x in 0..16 {
                picture.data[y * 32 + x] = [0.6, 0.05, 0.05];
                region.data[y * 32 + x] = true;
            }
            picture.data[y * 32 + 16] = [0.45, 0.175, 0.175];
        }
        let matte = Matte::new(&picture, &region);
        let share = |x: usize| matte.rim(8 * 32 + x).share(picture.at(x, 8), 2.0);
        assert!((share(16) - 0.5).abs() < 0.02, "{}", share(16));
        assert_eq!((matte.sides.at(4, 8), matte.sides.at(30, 8)), (Side::Inside, Side::Outside));
        assert!(share(15) > 0.98 && share(17) < 0.02);
    }
}
