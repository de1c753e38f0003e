use std::io::Cursor;
use std::ops::Range;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ImageEncoder};

use crate::color::{Encoder, Rgb, View, decode16, encode16, light_of_bytes};

use super::error::EncodeError;
use super::{reduced, resize};

/// A decoded picture: upright, sRGB, 8 or 16 bits per channel, with or without alpha.
#[derive(Clone, Debug)]
pub struct Photo {
    /// RGB or RGBA, with 8 or 16 bits per channel.
    pub(super) pixels: DynamicImage,
}

impl Photo {
    /// Returns a photo with the pixels of `image`, which are assumed to be sRGB.
    pub fn from_image(image: DynamicImage) -> Photo {
        let has_alpha = image.color().has_alpha();
        let is_deep = image.color().bytes_per_pixel() / image.color().channel_count() > 1;
        Photo {
            pixels: match (is_deep, has_alpha) {
                (false, false) => DynamicImage::ImageRgb8(image.into_rgb8()),
                (false, true) => DynamicImage::ImageRgba8(image.into_rgba8()),
                (true, false) => DynamicImage::ImageRgb16(image.into_rgb16()),
                (true, true) => DynamicImage::ImageRgba16(image.into_rgba16()),
            },
        }
    }

    /// Returns the width and the height in pixels.
    pub fn dimensions(&self) -> (u32, u32) {
        (self.pixels.width(), self.pixels.height())
    }

    /// Returns the length of the longer side in pixels.
    pub fn longer_side(&self) -> u32 {
        self.pixels.width().max(self.pixels.height())
    }

    /// Passes the columns that `span` selects of each row to `paint`, in linear light, and writes them back, without a
    /// full-size intermediate plane. `paint` gets the row and its first column. The alpha channel is not changed.
    pub fn paint_rows(
        &mut self,
        span: impl Fn(usize) -> Option<Range<usize>>,
        paint: impl FnMut(usize, usize, &mut [Rgb]),
    ) {
        let width = self.pixels.width() as usize;
        let (light, encoder) = (light_of_bytes(), Encoder::at_hand());
        let bytes = (
            move |sample: [u8; 3]| sample.map(|value| light[usize::from(value)]),
            move |color: Rgb| encoder.encode(color),
        );
        match &mut self.pixels {
            DynamicImage::ImageRgb8(picture) => rows::<3, _>(picture, width, bytes, span, paint),
            DynamicImage::ImageRgba8(picture) => rows::<4, _>(picture, width, bytes, span, paint),
            DynamicImage::ImageRgb16(picture) => rows::<3, _>(picture, width, (decode16, encode16), span, paint),
            DynamicImage::ImageRgba16(picture) => rows::<4, _>(picture, width, (decode16, encode16), span, paint),
            _ => {}
        }
    }

    /// Returns the picture scaled to a longer side of `side` pixels.
    pub fn resized(&self, side: u32) -> Photo {
        Photo { pixels: resize::resize(&self.pixels, side) }
    }

    /// Returns the picture reduced by area averaging in linear light to a longer side of at most `side` pixels.
    pub fn reduced(&self, side: usize) -> View {
        reduced::reduce(&self.pixels, side)
    }

    /// Encodes the picture as PNG.
    ///
    /// # Errors
    /// The encoder's error.
    pub fn to_png(&self) -> Result<Vec<u8>, EncodeError> {
        let mut png = Cursor::new(Vec::new());
        // Trying all filters on each row takes a quarter of the encoding time, for files that are hardly smaller.
        let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Paeth);
        let (width, height) = self.dimensions();
        let color = self.pixels.color().into();
        encoder.write_image(self.pixels.as_bytes(), width, height, color).map_err(EncodeError)?;
        Ok(png.into_inner())
    }

    /// Returns the pixels as stored.
    pub fn image(&self) -> &DynamicImage {
        &self.pixels
    }
}

/// Calls `paint` on rows of `samples`. `decode` and `encode` convert between samples and linear light. A pixel that
/// `paint` does not change keeps its exact samples.
fn rows<const CHANNELS: usize, T: Copy>(
    samples: &mut [T],
    width: usize,
    (decode, encode): (impl Fn([T; 3]) -> Rgb, impl Fn(Rgb) -> [T; 3]),
    span: impl Fn(usize) -> Option<Range<usize>>,
    mut paint: impl FnMut(usize, usize, &mut [Rgb]),
) {
    let mut colors = Vec::with_capacity(width);
    for (y, row) in samples.chunks_exact_mut((width * CHANNELS).max(1)).enumerate() {
        let Some(span) = span(y) else { continue };
        let pixels = &mut row[span.start * CHANNELS..span.end * CHANNELS];
        colors.clear();
        colors.extend(pixels.chunks_exact(CHANNELS).map(|pixel| decode([pixel[0], pixel[1], pixel[2]])));
        paint(y, span.start, &mut colors);
        for (pixel, color) in pixels.chunks_exact_mut(CHANNELS).zip(&colors) {
            if *color != decode([pixel[0], pixel[1], pixel[2]]) {
                pixel[..3].copy_from_slice(&encode(*color));
            }
        }
    }
}
