use image::DynamicImage;

use crate::color::{Plane, Rgb, View, light_of_bytes, light_of_words};

/// Reduces a picture by area averaging. Pixels are weighted by their alpha.
///
/// Reads `pixels` once, row by row, so that no full-size intermediate plane is needed.
pub(super) fn reduce(pixels: &DynamicImage, side: usize) -> View {
    let from = (pixels.width() as usize, pixels.height() as usize);
    let scale = (side as f64 / from.0.max(from.1).max(1) as f64).min(1.0);
    let scaled = |side: usize| ((side as f64 * scale).round() as usize).max(1);
    let to = (scaled(from.0), scaled(from.1));
    let (bytes, words) = (light_of_bytes(), light_of_words);
    match pixels {
        DynamicImage::ImageRgb8(picture) => opaque(means(picture, from, to, light(bytes))),
        DynamicImage::ImageRgb16(picture) => opaque(means(picture, from, to, light(words()))),
        DynamicImage::ImageRgba8(picture) => translucent(&means(picture, from, to, shown_light(bytes, 255.0))),
        DynamicImage::ImageRgba16(picture) => translucent(&means(picture, from, to, shown_light(words(), 65535.0))),
        _ => opaque(Plane::filled(to.0, to.1, [0.0; 3])),
    }
}

fn opaque(colors: Plane<Rgb>) -> View {
    View { colors, opacity: None }
}

fn translucent(means: &Plane<[f32; 4]>) -> View {
    let opacity = means.map(|[.., share]| share.min(1.0));
    View {
        colors: means.map(|[r, g, b, share]| [r, g, b].map(|light| light / share.max(1e-6))),
        opacity: opacity.data.iter().any(|share| *share <= 0.999).then_some(opacity),
    }
}

/// Returns the means of `light` over areas of `samples`. The sizes are those of the picture and of the reduced picture.
fn means<T: Copy, const CHANNELS: usize>(
    samples: &[T],
    (width, height): (usize, usize),
    (to_width, to_height): (usize, usize),
    light: impl Fn([T; CHANNELS]) -> [f32; CHANNELS],
) -> Plane<[f32; CHANNELS]> {
    let columns = columns(width, to_width);
    let mut row = vec![[0.0f32; CHANNELS]; to_width];
    let mut sums = Plane::filled(to_width, to_height, [0.0f32; CHANNELS]);
    let step = height as f64 / to_height as f64;
    let (pixels, _) = samples.as_chunks::<CHANNELS>();
    for (y, pixels) in pixels.chunks_exact(width.max(1)).enumerate() {
        add(&columns, &mut row, pixels, &light);
        // A row of the picture is in one row of the reduced picture, or across the border of two.
        let first = ((y as f64 / step) as usize).min(to_height - 1);
        let border = (first + 1) as f64 * step;
        let share = (border - y as f64).clamp(0.0, 1.0);
        let mut rows = sums.data[first * to_width..].chunks_exact_mut(to_width);
        rows.next().into_iter().for_each(|sums| add_row(sums, &row, share as f32));
        if share < 1.0 {
            rows.next().into_iter().for_each(|sums| add_row(sums, &row, 1.0 - share as f32));
        }
    }
    let area = (step * width as f64 / to_width as f64) as f32;
    sums.data.as_flattened_mut().iter_mut().for_each(|sum| *sum /= area);
    sums
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

/// Returns a function that converts an opaque pixel to linear light. `light` is a lookup table.
fn light<T: Into<usize>, const VALUES: usize>(light: &[f32; VALUES]) -> impl Fn([T; 3]) -> [f32; 3] {
    |[r, g, b]| [light[r.into()], light[g.into()], light[b.into()]]
}

/// Returns a function that converts a pixel to linear light times its alpha, and that alpha, 0 to 1. `most` is the value
/// of full alpha.
fn shown_light<T: Copy + Into<usize> + Into<f32>, const VALUES: usize>(
    light: &[f32; VALUES],
    most: f32,
) -> impl Fn([T; 4]) -> [f32; 4] {
    move |[r, g, b, opacity]| {
        let share = Into::<f32>::into(opacity) / most;
        let [r, g, b] = [r, g, b].map(|value| light[Into::<usize>::into(value)] * share);
        [r, g, b, share]
    }
}

/// Sums the light of a row of pixels for each column of the reduced picture.
#[inline]
fn add<T: Copy, const CHANNELS: usize>(
    columns: &[Column],
    sums: &mut [[f32; CHANNELS]],
    pixels: &[[T; CHANNELS]],
    light: impl Fn([T; CHANNELS]) -> [f32; CHANNELS],
) {
    let (mut from, mut rest) = (0, [0.0; CHANNELS]);
    for (sum, Column { end, share }) in sums.iter_mut().zip(columns) {
        let mut total = rest;
        for pixel in &pixels[from..*end] {
            let light = light(*pixel);
            (0..CHANNELS).for_each(|channel| total[channel] += light[channel]);
        }
        (from, rest) = (*end, [0.0; CHANNELS]);
        if *share > 0.0 {
            let light = light(pixels[*end]);
            (0..CHANNELS).for_each(|channel| total[channel] += light[channel] * share);
            (from, rest) = (end + 1, light.map(|light| light * (1.0 - share)));
        }
        *sum = total;
    }
}

fn add_row<const CHANNELS: usize>(sums: &mut [[f32; CHANNELS]], row: &[[f32; CHANNELS]], share: f32) {
    let values = sums.as_flattened_mut().iter_mut().zip(row.as_flattened());
    values.for_each(|(sum, value)| *sum += value * share);
}
