use super::{Plane, Sample};

/// Returns a smaller picture. Each of its pixels is the mean over the area that it covers.
pub(in crate::color) fn shrink<T: Sample>(plane: &Plane<T>, width: usize, height: usize) -> Plane<T> {
    let (columns, across) = covered(plane.width, width);
    let (rows, down) = covered(plane.height, height);
    let mut data = Vec::with_capacity(width * height);
    let mut sums = vec![T::ZERO; plane.width];
    for (first, covered) in rows {
        sums.fill(T::ZERO);
        for (row, covered) in plane.data[first * plane.width..].chunks_exact(plane.width.max(1)).zip(covered) {
            let values = T::flat_mut(&mut sums).iter_mut().zip(T::flat(row));
            values.for_each(|(sum, value)| *sum += value * covered);
        }
        data.extend(columns.iter().map(|(first, covered)| {
            let pixels = sums[*first..].iter().zip(covered);
            let sum = pixels.fold(T::ZERO, |sum, (pixel, covered)| sum.plus(pixel.times(*covered)));
            sum.times(across * down)
        }));
    }
    Plane { width, height, data }
}

/// Returns what each of `to` pixels covers in a line of `from` pixels: the first pixel, and the shares of it and of the
/// following ones. The second value is the reciprocal of the length that each covers.
fn covered(from: usize, to: usize) -> (Vec<(usize, Vec<f32>)>, f32) {
    let step = from as f64 / to as f64;
    let window = |at: usize| {
        let (begin, end) = (at as f64 * step, (at + 1) as f64 * step);
        let share = |at: usize| (end.min((at + 1) as f64) - begin.max(at as f64)).max(0.0) as f32;
        let first = begin as usize;
        (first, (first..(end.ceil() as usize).min(from)).map(share).collect())
    };
    ((0..to).map(window).collect(), (1.0 / step) as f32)
}

/// Returns the values at the crossings of `columns` and `rows`, which are positions in pixels. Values between pixels are
/// interpolated bilinearly, and those beyond the border are those at the border.
pub(in crate::color) fn interpolate<T: Sample>(plane: &Plane<T>, columns: &[f32], rows: &[f32]) -> Plane<T> {
    let between = |position: f32, length: usize| {
        let exact = position.clamp(0.0, (length - 1) as f32);
        let low = exact as usize;
        (low, (low + 1).min(length - 1), exact - low as f32)
    };
    let columns: Vec<_> = columns.iter().map(|x| between(*x, plane.width)).collect();
    let mut data = Vec::with_capacity(columns.len() * rows.len());
    let mut mixed = vec![T::ZERO; plane.width];
    for (top, bottom, down) in rows.iter().map(|y| between(*y, plane.height)) {
        let [upper, lower] = [top, bottom].map(|y| T::flat(&plane.data[y * plane.width..][..plane.width]));
        let values = T::flat_mut(&mut mixed).iter_mut().zip(upper.iter().zip(lower));
        values.for_each(|(value, (upper, lower))| *value = upper + (lower - upper) * down);
        data.extend(
            columns
                .iter()
                .map(|(left, right, across)| mixed[*left].plus(mixed[*right].minus(mixed[*left]).times(*across))),
        );
    }
    Plane { width: columns.len(), height: rows.len(), data }
}

/// Returns a mask in another size. Values between its pixels are interpolated bilinearly, and values above one half are
/// set.
pub(in crate::color) fn enlarge(mask: &Plane<bool>, width: usize, height: usize) -> Plane<bool> {
    let positions = |from: usize, to: usize| -> Vec<f32> {
        (0..to).map(|at| (at as f32 + 0.5) * from as f32 / to as f32 - 0.5).collect()
    };
    let shares = mask.map(|is_set| f32::from(u8::from(is_set)));
    let enlarged = interpolate(&shares, &positions(mask.width, width), &positions(mask.height, height));
    enlarged.map(|share| share > 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinking_keeps_the_mean() {
        let plane = Plane { width: 5, height: 3, data: (0..15).map(|value| value as f32).collect() };
        let small = shrink(&plane, 2, 2);
        assert!((small.data.iter().sum::<f32>() / 4.0 - 7.0).abs() < 1e-5);
    }

    #[test]
    fn interpolation_at_the_pixels_changes_nothing_and_between_them_it_is_their_mean() {
        let plane = Plane { width: 3, height: 2, data: vec![0.0, 1.0, 4.0, 2.0, 3.0, 6.0] };
        assert_eq!(interpolate(&plane, &[0.0, 1.0, 2.0], &[0.0, 1.0]), plane);
        let between = interpolate(&plane, &[-3.0, 0.5, 9.0], &[0.5]);
        assert_eq!(between, Plane { width: 3, height: 1, data: vec![1.0, 1.5, 5.0] });
    }

    #[test]
    fn an_enlarged_mask_covers_the_same_area() {
        let mask = Plane { width: 4, height: 4, data: (0..16).map(|index| index % 4 < 2).collect() };
        let large = enlarge(&mask, 12, 8);
        assert!((0..8).all(|y| (0..12).all(|x| large.at(x, y) == (x < 6))));
    }
}
