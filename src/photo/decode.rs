use std::io::Cursor;

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::error::DecodeError;
use super::limits::limits;
use super::pixels::Photo;
use super::profile;

impl Photo {
    /// Decodes a JPEG, PNG, GIF (its first frame) or WebP, applies its EXIF orientation, and converts it from its color
    /// profile to sRGB.
    ///
    /// # Errors
    /// The decoder's message, as a sentence fragment, if the bytes are not a complete picture, or the picture is over
    /// 16,384 pixels per side or 512 MiB.
    pub fn decode(encoded: &[u8]) -> Result<Photo, DecodeError> {
        decode(encoded).map(|pixels| Photo { pixels })
    }
}

fn decode(encoded: &[u8]) -> Result<DynamicImage, DecodeError> {
    let guessed = ImageReader::new(Cursor::new(encoded)).with_guessed_format();
    let mut reader = guessed.map_err(image::ImageError::from)?;
    reader.limits(limits());
    let mut decoder = reader.into_decoder()?;
    // The decoder limits only what it needs besides the pixels.
    let mut limits = limits();
    limits.reserve(photo_bytes(&decoder))?;
    decoder.set_limits(limits)?;
    // A broken orientation or profile is no reason to refuse the picture.
    let orientation = decoder.orientation().ok();
    let icc = decoder.icc_profile().ok().flatten();
    let mut picture = DynamicImage::from_decoder(decoder)?;
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    let mut pixels = Photo::from_image(picture).pixels;
    if let Some(icc) = icc {
        profile::convert(&mut pixels, &icc);
    }
    Ok(pixels)
}

/// Returns the length in bytes of the pixels that a [`Photo`] of the picture has.
fn photo_bytes(decoder: &impl ImageDecoder) -> u64 {
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    let sample = u64::from(color.bytes_per_pixel() / color.channel_count());
    let channels = if color.has_alpha() { 4 } else { 3 };
    u64::from(width) * u64::from(height) * channels * sample
}

/// Whether the picture is animated; only its first frame is used.
pub fn is_animated(encoded: &[u8]) -> bool {
    let bytes = Cursor::new(encoded);
    match image::guess_format(encoded) {
        Ok(ImageFormat::Gif) => GifDecoder::new(bytes).is_ok_and(|gif| gif.into_frames().take(2).count() == 2),
        Ok(ImageFormat::WebP) => WebPDecoder::new(bytes).is_ok_and(|webp| webp.has_animation()),
        Ok(ImageFormat::Png) => PngDecoder::new(bytes).is_ok_and(|png| png.is_apng().unwrap_or(false)),
        _ => false,
    }
}
