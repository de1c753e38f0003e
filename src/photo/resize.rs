use fast_image_resize::Resizer;
use image::DynamicImage;

/// Returns the picture scaled to a longer side of `side` pixels.
pub(super) fn resize(pixels: &DynamicImage, side: u32) -> DynamicImage {
    let (width, height) = (pixels.width(), pixels.height());
    let scale = f64::from(side) / f64::from(width.max(height).max(1));
    let scaled = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
    let (to_width, to_height) = (scaled(width), scaled(height));
    let mut to = DynamicImage::new(to_width, to_height, pixels.color());
    // Both have the sizes and the layout that they were created with, so this cannot fail.
    let resized = Resizer::new().resize(pixels, &mut to, None);
    debug_assert!(resized.is_ok(), "{resized:?}");
    to
}
