use std::borrow::Cow;

use crate::color::ciede2000_batch::differences;
use crate::color::dominant_color::percentile;
use crate::color::filter::{close, dilate, gaussian, open, shrink};
use crate::color::{Plane, Rgb};

/// The longer side, in pixels, of pictures that are compared. Twice the size gives the same verdicts.
pub const COMPARED_SIDE: usize = 256;

/// The smallest difference that counts as a change, in ΔE00.
const MIN_CHANGE: f32 = 2.5;

/// The smallest share of changed pixels that counts as a region.
const MIN_REGION_SHARE: f64 = 0.0005;

/// The standard deviation of the blur before the comparison, in compared pixels.
const BLUR: f32 = 0.5;

/// The distance around the region within which light of its color falls, in compared pixels.
const SPILL_DISTANCE: f32 = 4.0;

/// The comparison of two pictures, based on them alone.
pub(super) struct Comparison {
    /// The changed region, in the size of the compared pictures.
    pub(super) region: Plane<bool>,
    /// The measures of how well the rest was kept.
    pub(super) kept: Kept,
    /// The ΔE00 between the two pictures at each pixel.
    pub(super) differences: Plane<f32>,
}

/// Measures of how well the rest of a picture was kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Kept {
    /// The mean ΔE00.
    pub(super) mean: f64,
    /// The share of the pixels that changed by more than 2.
    pub(super) share: f64,
    /// The share of the pixels that changed by at most 1.25.
    pub(super) still: f64,
}

impl Kept {
    /// Whether the rest was kept well enough.
    ///
    /// On average, correct edits score 0.67 and 0.10, because a product casts its color on the floor. A large glossy
    /// product casts more of it, but not on the whole floor. With a color cast or another background, no quarter of the
    /// pixels stays unchanged.
    pub(super) fn is_well(self) -> bool {
        self.mean <= 2.0 || self.share <= 0.35 || (self.mean <= 5.0 && self.still >= 0.25)
    }
}

/// Compares two pictures of the same size.
///
/// The noise of the differences at the border determines the smallest difference that counts as a change. Otsu's
/// threshold determines the extent of the change. A slight blur makes the comparison robust against compression and
/// small shifts.
pub(super) fn compare(before: &Plane<Rgb>, after: &Plane<Rgb>) -> Comparison {
    let scale = (before.width.max(before.height) as f32 / COMPARED_SIDE as f32).max(1.0);
    let (before, after) = (gaussian(before, BLUR * scale), gaussian(after, BLUR * scale));
    let differences = differences(&before, &after);
    let region = changed(&differences);
    let near = dilate(&region, (SPILL_DISTANCE * scale) as usize);
    let rest: Vec<f32> =
        differences.data.iter().zip(&near.data).filter(|(_, is_near)| !**is_near).map(|(off, _)| *off).collect();
    let count = rest.len().max(1) as f64;
    let kept = Kept {
        mean: rest.iter().map(|off| f64::from(*off)).sum::<f64>() / count,
        share: rest.iter().filter(|off| **off > 2.0).count() as f64 / count,
        still: rest.iter().filter(|off| **off <= 1.25).count() as f64 / count,
    };
    Comparison { region, kept, differences }
}

/// Returns two pictures at the same size, or `None` if neither is a scaled version of the other.
pub(super) fn aligned<'p>(one: Cow<'p, Plane<Rgb>>, other: Cow<'p, Plane<Rgb>>) -> Option<[Cow<'p, Plane<Rgb>>; 2]> {
    let ratio = |plane: &Plane<Rgb>| plane.width as f64 / plane.height.max(1) as f64;
    if (ratio(&one) / ratio(&other)).ln().abs() > 0.03 {
        return None;
    }
    let (width, height) = (one.width.min(other.width), one.height.min(other.height));
    Some([one, other].map(|plane| match (plane.width, plane.height) == (width, height) {
        true => plane,
        false => Cow::Owned(shrink(&plane, width, height)),
    }))
}

fn changed(differences: &Plane<f32>) -> Plane<bool> {
    let depth = (0.04 * differences.width.min(differences.height) as f64) as usize;
    let ring: Vec<f32> = differences.ring(depth.max(4)).map(|(x, y)| differences.at(x, y)).collect();
    let median = percentile(&mut ring.clone(), 0.5).unwrap_or(0.0);
    let mut spread: Vec<f32> = ring.iter().map(|off| (off - median).abs()).collect();
    let low = MIN_CHANGE.max(median + 5.0 * 1.4826 * percentile(&mut spread, 0.5).unwrap_or(0.0));
    let mut above: Vec<f32> = differences.data.iter().copied().filter(|off| *off > low).collect();
    if (above.len() as f64) < MIN_REGION_SHARE * differences.data.len() as f64 {
        return differences.map(|_| false);
    }
    let upper = percentile(&mut above, 0.75).unwrap_or(low);
    let threshold = otsu(differences.data.iter().copied().filter(|off| *off > 0.6 * low));
    let high = low.max(threshold.min(0.45 * upper));
    close(&open(&differences.map(|off| off > high), 1), 2)
}

/// Returns Otsu's threshold (1979): the value that splits a histogram into two parts with the most variance between
/// them.
fn otsu(values: impl Iterator<Item = f32>) -> f32 {
    const STEPS: f32 = 4.0;
    let mut histogram = [0u64; 256];
    values.for_each(|value| histogram[((value * STEPS + 0.5) as usize).min(255)] += 1);
    let all: u64 = histogram.iter().sum();
    let total: f64 = histogram.iter().enumerate().map(|(at, count)| at as f64 * *count as f64).sum();
    let (mut below, mut sum, mut best) = (0u64, 0.0, (0.0, 0));
    for (at, count) in histogram.iter().enumerate() {
        below += count;
        sum += at as f64 * *count as f64;
        if below == 0 || below == all {
            continue;
        }
        let (low, high) = (below as f64, (all - below) as f64);
        let variance = low * high * (sum / low - (total - sum) / high).powi(2);
        if variance > best.0 {
            best = (variance, at);
        }
    }
    best.1 as f32 / STEPS
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 120;

    /// Returns how well the rest is kept if a red square on a grey ground becomes blue. The part of the ground left of
    /// `lit` becomes slightly blue.
    fn thrown(lit: usize) -> Kept {
        let picture = |product: Rgb, floor: Rgb| {
            let color = |x: usize, y: usize| match (40..80).contains(&x) && (40..80).contains(&y) {
                true => product,
                false if x < lit => floor,
                false => [0.5; 3],
            };
            let data = (0..SIDE * SIDE).map(|at| color(at % SIDE, at / SIDE)).collect();
            Plane { width: SIDE, height: SIDE, data }
        };
        compare(&picture([0.5, 0.02, 0.02], [0.5; 3]), &picture([0.02, 0.1, 0.5], [0.46, 0.48, 0.53])).kept
    }

    #[test]
    fn the_color_that_a_product_throws_on_some_of_the_floor_is_no_other_background_but_a_cast_on_all_is() {
        let (some, all) = (thrown(80), thrown(SIDE));
        assert!(some.mean > 2.0 && some.share > 0.35, "{some:?}");
        assert!(some.is_well(), "{some:?}");
        assert!(!all.is_well(), "{all:?}");
    }
}
