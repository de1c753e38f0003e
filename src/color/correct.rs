use super::filter::gaussian;
use super::region::{Unmix, norm};
use super::{Plane, Rgb, luminance};

/// How strongly a veil is held to be gloss rather than a lighter body.
const RIDGE: f32 = 0.04;

/// Shifts the color of a region from `shown`, the one that it shows, to `aim`, each pixel by its own share of light.
///
/// `region` may be smaller than `picture`; its border is softened. Pixels in it that are no shade of `shown`, such as a
/// print, stay as they are, and so does everything outside.
pub fn correct(picture: &mut Plane<Rgb>, region: &Plane<bool>, shown: Rgb, aim: Rgb) {
    let shares = gaussian(&region.map(|is_set| [f32::from(u8::from(is_set)); 3]), 0.8).map(|[share, ..]| share);
    let unmix = Unmix::new(shown, RIDGE);
    let light = luminance(shown).max(1e-4);
    let scale = (region.width as f32 / picture.width as f32, region.height as f32 / picture.height as f32);
    for y in 0..picture.height {
        for x in 0..picture.width {
            let share = sample(&shares, (x as f32 + 0.5) * scale.0 - 0.5, (y as f32 + 0.5) * scale.1 - 0.5);
            if share < 0.02 {
                continue;
            }
            let pixel = &mut picture.data[y * picture.width + x];
            let alien = unmix.residual(*pixel, unmix.split(*pixel)) / (norm(*pixel) + 0.03);
            let own = ((0.4 - alien) / 0.2).clamp(0.0, 1.0);
            let shade = (luminance(*pixel) / light).min(1.3);
            for ((channel, aim), shown) in pixel.iter_mut().zip(aim).zip(shown) {
                *channel = (*channel + share * own * shade * (aim - shown)).clamp(0.0, 1.0);
            }
        }
    }
}

/// The value between four samples.
fn sample(plane: &Plane<f32>, x: f32, y: f32) -> f32 {
    let (x, y) = (x.clamp(0.0, plane.width as f32 - 1.0), y.clamp(0.0, plane.height as f32 - 1.0));
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(plane.width - 1), (top + 1).min(plane.height - 1));
    let (across, down) = (x - left as f32, y - top as f32);
    let row = |y: usize| plane.at(left, y) * (1.0 - across) + plane.at(right, y) * across;
    row(top) * (1.0 - down) + row(bottom) * down
}
