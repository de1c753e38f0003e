use image::DynamicImage;

use crate::color::{Plane, Rgb, View, decode as decode8, decode16};

/// Means over areas: what is transparent counts by how opaque it is.
///
/// Reads `pixels` once, row by row, so that no plane of the full size is made.
pub(super) fn reduce(pixels: &DynamicImage, side: usize) -> View {
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let scale = (side as f64 / width.max(height).max(1) as f64).min(1.0);
    let scaled = |side: usize| ((side as f64 * scale).round() as usize).max(1);
    let (to_width, to_height) = (scaled(width), scaled(height));
    let columns = Columns::new(width, to_width);
    let mut sums = vec![[0.0f32; 4]; to_width * to_height];
    let mut row = vec![[0.0f32; 4]; to_width];
    let step = height as f64 / to_height as f64;
    for y in 0..height {
        row.fill([0.0; 4]);
        match pixels {
            DynamicImage::ImageRgb8(picture) => {
                let samples = &picture.as_raw()[y * width * 3..(y + 1) * width * 3];
                let read = samples.chunks_exact(3).map(|pixel| (decode8([pixel[0], pixel[1], pixel[2]]), 1.0));
                columns.add(&mut row, read);
            }
            DynamicImage::ImageRgba8(picture) => {
                let samples = &picture.as_raw()[y * width * 4..(y + 1) * width * 4];
                let read = samples
                    .chunks_exact(4)
                    .map(|pixel| (decode8([pixel[0], pixel[1], pixel[2]]), f32::from(pixel[3]) / 255.0));
                columns.add(&mut row, read);
            }
            DynamicImage::ImageRgb16(picture) => {
                let samples = &picture.as_raw()[y * width * 3..(y + 1) * width * 3];
                let read = samples.chunks_exact(3).map(|pixel| (decode16([pixel[0], pixel[1], pixel[2]]), 1.0));
                columns.add(&mut row, read);
            }
            DynamicImage::ImageRgba16(picture) => {
                let samples = &picture.as_raw()[y * width * 4..(y + 1) * width * 4];
                let read = samples
                    .chunks_exact(4)
                    .map(|pixel| (decode16([pixel[0], pixel[1], pixel[2]]), f32::from(pixel[3]) / 65535.0));
                columns.add(&mut row, read);
            }
            _ => {}
        }
        // A row of the picture lies in one row of the smaller one, or across the border of two.
        let first = ((y as f64 / step) as usize).min(to_height - 1);
        let border = (first + 1) as f64 * step;
        let share = (border - y as f64).clamp(0.0, 1.0);
        add_row(&mut sums[first * to_width..(first + 1) * to_width], &row, share as f32);
        if share < 1.0 && first + 1 < to_height {
            add_row(&mut sums[(first + 1) * to_width..(first + 2) * to_width], &row, 1.0 - share as f32);
        }
    }
    let area = (step * width as f64 / to_width as f64) as f32;
    let has_opacity = matches!(pixels, DynamicImage::ImageRgba8(_) | DynamicImage::ImageRgba16(_));
    let colors = sums.iter().map(|[r, g, b, weight]| [r, g, b].map(|sum| sum / weight.max(1e-6))).collect();
    let shares: Vec<f32> = sums.iter().map(|sum| (sum[3] / area).min(1.0)).collect();
    let is_opaque = !has_opacity || shares.iter().all(|share| *share > 0.999);
    View {
        colors: Plane { width: to_width, height: to_height, data: colors },
        opacity: (!is_opaque).then_some(Plane { width: to_width, height: to_height, data: shares }),
    }
}

/// Where each column of a picture goes in a narrower one.
struct Columns {
    /// The column, and how much of the pixel lies in it; the rest lies in the next.
    places: Vec<(usize, f32)>,
}

impl Columns {
    fn new(width: usize, to_width: usize) -> Columns {
        let step = width as f64 / to_width as f64;
        let place = |x: usize| {
            let first = ((x as f64 / step) as usize).min(to_width - 1);
            let share = if first + 1 == to_width { 1.0 } else { ((first + 1) as f64 * step - x as f64).min(1.0) };
            (first, share as f32)
        };
        Columns { places: (0..width).map(place).collect() }
    }

    fn add(&self, row: &mut [[f32; 4]], pixels: impl Iterator<Item = (Rgb, f32)>) {
        for ((first, share), ([r, g, b], weight)) in self.places.iter().zip(pixels) {
            let sample = [r * weight, g * weight, b * weight, weight];
            for (sum, value) in row[*first].iter_mut().zip(sample) {
                *sum += value * share;
            }
            if *share < 1.0 {
                for (sum, value) in row[first + 1].iter_mut().zip(sample) {
                    *sum += value * (1.0 - share);
                }
            }
        }
    }
}

fn add_row(sums: &mut [[f32; 4]], row: &[[f32; 4]], share: f32) {
    for (sum, value) in sums.iter_mut().zip(row) {
        for (sum, value) in sum.iter_mut().zip(value) {
            *sum += value * share;
        }
    }
}
