use image::DynamicImage;

use crate::color::{Plane, View, light_of_bytes, light_of_words};

/// Reduces a picture by area averaging. Pixels are weighted by their alpha.
///
/// Reads `pixels` once, row by row, so that no full-size intermediate plane is needed.
pub(super) fn reduce(pixels: &DynamicImage, side: usize) -> View {
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let scale = (side as f64 / width.max(height).max(1) as f64).min(1.0);
    let scaled = |side: usize| ((side as f64 * scale).round() as usize).max(1);
    let (to_width, to_height) = (scaled(width), scaled(height));
    let columns = columns(width, to_width);
    let mut row = vec![[0.0f32; 4]; to_width];
    // The sums of the current row of the reduced picture, and of the next one.
    let (mut sums, mut next) = (row.clone(), row.clone());
    let mut rows = 0;
    let (mut colors, mut weights) = (Vec::with_capacity(to_width * to_height), Vec::new());
    let has_opacity = matches!(pixels, DynamicImage::ImageRgba8(_) | DynamicImage::ImageRgba16(_));
    let mut finish = |sums: &[[f32; 4]]| {
        colors.extend(sums.iter().map(|[r, g, b, weight]| [r, g, b].map(|sum| sum / weight.max(1e-6))));
        weights.extend(sums.iter().filter(|_| has_opacity).map(|sum| sum[3]));
    };
    let step = height as f64 / to_height as f64;
    let (bytes, words) = (light_of_bytes(), light_of_words);
    for y in 0..height {
        let row_of = (&columns[..], width, y);
        match pixels {
            DynamicImage::ImageRgb8(picture) => add(row_of, &mut row, picture, opaque(bytes)),
            DynamicImage::ImageRgba8(picture) => add(row_of, &mut row, picture, translucent(bytes, 255.0)),
            DynamicImage::ImageRgb16(picture) => add(row_of, &mut row, picture, opaque(words())),
            DynamicImage::ImageRgba16(picture) => add(row_of, &mut row, picture, translucent(words(), 65535.0)),
            _ => {}
        }
        // A row of the picture is in one row of the reduced picture, or across the border of two.
        let first = ((y as f64 / step) as usize).min(to_height - 1);
        let border = (first + 1) as f64 * step;
        let share = (border - y as f64).clamp(0.0, 1.0);
        if first > rows {
            finish(&sums);
            std::mem::swap(&mut sums, &mut next);
            next.fill([0.0; 4]);
            rows = first;
        }
        add_row(&mut sums, &row, share as f32);
        if share < 1.0 && first + 1 < to_height {
            add_row(&mut next, &row, 1.0 - share as f32);
        }
    }
    finish(&sums);
    let area = (step * width as f64 / to_width as f64) as f32;
    let shares: Vec<f32> = weights.into_iter().map(|weight: f32| (weight / area).min(1.0)).collect();
    let is_opaque = !has_opacity || shares.iter().all(|share| *share > 0.999);
    View {
        colors: Plane { width: to_width, height: to_height, data: colors },
        opacity: (!is_opaque).then_some(Plane { width: to_width, height: to_height, data: shares }),
    }
}

/// The pixels of a row that form one column of the reduced picture.
#[derive(Clone, Copy)]
struct Column {
    /// The end of the pixels that are completely in the column. They begin at the `end` of the previous column, or one
    /// later.
    end: usize,
    /// The share of the next pixel that is in the column. The rest is in the next column.
    share: f32,
}

fn columns(width: usize, to_width: usize) -> Vec<Column> {
    let step = width as f64 / to_width as f64;
    let column = |at: usize| {
        let border = (at + 1) as f64 * step;
        let end = if at + 1 == to_width { width } else { (border + 1e-9) as usize };
        Column { end, share: if end < width { (border - end as f64).clamp(0.0, 1.0) as f32 } else { 0.0 } }
    };
    (0..to_width).map(column).collect()
}

/// Returns a function that converts an opaque pixel to linear light, with a weight of 1. `light` is a lookup table.
fn opaque<T: Into<usize>, const VALUES: usize>(light: &[f32; VALUES]) -> impl Fn([T; 3]) -> [f32; 4] {
    |pixel| {
        let [r, g, b] = pixel.map(|value| light[value.into()]);
        [r, g, b, 1.0]
    }
}

/// Returns a function that converts a pixel to linear light, multiplied by its alpha, with that as its weight. `most`
/// is the alpha of an opaque pixel.
fn translucent<T: Copy + Into<usize> + Into<f32>, const VALUES: usize>(
    light: &[f32; VALUES],
    most: f32,
) -> impl Fn([T; 4]) -> [f32; 4] {
    move |[r, g, b, opacity]| {
        let share = Into::<f32>::into(opacity) / most;
        let [r, g, b] = [r, g, b].map(|value| light[Into::<usize>::into(value)] * share);
        [r, g, b, share]
    }
}

/// Sums the pixels of row `y` of `samples`, which is `width` pixels wide, into the columns of the reduced picture.
#[inline]
fn add<T: Copy, const CHANNELS: usize>(
    (columns, width, y): (&[Column], usize, usize),
    sums: &mut [[f32; 4]],
    samples: &[T],
    light: impl Fn([T; CHANNELS]) -> [f32; 4],
) {
    let (pixels, _) = samples[y * width * CHANNELS..][..width * CHANNELS].as_chunks::<CHANNELS>();
    let (mut from, mut rest) = (0, [0.0; 4]);
    for (sum, Column { end, share }) in sums.iter_mut().zip(columns) {
        let mut total = rest;
        for pixel in &pixels[from..*end] {
            let light = light(*pixel);
            total = std::array::from_fn(|channel| total[channel] + light[channel]);
        }
        (from, rest) = (*end, [0.0; 4]);
        if *share > 0.0 {
            let light = light(pixels[*end]);
            total = std::array::from_fn(|channel| total[channel] + light[channel] * share);
            (from, rest) = (end + 1, light.map(|light| light * (1.0 - share)));
        }
        *sum = total;
    }
}

fn add_row(sums: &mut [[f32; 4]], row: &[[f32; 4]], share: f32) {
    for (sum, value) in sums.iter_mut().zip(row) {
        for (sum, value) in sum.iter_mut().zip(value) {
            *sum += value * share;
        }
    }
}
