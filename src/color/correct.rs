use super::filter::gaussian;
use super::region::{Unmix, norm};
use super::{Plane, Rgb, luminance};

/// The regularization that prefers gloss over a lighter body as the explanation of a veil.
const RIDGE: f32 = 0.04;

/// A shift of the color that a region shows to another color. Each pixel shifts by its own share of light.
///
/// Pixels in the region that are no shade of its color, such as a print, stay unchanged. So do all pixels outside it.
pub struct Shift {
    shares: Plane<f32>,
    shown: Rgb,
    unmix: Unmix,
    light: f32,
}

impl Shift {
    /// Returns the shift of a region that shows the color `shown`. The region may be smaller than the picture. Its
    /// border is softened.
    pub fn new(region: &Plane<bool>, shown: Rgb) -> Shift {
        let shares = gaussian(&region.map(|is_set| [f32::from(u8::from(is_set)); 3]), 0.8).map(|[share, ..]| share);
        Shift { shares, shown, unmix: Unmix::new(shown, RIDGE), light: luminance(shown).max(1e-4) }
    }

    /// Shifts the pixels of row `y` to the color `aim`. `size` is the width and height of the picture in pixels.
    pub fn row(&self, size: (usize, usize), y: usize, pixels: &mut [Rgb], aim: Rgb) {
        let Shift { shares, shown, unmix, light } = self;
        let scale = (shares.width as f32 / size.0 as f32, shares.height as f32 / size.1 as f32);
        for (x, pixel) in pixels.iter_mut().enumerate() {
            let share = sample(shares, (x as f32 + 0.5) * scale.0 - 0.5, (y as f32 + 0.5) * scale.1 - 0.5);
            if share < 0.02 {
                continue;
            }
            let alien = unmix.residual(*pixel, unmix.split(*pixel)) / (norm(*pixel) + 0.03);
            let own = ((0.4 - alien) / 0.2).clamp(0.0, 1.0);
            let shade = (luminance(*pixel) / light).min(1.3);
            for ((channel, aim), shown) in pixel.iter_mut().zip(aim).zip(shown) {
                *channel = (*channel + share * own * shade * (aim - shown)).clamp(0.0, 1.0);
            }
        }
    }
}

/// Returns the value at a position between four samples.
fn sample(plane: &Plane<f32>, x: f32, y: f32) -> f32 {
    let (x, y) = (x.clamp(0.0, plane.width as f32 - 1.0), y.clamp(0.0, plane.height as f32 - 1.0));
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(plane.width - 1), (top + 1).min(plane.height - 1));
    let (across, down) = (x - left as f32, y - top as f32);
    let row = |y: usize| plane.at(left, y) * (1.0 - across) + plane.at(right, y) * across;
    row(top) * (1.0 - down) + row(bottom) * down
}
