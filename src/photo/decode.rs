use std::io::Cursor;

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::{Photo, profile};

/// The longest side that is decoded, in pixels.
const LONGEST_SIDE: u32 = 16_384;

/// The most memory that decoding may take, in bytes.
const MOST_MEMORY: u64 = 512 << 20;

pub(super) fn decode(encoded: &[u8]) -> Result<DynamicImage, String> {
    let said = |error: image::ImageError| error.to_string();
    let mut reader = ImageReader::new(Cursor::new(encoded)).with_guessed_format().map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(said)?;
    // A broken orientation or profile is no reason to refuse the picture.
    let orientation = decoder.orientation().ok();
    let icc = decoder.icc_profile().ok().flatten();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(said)?;
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    let mut pixels = Photo::from_image(picture).pixels;
    if let Some(icc) = icc {
        profile::convert(&mut pixels, &icc);
    }
    Ok(pixels)
}

/// Whether the picture moves, so that its first frame stands for all of it.
pub fn is_animated(encoded: &[u8]) -> bool {
    let bytes = Cursor::new(encoded);
    match image::guess_format(encoded) {
        Ok(ImageFormat::Gif) => GifDecoder::new(bytes).is_ok_and(|gif| gif.into_frames().take(2).count() == 2),
        Ok(ImageFormat::WebP) => WebPDecoder::new(bytes).is_ok_and(|webp| webp.has_animation()),
        Ok(ImageFormat::Png) => PngDecoder::new(bytes).is_ok_and(|png| png.is_apng().unwrap_or(false)),
        _ => false,
    }
}
