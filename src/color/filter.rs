//! Filters over planes: blurs, morphology, resampling, connected components.

use super::{Plane, Rgb};

/// What can be averaged.
pub(super) trait Sample: Copy {
    const ZERO: Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, factor: f32) -> Self;
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
}

impl Sample for Rgb {
    const ZERO: Rgb = [0.0; 3];

    fn plus(self, other: Rgb) -> Rgb {
        [self[0] + other[0], self[1] + other[1], self[2] + other[2]]
    }

    fn minus(self, other: Rgb) -> Rgb {
        [self[0] - other[0], self[1] - other[1], self[2] - other[2]]
    }

    fn times(self, factor: f32) -> Rgb {
        self.map(|value| value * factor)
    }
}

/// The mean over a square of `2 * radius + 1` pixels; the picture goes on as its mirror image.
pub(super) fn box_blur<T: Sample>(plane: &Plane<T>, radius: usize) -> Plane<T> {
    transposed(&box_rows(&transposed(&box_rows(plane, radius)), radius))
}

fn box_rows<T: Sample>(plane: &Plane<T>, radius: usize) -> Plane<T> {
    let width = plane.width;
    let share = 1.0 / (2 * radius + 1) as f32;
    let mut data = Vec::with_capacity(plane.data.len());
    for row in plane.data.chunks_exact(width.max(1)) {
        let at = |place: isize| row[mirrored(place, width)];
        let reach = radius as isize;
        let mut sum = (-reach..=reach).fold(T::ZERO, |sum, place| sum.plus(at(place)));
        for x in 0..width as isize {
            data.push(sum.times(share));
            sum = sum.plus(at(x + reach + 1)).minus(at(x - reach));
        }
    }
    Plane { width, height: plane.height, data }
}

/// A Gaussian blur of a small `sigma`, in pixels.
pub(super) fn gaussian<T: Sample>(plane: &Plane<T>, sigma: f32) -> Plane<T> {
    let reach = (sigma * 3.5).ceil() as isize;
    let mut kernel: Vec<f32> = (-reach..=reach).map(|place| (-0.5 * (place as f32 / sigma).powi(2)).exp()).collect();
    let sum: f32 = kernel.iter().sum();
    kernel.iter_mut().for_each(|weight| *weight /= sum);
    let rows = |plane: &Plane<T>| {
        let width = plane.width;
        let mut data = Vec::with_capacity(plane.data.len());
        for row in plane.data.chunks_exact(width.max(1)) {
            for x in 0..width as isize {
                let weighed =
                    kernel.iter().zip(x - reach..).map(|(weight, at)| row[mirrored(at, width)].times(*weight));
                data.push(weighed.fold(T::ZERO, T::plus));
            }
        }
        Plane { width, height: plane.height, data }
    };
    transposed(&rows(&transposed(&rows(plane))))
}

fn mirrored(place: isize, length: usize) -> usize {
    let period = 2 * length as isize;
    let place = place.rem_euclid(period);
    (if place < length as isize { place } else { period - 1 - place }) as usize
}

fn transposed<T: Copy>(plane: &Plane<T>) -> Plane<T> {
    let mut data = Vec::with_capacity(plane.data.len());
    for x in 0..plane.width {
        data.extend((0..plane.height).map(|y| plane.data[y * plane.width + x]));
    }
    Plane { width: plane.height, height: plane.width, data }
}

/// Sets all pixels within a square of `radius` around one that is set.
pub(super) fn dilate(mask: &Plane<bool>, radius: usize) -> Plane<bool> {
    let rows = |mask: &Plane<bool>| {
        let mut data = vec![false; mask.data.len()];
        for (row, out) in mask.data.chunks_exact(mask.width.max(1)).zip(data.chunks_exact_mut(mask.width.max(1))) {
            let mut until = 0;
            for x in 0..row.len() + radius {
                if row.get(x).copied().unwrap_or(false) {
                    until = x + 2 * radius + 1;
                }
                if x >= radius && x < until {
                    out[x - radius] = true;
                }
            }
        }
        Plane { width: mask.width, height: mask.height, data }
    };
    transposed(&rows(&transposed(&rows(mask))))
}

/// Keeps the pixels whose whole square of `radius` is set; what is outside the picture counts as set.
pub(super) fn erode(mask: &Plane<bool>, radius: usize) -> Plane<bool> {
    dilate(&mask.map(|is_set| !is_set), radius).map(|is_set| !is_set)
}

/// Removes what is narrower than a square of `radius`.
pub(super) fn open(mask: &Plane<bool>, radius: usize) -> Plane<bool> {
    dilate(&erode(mask, radius), radius)
}

/// Fills gaps that are narrower than a square of `radius`.
pub(super) fn close(mask: &Plane<bool>, radius: usize) -> Plane<bool> {
    erode(&dilate(mask, radius), radius)
}

