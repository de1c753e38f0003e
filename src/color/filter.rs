//! Filters over planes: blurs, morphology, resampling, connected components.

use super::Plane;

/// What can be averaged.
pub(super) trait Sample: Copy {
    const ZERO: Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, factor: f32) -> Self;
    /// The numbers of many, one after the other: loops over them are vectorized.
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

/// The mean over a square of `2 * radius + 1` pixels; the picture goes on as its mirror image.
pub(super) fn box_blur<T: Sample>(plane: &Plane<T>, radius: usize) -> Plane<T> {
    let (width, height) = (plane.width, plane.height);
    let share = 1.0 / (2 * radius + 1) as f32;
    let reach = radius as isize;
    let mut rows = Vec::with_capacity(plane.data.len());
    let mut padded = Vec::with_capacity(width + 2 * radius + 1);
    for row in plane.data.chunks_exact(width.max(1)) {
        padded.clear();
        padded.extend((-reach..width as isize + reach + 1).map(|place| row[mirrored(place, width)]));
        let mut sum = padded[..=2 * radius].iter().fold(T::ZERO, |sum, value| sum.plus(*value));
        for (next, last) in padded[2 * radius + 1..].iter().zip(&padded) {
            rows.push(sum.times(share));
            sum = sum.plus(*next).minus(*last);
        }
    }
    let row = |place: isize| &rows[mirrored(place, height) * width..][..width];
    let mut sums = vec![T::ZERO; width];
    for y in -reach..=reach {
        add(&mut sums, row(y), 1.0);
    }
    let mut data = Vec::with_capacity(plane.data.len());
    for y in 0..height as isize {
        data.extend(sums.iter().map(|sum| sum.times(share)));
        let (next, last) = (T::flat(row(y + reach + 1)), T::flat(row(y - reach)));
        for ((sum, next), last) in T::flat_mut(&mut sums).iter_mut().zip(next).zip(last) {
            *sum += next - last;
        }
    }
    Plane { width, height, data }
}

/// A Gaussian blur of a small `sigma`, in pixels.
pub(super) fn gaussian<T: Sample>(plane: &Plane<T>, sigma: f32) -> Plane<T> {
    let (width, height) = (plane.width, plane.height);
    let reach = (sigma * 3.5).ceil() as isize;
    let mut kernel: Vec<f32> = (-reach..=reach).map(|place| (-0.5 * (place as f32 / sigma).powi(2)).exp()).collect();
    let sum: f32 = kernel.iter().sum();
    kernel.iter_mut().for_each(|weight| *weight /= sum);
    let mut rows = vec![T::ZERO; plane.data.len()];
    let mut padded = Vec::with_capacity(width + kernel.len());
    for (row, out) in plane.data.chunks_exact(width.max(1)).zip(rows.chunks_exact_mut(width.max(1))) {
        padded.clear();
        padded.extend((-reach..width as isize + reach).map(|place| row[mirrored(place, width)]));
        for (shift, weight) in kernel.iter().enumerate() {
            add(out, &padded[shift..], *weight);
        }
    }
    let mut data = vec![T::ZERO; plane.data.len()];
    for (y, out) in (0..).zip(data.chunks_exact_mut(width.max(1))) {
        for (at, weight) in (y - reach..).zip(&kernel) {
            add(out, &rows[mirrored(at, height) * width..], *weight);
        }
    }
    Plane { width, height, data }
}

fn add<T: Sample>(sums: &mut [T], values: &[T], weight: f32) {
    T::flat_mut(sums).iter_mut().zip(T::flat(values)).for_each(|(sum, value)| *sum += value * weight);
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
    spread(mask, radius, |one, other| one | other)
}

/// What `pick` chooses of the values within a square of `radius`, such as the least or the largest.
pub(super) fn spread<T: Copy>(plane: &Plane<T>, radius: usize, pick: impl Fn(T, T) -> T) -> Plane<T> {
    let width = plane.width.max(1);
    let choose = |values: &mut [T], others: &[T]| {
        values.iter_mut().zip(others).for_each(|(value, other)| *value = pick(*value, *other));
    };
    let mut rows = plane.data.clone();
    for (row, out) in plane.data.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
        for shift in 1..=radius.min(width - 1) {
            choose(&mut out[shift..], row);
            choose(out, &row[shift..]);
        }
    }
    let mut data = rows.clone();
    for shift in (1..=radius.min(plane.height.saturating_sub(1))).map(|shift| shift * width) {
        choose(&mut data[shift..], &rows);
        choose(&mut data, &rows[shift..]);
    }
    Plane { width: plane.width, height: plane.height, data }
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
    let width = mask.width.max(1);
    let reach = usize::from(connected == Connected::Corners);
    // Runs of pixels in each row, joined with those that they touch in the row above.
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut parents: Vec<usize> = Vec::new();
    let mut above = 0..0;
    for (y, row) in mask.data.chunks_exact(width).enumerate() {
        let first = runs.len();
        let mut x = 0;
        while let Some(start) = row[x..].iter().position(|is_set| *is_set).map(|skipped| x + skipped) {
            let end = row[start..].iter().position(|is_set| !*is_set).map_or(width, |length| start + length);
            let (from, to) = (y * width + start, y * width + end);
            let run = runs.len();
            runs.push((from, to));
            parents.push(run);
            let (low, high) = ((from - start + start.saturating_sub(reach)) - width * usize::from(y > 0), to + reach);
            while above.start < above.end && runs[above.start].1 <= low {
                above.start += 1;
            }
            let touching = above.clone().take_while(|other| runs[*other].0 + width < high);
            for other in touching {
                let (one, other) = (root(&mut parents, run), root(&mut parents, other));
                parents[one.max(other)] = one.min(other);
            }
            x = end;
        }
        above = first..runs.len();
    }
    let mut labels = Plane::filled(mask.width, mask.height, 0u32);
    let mut sizes = vec![0];
    let mut names = vec![0u32; runs.len()];
    for (run, (from, to)) in runs.iter().enumerate() {
        let root = root(&mut parents, run);
        if root == run {
            names[run] = sizes.len() as u32;
            sizes.push(0);
        }
        let name = names[root];
        sizes[name as usize] += to - from;
        labels.data[*from..*to].fill(name);
    }
    (labels, sizes)
}

fn root(parents: &mut [usize], mut of: usize) -> usize {
    while parents[of] != of {
        parents[of] = parents[parents[of]];
        of = parents[of];
    }
    of
}

/// The places that touch `place` at its sides or corners, in a plane of the given size.
pub(super) fn neighbors(place: usize, width: usize, height: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (place % width, place / width);
    let columns = x.saturating_sub(1)..=(x + 1).min(width - 1);
    let rows = y.saturating_sub(1)..=(y + 1).min(height - 1);
    rows.flat_map(move |y| columns.clone().map(move |x| y * width + x)).filter(move |beside| *beside != place)
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
