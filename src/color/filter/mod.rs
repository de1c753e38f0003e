//! Filters over planes: blurs, morphology, resampling, connected components.

mod components;
mod resample;

use std::ops::RangeInclusive;

use super::Plane;

pub(super) use components::{Connected, components, flooded, keep_parts, neighbors};
pub(super) use resample::{enlarge, interpolate, shrink};

/// A value that can be averaged.
pub(super) trait Sample: Copy {
    const ZERO: Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, factor: f32) -> Self;
    /// Returns the numbers of many samples, one after the other. Loops over them are vectorized.
    fn flat(samples: &[Self]) -> &[f32];
    fn flat_mut(samples: &mut [Self]) -> &mut [f32];
}

impl Sample for f32 {
    const ZERO: f32 = 0.0;

    fn plus(self, other: f32) -> f32 {
        self + other
    }

    fn minus(self, other: f32) -> f32 {
        self - other
    }

    fn times(self, factor: f32) -> f32 {
        self * factor
    }

    fn flat(samples: &[f32]) -> &[f32] {
        samples
    }

    fn flat_mut(samples: &mut [f32]) -> &mut [f32] {
        samples
    }
}

impl<const N: usize> Sample for [f32; N] {
    const ZERO: [f32; N] = [0.0; N];

    fn plus(self, other: [f32; N]) -> [f32; N] {
        std::array::from_fn(|channel| self[channel] + other[channel])
    }

    fn minus(self, other: [f32; N]) -> [f32; N] {
        std::array::from_fn(|channel| self[channel] - other[channel])
    }

    fn times(self, factor: f32) -> [f32; N] {
        self.map(|value| value * factor)
    }

    fn flat(samples: &[[f32; N]]) -> &[f32] {
        samples.as_flattened()
    }

    fn flat_mut(samples: &mut [[f32; N]]) -> &mut [f32] {
        samples.as_flattened_mut()
    }
}

/// Returns the mean over a square with a side of `2 * radius + 1` pixels. Beyond its border, the picture continues as
/// its mirror image.
pub(super) fn box_blur<T: Sample>(plane: &Plane<T>, radius: usize) -> Plane<T> {
    let (width, height) = (plane.width, plane.height);
    let share = 1.0 / (2 * radius + 1) as f32;
    let reach = radius as isize;
    // The means along the rows that are needed at a time. Each new row replaces one that is no longer needed.
    let kept = (2 * radius + 2).min(height);
    let mut rows = vec![T::ZERO; kept * width];
    let mut padded = Vec::with_capacity(width + 2 * radius + 1);
    let mut sources = plane.data.chunks_exact(width.max(1)).enumerate();
    let mut read = |rows: &mut [T]| {
        let Some((y, source)) = sources.next() else { return };
        pad(&mut padded, source, radius, radius + 1);
        let mut sum = padded[..=2 * radius].iter().fold(T::ZERO, |sum, value| sum.plus(*value));
        let steps = padded[2 * radius + 1..].iter().zip(&padded);
        for (mean, (next, last)) in rows[y % kept * width..][..width].iter_mut().zip(steps) {
            *mean = sum.times(share);
            sum = sum.plus(next.minus(*last));
        }
    };
    let row = |y: isize| mirrored(y, height) % kept * width;
    (0..=radius).for_each(|_| read(&mut rows));
    let mut sums = vec![T::ZERO; width];
    for y in -reach..=reach {
        add(&mut sums, &rows[row(y)..][..width]);
    }
    let mut data = vec![T::ZERO; plane.data.len()];
    for (y, means) in (0..).zip(data.chunks_exact_mut(width.max(1))) {
        T::flat_mut(means).iter_mut().zip(T::flat(&sums)).for_each(|(mean, sum)| *mean = sum * share);
        read(&mut rows);
        let (next, last) = (&rows[row(y + reach + 1)..][..width], &rows[row(y - reach)..][..width]);
        for ((sum, next), last) in T::flat_mut(&mut sums).iter_mut().zip(T::flat(next)).zip(T::flat(last)) {
            *sum += next - last;
        }
    }
    Plane { width, height, data }
}

