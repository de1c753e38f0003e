use std::io::Cursor;

use fast_image_resize::images::Image;
use fast_image_resize::{PixelType, Resizer};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbImage, RgbaImage};

use crate::color::{Plane, Rgb, decode, encode};
use crate::job::Size;

/// The longest side that is decoded, in pixels.
const LONGEST_SIDE: u32 = 16_384;

/// The most memory that decoding may take, in bytes.
const MOST_MEMORY: u64 = 512 << 20;

/// A decoded picture, upright, 8 bits a channel.
pub(super) enum Picture {
    Opaque(RgbImage),
    Transparent(RgbaImage),
}

/// The longer side of a size, in pixels.
pub(super) fn side(size: Size) -> u32 {
    match size {
        Size::Small => 512,
        Size::Medium => 1024,
        Size::Large => 2048,
    }
}

impl Picture {
    /// Decodes a JPEG, PNG, GIF (its first frame) or WebP, and turns it as its EXIF orientation says.
    pub(super) fn decode(encoded: &[u8]) -> Result<Picture, String> {
        let said = |error: image::ImageError| error.to_string();
        let mut reader =
            ImageReader::new(Cursor::new(encoded)).with_guessed_format().map_err(|error| error.to_string())?;
        let mut limits = Limits::default();
        limits.max_image_width = Some(LONGEST_SIDE);
        limits.max_image_height = Some(LONGEST_SIDE);
        limits.max_alloc = Some(MOST_MEMORY);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(said)?;
        // A broken orientation is no reason to refuse the picture.
        let orientation = decoder.orientation().ok();
        let mut picture = DynamicImage::from_decoder(decoder).map_err(said)?;
        if let Some(orientation) = orientation {
            picture.apply_orientation(orientation);
        }
        Ok(match picture.color().has_alpha() {
            true => Picture::Transparent(picture.into_rgba8()),
            false => Picture::Opaque(picture.into_rgb8()),
        })
    }

    fn dimensions(&self) -> (u32, u32) {
        match self {
            Picture::Opaque(picture) => picture.dimensions(),
            Picture::Transparent(picture) => picture.dimensions(),
        }
    }

    /// In pixels.
    pub(super) fn longer_side(&self) -> u32 {
        let (width, height) = self.dimensions();
        width.max(height)
    }

    /// The colors in linear light.
    pub(super) fn linear(&self) -> Plane<Rgb> {
        let (width, height) = self.dimensions();
        let data = match self {
            Picture::Opaque(picture) => picture.pixels().map(|pixel| decode(pixel.0)).collect(),
            Picture::Transparent(picture) => {
                picture.pixels().map(|pixel| decode([pixel.0[0], pixel.0[1], pixel.0[2]])).collect()
            }
        };
        Plane { width: width as usize, height: height as usize, data }
    }

    /// How opaque each pixel is, 0 to 1, if any of them is not.
    pub(super) fn opacity(&self) -> Option<Plane<f32>> {
        let Picture::Transparent(picture) = self else { return None };
        let data: Vec<f32> = picture.pixels().map(|pixel| f32::from(pixel.0[3]) / 255.0).collect();
        let (width, height) = self.dimensions();
        data.iter().any(|share| *share < 1.0).then_some(Plane { width: width as usize, height: height as usize, data })
    }

    /// Takes on the colors of a plane of the same size; the opacity stays.
    pub(super) fn paint(&mut self, colors: &Plane<Rgb>) {
        match self {
            Picture::Opaque(picture) => {
                picture.pixels_mut().zip(&colors.data).for_each(|(pixel, color)| pixel.0 = encode(*color));
            }
            Picture::Transparent(picture) => {
                let pixels = picture.pixels_mut().zip(&colors.data);
                pixels.for_each(|(pixel, color)| pixel.0[..3].copy_from_slice(&encode(*color)));
            }
        }
    }

    /// The picture with a longer side of `side` pixels.
    pub(super) fn resized(self, side: u32) -> Picture {
        let (width, height) = self.dimensions();
        let scale = f64::from(side) / f64::from(width.max(height).max(1));
        let scaled = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
        let (to_width, to_height) = (scaled(width), scaled(height));
        let resize = |bytes: Vec<u8>, pixel: PixelType| -> Option<Vec<u8>> {
            let from = Image::from_vec_u8(width, height, bytes, pixel).ok()?;
            let mut to = Image::new(to_width, to_height, pixel);
            Resizer::new().resize(&from, &mut to, None).ok()?;
            Some(to.into_vec())
        };
        // The buffers have the sizes that they are given, so none of these steps can fail.
        match self {
            Picture::Opaque(picture) => {
                let resized = resize(picture.into_raw(), PixelType::U8x3);
                Picture::Opaque(
                    resized.and_then(|bytes| RgbImage::from_raw(to_width, to_height, bytes)).unwrap_or_default(),
                )
            }
            Picture::Transparent(picture) => {
                let resized = resize(picture.into_raw(), PixelType::U8x4);
                Picture::Transparent(
                    resized.and_then(|bytes| RgbaImage::from_raw(to_width, to_height, bytes)).unwrap_or_default(),
                )
            }
        }
    }

    /// The picture as a PNG file.
    pub(super) fn into_png(self) -> Result<Vec<u8>, String> {
        let mut png = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Adaptive);
        let written = match self {
            Picture::Opaque(picture) => picture.write_with_encoder(encoder),
            Picture::Transparent(picture) => picture.write_with_encoder(encoder),
        };
        written.map_err(|error| error.to_string())?;
        Ok(png)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_lies_on_its_side_is_turned_upright() {
        // A JPEG of 8 by 4 pixels with an EXIF orientation of 6: turned by a quarter, clockwise.
        let mut jpeg = Cursor::new(Vec::new());
        RgbImage::new(8, 4).write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
        let mut bytes = jpeg.into_inner();
        let exif = b"\xFF\xE1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        bytes.splice(2..2, exif.iter().copied());
        assert_eq!(Picture::decode(&bytes).unwrap().dimensions(), (4, 8));
    }

    #[test]
    fn a_bomb_is_refused_before_it_goes_off() {
        let mut png = Cursor::new(Vec::new());
        image::GrayImage::new(1, 1).write_to(&mut png, image::ImageFormat::Png).unwrap();
        let mut bytes = png.into_inner();
        bytes[16..24].copy_from_slice(&[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF]);
        assert!(Picture::decode(&bytes).is_err());
    }
}
