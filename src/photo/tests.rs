use std::io::Cursor;

use image::codecs::png::PngEncoder;
use image::{DynamicImage, ImageBuffer, ImageEncoder, Rgb as Pixel, RgbImage, RgbaImage};

use super::*;
use crate::color::{Plane, Rgb};

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn the_exif_orientation_is_applied() {
    // A JPEG of 8 by 4 pixels with EXIF orientation 6, a quarter turn clockwise.
    let mut jpeg = Cursor::new(Vec::new());
    RgbImage::new(8, 4).write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let mut bytes = jpeg.into_inner();
    let exif = b"\xFF\xE1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    bytes.splice(2..2, exif.iter().copied());
    assert_eq!(Photo::decode(&bytes).unwrap().dimensions(), (4, 8));
}

#[test]
fn a_decompression_bomb_is_refused_before_it_is_decoded() {
    let wide = with_side(png(image::GrayImage::new(1, 1)), 60_000);
    let deep = with_side(png(DynamicImage::ImageRgba16(ImageBuffer::new(1, 1))), 16_384);
    // Its own pixels take 256 MiB. As a photo has three channels, they would take 768 MiB.
    let gray = with_side(png(image::GrayImage::new(1, 1)), 16_384);
    for bomb in [wide, deep, gray] {
        let error = Photo::decode(&bomb).unwrap_err();
        assert!(matches!(error, DecodeError::TooLarge), "{error}");
    }
}

/// Changes the width and the height in the header of a PNG.
pub(super) fn with_side(mut png: Vec<u8>, side: u32) -> Vec<u8> {
    png[16..24].copy_from_slice(&[side.to_be_bytes(), side.to_be_bytes()].concat());
    let checksum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.to_be_bytes());
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

#[test]
fn colors_of_a_wide_gamut_profile_are_converted_to_srgb() {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(moxcms::ColorProfile::new_display_p3().encode().unwrap()).unwrap();
    encoder.write_image(&[128, 100, 60].repeat(4), 2, 2, image::ExtendedColorType::Rgb8).unwrap();
    let photo = Photo::decode(&bytes.into_inner()).unwrap();
    // In sRGB, the same color has more red and less blue, because its gamut is smaller.
    let [red, green, blue] = photo.image().to_rgb8().get_pixel(0, 0).0;
    assert_eq!(
        [red.abs_diff(133) <= 1, green.abs_diff(99) <= 1, blue.abs_diff(54) <= 2],
        [true; 3],
        "{red} {green} {blue}"
    );
}

#[test]
fn sixteen_bits_and_alpha_survive_a_round_trip() {
    let deep = ImageBuffer::from_fn(5, 4, |x, y| Pixel([x as u16 * 9000 + 77, y as u16 * 12000 + 1, 65535u16]));
    let mut photo = Photo::decode(&png(DynamicImage::ImageRgb16(deep.clone()))).unwrap();
    let width = photo.dimensions().0 as usize;
    photo.paint_rows(|_| Some(0..width), |_, _, _| {});
    assert_eq!(Photo::decode(&photo.to_png().unwrap()).unwrap().image().as_rgb16(), Some(&deep));

    let clear = RgbaImage::from_fn(3, 3, |x, y| image::Rgba([200, 10, 10, (x * 100 + y) as u8]));
    let photo = Photo::decode(&png(clear.clone())).unwrap();
    assert_eq!(Photo::decode(&photo.to_png().unwrap()).unwrap().image().as_rgba8(), Some(&clear));
}

#[test]
fn a_reduced_picture_keeps_the_mean_light_and_ignores_transparent_pixels() {
    let picture = RgbImage::from_fn(7, 5, |x, y| Pixel([(x * 30) as u8, (y * 50) as u8, 128]));
    let photo = Photo::decode(&png(picture)).unwrap();
    let mean = |colors: &Plane<Rgb>| {
        let sum = colors.data.iter().fold([0.0; 3], |sum: Rgb, color| std::array::from_fn(|at| sum[at] + color[at]));
        sum.map(|sum| sum / colors.data.len() as f32)
    };
    let reduced = photo.reduced(3);
    assert_eq!((reduced.colors.width, reduced.colors.height), (3, 2));
    let mut whole = Plane { width: 7, height: 5, data: Vec::new() };
    photo.clone().paint_rows(|_| Some(0..7), |_, _, pixels| whole.data.extend_from_slice(pixels));
    let (whole, small) = (mean(&whole), mean(&reduced.colors));
    assert!(whole.iter().zip(small).all(|(whole, small)| (whole - small).abs() < 1e-3), "{whole:?} {small:?}");

    let half = RgbaImage::from_fn(2, 1, |x, _| image::Rgba(if x == 0 { [255, 0, 0, 255] } else { [0, 255, 0, 0] }));
    let reduced = Photo::decode(&png(half)).unwrap().reduced(1);
    assert_eq!((reduced.colors.data[0], reduced.opacity.unwrap().data[0]), ([1.0, 0.0, 0.0], 0.5));
}

#[test]
fn animated_pictures_are_detected() {
    let frame = || image::Frame::new(RgbaImage::new(2, 2));
    let gif = |frames: Vec<image::Frame>| {
        let mut bytes = Vec::new();
        image::codecs::gif::GifEncoder::new(&mut bytes).encode_frames(frames).unwrap();
        bytes
    };
    assert!(is_animated(&gif(vec![frame(), frame()])));
    assert!(!is_animated(&gif(vec![frame()])));
    assert!(!is_animated(&png(RgbImage::new(1, 1))) && !is_animated(b"nothing"));
}