/// Returns the picture after a Gaussian blur with a small `sigma`, in pixels.
pub(super) fn gaussian<T: Sample>(plane: &Plane<T>, sigma: f32) -> Plane<T> {
    let (width, height) = (plane.width, plane.height);
    let reach = (sigma * 3.5).ceil() as isize;
    let mut kernel: Vec<f32> = (-reach..=reach).map(|index| (-0.5 * (index as f32 / sigma).powi(2)).exp()).collect();
    let sum: f32 = kernel.iter().sum();
    kernel.iter_mut().for_each(|weight| *weight /= sum);
    let reach = reach as usize;
    // The blurred rows that are needed at a time. Each new row replaces one that is no longer needed.
    let kept = kernel.len().min(height);
    let mut rows = vec![T::ZERO; kept * width];
    let mut padded = Vec::with_capacity(width + kernel.len());
    let mut sources = plane.data.chunks_exact(width.max(1)).enumerate();
    let mut read = |rows: &mut [T]| {
        let Some((y, source)) = sources.next() else { return };
        pad(&mut padded, source, reach, reach);
        let shifted: Vec<&[f32]> = (0..kernel.len()).map(|shift| T::flat(&padded[shift..])).collect();
        weigh(T::flat_mut(&mut rows[y % kept * width..][..width]), &shifted, &kernel);
    };
    (0..reach).for_each(|_| read(&mut rows));
    let mut data = vec![T::ZERO; plane.data.len()];
    for (y, out) in (0..).zip(data.chunks_exact_mut(width.max(1))) {
        read(&mut rows);
        let around = (y - reach as isize..).take(kernel.len());
        let around: Vec<&[f32]> = around.map(|at| T::flat(&rows[mirrored(at, height) % kept * width..])).collect();
        weigh(T::flat_mut(out), &around, &kernel);
    }
    Plane { width, height, data }
}

/// Computes the weighted sum of all `values` at each position. It works on blocks that stay in registers.
fn weigh(sums: &mut [f32], values: &[&[f32]], weights: &[f32]) {
    const LANES: usize = 32;
    let (blocks, rest) = sums.as_chunks_mut::<LANES>();
    let rest_from = blocks.len() * LANES;
    for (block, sums) in blocks.iter_mut().enumerate() {
        let mut lanes = [0.0; LANES];
        for (values, weight) in values.iter().zip(weights) {
            let values = &values.as_chunks::<LANES>().0[block];
            lanes.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * weight);
        }
        *sums = lanes;
    }
    for (at, sum) in (rest_from..).zip(rest) {
        *sum = values.iter().zip(weights).fold(0.0, |sum, (values, weight)| sum + values[at] * weight);
    }
}

fn add<T: Sample>(sums: &mut [T], values: &[T]) {
    T::flat_mut(sums).iter_mut().zip(T::flat(values)).for_each(|(sum, value)| *sum += value);
}

/// Fills `padded` with a row and its mirror images: `before` samples before the row, and `behind` samples after it.
fn pad<T: Copy>(padded: &mut Vec<T>, row: &[T], before: usize, behind: usize) {
    let mirror = |index: isize| row[mirrored(index, row.len())];
    padded.clear();
    padded.extend((-(before as isize)..0).map(mirror));
    padded.extend_from_slice(row);
    padded.extend((row.len() as isize..).take(behind).map(mirror));
}

fn mirrored(index: isize, length: usize) -> usize {
    let period = 2 * length as isize;
    let index = index.rem_euclid(period);
    (if index < length as isize { index } else { period - 1 - index }) as usize
}

/// Sets all pixels within a square of `radius` around each set pixel.
pub(super) fn dilate(mask: &Plane<bool>, radius: usize) -> Plane<bool> {
    spread(mask, radius, |one, other| one | other)
}

/// Returns the value that `pick` chooses within a square of `radius` around each pixel, such as the smallest or the
/// largest.
pub(super) fn spread<T: Copy>(plane: &Plane<T>, radius: usize, pick: impl Fn(T, T) -> T) -> Plane<T> {
    let mut reached = radius.min(2);
    let mut spread = spread_by(plane, 1..=reached, &pick);
    while reached < radius {
        // The three chosen values cover a larger square. It has no gap, because the shift is at most one more than the
        // radius of each.
        let shift = (reached + 1).min(radius - reached);
        spread = spread_by(&spread, shift..=shift, &pick);
        reached += shift;
    }
    spread
}

/// Returns the value that `pick` chooses among each pixel and those that are any of the `shifts` away from it, across,
/// down or both.
fn spread_by<T: Copy>(plane: &Plane<T>, shifts: RangeInclusive<usize>, pick: impl Fn(T, T) -> T) -> Plane<T> {
    let width = plane.width.max(1);
    let choose = |values: &mut [T], others: &[T]| {
        values.iter_mut().zip(others).for_each(|(value, other)| *value = pick(*value, *other));
    };
    let mut rows = plane.data.clone();
    for (row, out) in plane.data.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
        for shift in shifts.clone().filter(|shift| *shift < width) {
            choose(&mut out[shift..], row);
            choose(out, &row[shift..]);
        }
    }
    let mut data = rows.clone();
    for shift in shifts.filter(|shift| *shift < plane.height).map(|shift| shift * width) {
        choose(&mut data[shift..], &rows);
        choose(&mut data, &rows[shift..]);
    }
    Plane { width: plane.width, height: plane.height, data }
}

/// Returns the larger of two numbers, for [`spread`]. It takes one instruction, and [`f32::max`] takes several.
pub(super) fn larger(one: f32, other: f32) -> f32 {
    if one > other { one } else { other }
}

