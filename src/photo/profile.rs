use image::DynamicImage;
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Converts pixels from the embedded ICC profile to sRGB. What cannot be converted (a profile of grey or ink, a broken
/// one) stays as it is: that is what viewers do as well.
pub(super) fn convert(pixels: &mut DynamicImage, icc: &[u8]) {
    let Ok(profile) = ColorProfile::new_from_slice(icc) else { return };
    if profile.color_space == DataColorSpace::Rgb && !is_srgb(&profile) {
        let converted = match pixels {
            DynamicImage::ImageRgb8(picture) => eight_bits(&profile, Layout::Rgb, picture),
            DynamicImage::ImageRgba8(picture) => eight_bits(&profile, Layout::Rgba, picture),
            DynamicImage::ImageRgb16(picture) => sixteen_bits(&profile, Layout::Rgb, picture),
            DynamicImage::ImageRgba16(picture) => sixteen_bits(&profile, Layout::Rgba, picture),
            _ => None,
        };
        if converted.is_none() {
            tracing::debug!("the picture's color profile could not be applied; its colors are taken as sRGB");
        }
    }
}

/// Whether the profile changes no color by more than a step of 8 bits, as the many copies of sRGB's do.
fn is_srgb(profile: &ColorProfile) -> bool {
    // Six steps a channel, 51 apart: the digits of a number to the base of six.
    let cube: Vec<u8> =
        (0..216u8).flat_map(|number| [number / 36, number / 6 % 6, number % 6].map(|digit| digit * 51)).collect();
    let mut converted = cube.clone();
    let done = eight_bits(profile, Layout::Rgb, &mut converted);
    done.is_some() && cube.iter().zip(&converted).all(|(before, after)| before.abs_diff(*after) <= 1)
}

fn eight_bits(profile: &ColorProfile, layout: Layout, samples: &mut [u8]) -> Option<()> {
    let srgb = ColorProfile::new_srgb();
    let transform = profile.create_transform_8bit(layout, &srgb, layout, TransformOptions::default()).ok()?;
    let before = samples.to_vec();
    transform.transform(&before, samples).ok()
}

fn sixteen_bits(profile: &ColorProfile, layout: Layout, samples: &mut [u16]) -> Option<()> {
    let srgb = ColorProfile::new_srgb();
    let transform = profile.create_transform_16bit(layout, &srgb, layout, TransformOptions::default()).ok()?;
    let before = samples.to_vec();
    transform.transform(&before, samples).ok()
}
