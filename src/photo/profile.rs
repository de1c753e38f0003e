use image::DynamicImage;
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Converts pixels from the embedded ICC profile to sRGB. Pixels that cannot be converted (because the profile is
/// broken, or of grayscale or CMYK) are left unchanged, as in common viewers.
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

/// Whether the profile changes no color by more than one 8-bit step, which holds for the many variants of sRGB.
fn is_srgb(profile: &ColorProfile) -> bool {
    // Six values per channel, 51 apart: the digits of a number in base 6.
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