/// Returns the smaller of two numbers, for [`spread`].
pub(super) fn smaller(one: f32, other: f32) -> f32 {
    if one < other { one } else { other }
}

/// Keeps the pixels whose whole square of `radius` is set. Pixels outside the picture count as set.
pub(super) fn erode(mask: &Plane<bool>, radius: usize) -> Plane<bool> {
    spread(mask, radius, |one, other| one & other)
}

/// Removes areas that are narrower than a square of `radius`.
pub(super) fn open(mask: &Plane<bool>, radius: usize) -> Plane<bool> {
    dilate(&erode(mask, radius), radius)
}

/// Fills gaps that are narrower than a square of `radius`.
pub(super) fn close(mask: &Plane<bool>, radius: usize) -> Plane<bool> {
    erode(&dilate(mask, radius), radius)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> Plane<bool> {
        let data = rows.iter().flat_map(|row| row.bytes().map(|byte| byte == b'#')).collect();
        Plane { width: rows[0].len(), height: rows.len(), data }
    }

    #[test]
    fn a_box_blur_is_the_mean_over_its_square() {
        let plane = Plane { width: 3, height: 3, data: vec![0.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0] };
        let blurred = box_blur(&plane, 1);
        assert!((blurred.at(1, 1) - 1.0).abs() < 1e-6);
        assert!((blurred.data.iter().sum::<f32>() - 9.0).abs() < 1e-4, "light is neither made nor lost");
    }

    #[test]
    fn blurs_mirror_the_picture_however_small_it_is() {
        let value = |index: usize| ((index * 7) % 11) as f32;
        for (width, height, radius) in [(40, 9, 2), (5, 3, 4), (3, 30, 6)] {
            let plane = Plane { width, height, data: (0..width * height).map(value).collect() };
            let mean = |x: usize, y: usize, reach: isize, weight: &dyn Fn(isize) -> f32| -> f32 {
                let around = (-reach..=reach).flat_map(|down| (-reach..=reach).map(move |across| (across, down)));
                let at = |index: usize, by: isize, of: usize| mirrored(index as isize + by, of);
                let weighed = around.map(|(across, down)| {
                    plane.at(at(x, across, width), at(y, down, height)) * weight(across) * weight(down)
                });
                weighed.sum()
            };
            let (boxed, soft) = (box_blur(&plane, radius), gaussian(&plane, 0.7));
            let bell = |at: isize| (-0.5 * (at as f32 / 0.7).powi(2)).exp();
            let whole: f32 = (-3..=3).map(bell).sum();
            for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                let share = 1.0 / (2 * radius + 1) as f32;
                assert!((boxed.at(x, y) - mean(x, y, radius as isize, &|_| share)).abs() < 1e-3);
                assert!((soft.at(x, y) - mean(x, y, 3, &|at| bell(at) / whole)).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn the_largest_of_a_square_is_spread_to_each_pixel_however_large_the_square_is() {
        for (width, height, radius) in [(7, 5, 0), (9, 8, 1), (23, 17, 5), (4, 30, 6), (1, 3, 2)] {
            let data = (0..width * height).map(|index| (index * 37) % 101).collect();
            let plane = Plane { width, height, data };
            let spread = spread(&plane, radius, usize::max);
            for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                let near = |at: usize, of: usize| at.saturating_sub(radius)..(at + radius + 1).min(of);
                let square = near(y, height).flat_map(|y| near(x, width).map(move |x| (x, y)));
                assert_eq!(Some(spread.at(x, y)), square.map(|(x, y)| plane.at(x, y)).max());
            }
        }
    }

    #[test]
    fn a_corner_has_three_neighbors_and_the_middle_eight() {
        assert_eq!(neighbors(0, 4, 3).collect::<Vec<_>>(), [1, 4, 5]);
        assert_eq!(neighbors(11, 4, 3).collect::<Vec<_>>(), [6, 7, 10]);
        assert_eq!(neighbors(5, 4, 3).collect::<Vec<_>>(), [0, 1, 2, 4, 6, 8, 9, 10]);
    }

    #[test]
    fn dilate_and_erode_are_each_others_opposite_on_squares() {
        let square = mask(&[".......", ".......", "..###..", "..###..", "..###..", ".......", "......."]);
        assert_eq!(erode(&dilate(&square, 1), 1), square);
        assert_eq!(erode(&square, 1).count(), 1);
        assert_eq!(open(&mask(&["#....", ".....", "..###", "..###", "..###"]), 1).count(), 9);
    }

    #[test]
    fn parts_are_told_apart_by_how_they_touch() {
        let diagonal = mask(&["#..", ".#.", "..#"]);
        assert_eq!(components(&diagonal, Connected::Corners).1.len(), 2);
        assert_eq!(components(&diagonal, Connected::Sides).1.len(), 4);
    }
}