/// Which neighbors of a pixel are connected to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Connected {
    /// The four at its sides.
    Sides,
    /// Those at its corners as well.
    Corners,
}

/// The connected parts of a mask: each pixel's part, from 1, and 0 where the mask is not set; and each part's size, with
/// nothing at 0.
pub(super) fn components(mask: &Plane<bool>, connected: Connected) -> (Plane<u32>, Vec<usize>) {
    let (width, height) = (mask.width, mask.height);
    let mut labels = Plane::filled(width, height, 0u32);
    let mut sizes = vec![0];
    let mut stack = Vec::new();
    for start in 0..mask.data.len() {
        if !mask.data[start] || labels.data[start] != 0 {
            continue;
        }
        let label = sizes.len() as u32;
        labels.data[start] = label;
        stack.push(start);
        let mut size = 0;
        while let Some(place) = stack.pop() {
            size += 1;
            for next in neighbors(place, width, height, connected) {
                if mask.data[next] && labels.data[next] == 0 {
                    labels.data[next] = label;
                    stack.push(next);
                }
            }
        }
        sizes.push(size);
    }
    (labels, sizes)
}

/// The places around `place` in a plane of the given size.
pub(super) fn neighbors(
    place: usize,
    width: usize,
    height: usize,
    connected: Connected,
) -> impl Iterator<Item = usize> {
    const AROUND: [(isize, isize); 8] = [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1)];
    let (x, y) = ((place % width) as isize, (place / width) as isize);
    let count = if connected == Connected::Sides { 4 } else { 8 };
    AROUND[..count].iter().filter_map(move |(dx, dy)| {
        let (x, y) = (x + dx, y + dy);
        let is_inside = x >= 0 && y >= 0 && x < width as isize && y < height as isize;
        is_inside.then(|| y as usize * width + x as usize)
    })
}

/// Keeps the connected parts that `keep` wants, by their size in pixels.
pub(super) fn keep_parts(mask: &Plane<bool>, keep: impl Fn(usize) -> bool) -> Plane<bool> {
    let (labels, sizes) = components(mask, Connected::Corners);
    labels.map(|label| label != 0 && keep(sizes[label as usize]))
}

/// A smaller picture whose pixels are means over the areas that they cover.
pub(super) fn shrink<T: Sample>(plane: &Plane<T>, width: usize, height: usize) -> Plane<T> {
    transposed(&shrink_rows(&transposed(&shrink_rows(plane, width)), height))
}

fn shrink_rows<T: Sample>(plane: &Plane<T>, width: usize) -> Plane<T> {
    let step = plane.width as f64 / width as f64;
    let mut data = Vec::with_capacity(width * plane.height);
    for row in plane.data.chunks_exact(plane.width.max(1)) {
        for x in 0..width {
            let (from, to) = (x as f64 * step, (x + 1) as f64 * step);
            let last = (to.ceil() as usize).min(row.len());
            let sum = (from as usize..last).fold(T::ZERO, |sum, at| {
                let covered = (to.min((at + 1) as f64) - from.max(at as f64)).max(0.0);
                sum.plus(row[at].times(covered as f32))
            });
            data.push(sum.times((1.0 / step) as f32));
        }
    }
    Plane { width, height: plane.height, data }
}

/// A mask in another size: bilinear between its pixels, set where more than half is.
pub(super) fn enlarge(mask: &Plane<bool>, width: usize, height: usize) -> Plane<bool> {
    let place = |at: usize, from: usize, to: usize| {
        let exact = ((at as f32 + 0.5) * from as f32 / to as f32 - 0.5).clamp(0.0, (from - 1) as f32);
        let low = exact as usize;
        (low, (low + 1).min(from - 1), exact - low as f32)
    };
    let value = |x: usize, y: usize| f32::from(u8::from(mask.at(x, y)));
    let columns: Vec<_> = (0..width).map(|x| place(x, mask.width, width)).collect();
    let mut data = Vec::with_capacity(width * height);
    for y in 0..height {
        let (top, bottom, down) = place(y, mask.height, height);
        data.extend(columns.iter().map(|(left, right, across)| {
            let upper = value(*left, top) * (1.0 - across) + value(*right, top) * across;
            let lower = value(*left, bottom) * (1.0 - across) + value(*right, bottom) * across;
            upper * (1.0 - down) + lower * down > 0.5
        }));
    }
    Plane { width, height, data }
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

    #[test]
    fn shrinking_keeps_the_mean() {
        let plane = Plane { width: 5, height: 3, data: (0..15).map(|value| value as f32).collect() };
        let small = shrink(&plane, 2, 2);
        assert!((small.data.iter().sum::<f32>() / 4.0 - 7.0).abs() < 1e-5);
    }
}
