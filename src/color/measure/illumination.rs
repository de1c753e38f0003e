use crate::color::dominant_color::{percentile, sampled};
use crate::color::filter::dilate;
use crate::color::{Lab, Plane, Rgb, ciede2000, luminance};

/// The factors by which light scales the color that a surface shows, in linear light. Studio pictures are exposed so
/// that surfaces in full light show about their color, and most of a surface has slightly less light.
const SHADE: (f32, f32) = (0.92, 1.0);

/// The number of shades that are tried. Steps of 2 % are invisible.
const SHADE_STEPS: usize = 5;

/// The maximum amount of light that a surface mirrors where it shows its color best, in linear light. Polish mirrors
/// four percent of a bright studio, and most of the room around a product is not that bright.
const MAX_GLOSS: f32 = 0.03;

/// The number of amounts of gloss that are tried.
const GLOSS_STEPS: usize = 7;

/// The share of its light that a surface may receive from itself, in its folds and from neighboring parts.
const SELF_LIT_SHARES: [f32; 2] = [0.0, 0.2];

/// The powers of the surroundings' tint that the light may have. Walls and floors are tinted by the light and by their
/// own color, so the light has at most half of the tint.
const TINT_POWERS: [f32; 3] = [0.0, 0.25, 0.5];

/// The largest tint of the surroundings, as the ratio of a channel to the luminance. More is the color of a backdrop.
const MAX_TINT: f32 = 2.0;

/// The tint below which surroundings are neutral.
const MIN_TINT: f32 = 1.02;

/// The distance from a region within which pixels are mixed with it, in pixels.
const MAX_MIXED: usize = 2;

/// The smallest number of pixels that show the surroundings.
const MIN_PIXELS: usize = 20;

/// The light that falls on a product, as far as its surroundings show it.
///
/// A lit product does not show its surface's color exactly. The plain difference therefore rejects correct edits: they
/// score 7.9 at the 90th percentile. The color is compared with what the requested color shows under any plausible
/// light instead. The disadvantage is that a small error of lightness cannot be distinguished from light.
#[derive(Clone, Copy, Debug)]
pub(super) struct Illumination {
    /// The color of the surroundings, relative to its luminance.
    tint: Rgb,
}

impl Illumination {
    /// White light, for pictures with unknown surroundings.
    pub(super) const WHITE: Illumination = Illumination { tint: [1.0; 3] };

    /// Returns the light that the surroundings of a region show.
    pub(super) fn around(picture: &Plane<Rgb>, region: &Plane<bool>) -> Illumination {
        let pixels = sampled(picture, &dilate(region, MAX_MIXED).map(|is_near| !is_near));
        if pixels.len() < MIN_PIXELS {
            return Illumination::WHITE;
        }
        let median = |channel: usize| {
            let mut values: Vec<f32> = pixels.iter().map(|pixel| pixel[channel]).collect();
            percentile(&mut values, 0.5).unwrap_or(1.0)
        };
        Illumination::in_surroundings(std::array::from_fn(median))
    }

    /// Returns the color of the surroundings, relative to its luminance.
    pub(super) fn tint(self) -> Rgb {
        self.tint
    }

    /// Returns a color that is shown in this light as the sides show it that the light of the surroundings does not
    /// reach.
    pub(super) fn without_tint(self, color: Rgb) -> Rgb {
        let most = TINT_POWERS[TINT_POWERS.len() - 1];
        std::array::from_fn(|channel| color[channel] / self.tint[channel].powf(most))
    }

    /// Returns the light in surroundings of a color.
    pub(super) fn in_surroundings(color: Rgb) -> Illumination {
        let light = luminance(color).max(1e-3);
        Illumination { tint: color.map(|channel| (channel / light).clamp(1.0 / MAX_TINT, MAX_TINT)) }
    }

    /// Returns the CIEDE2000 difference between the color that a region shows and the requested color, under the
    /// plausible light that suits the latter best.
    pub(super) fn difference(self, shown: Rgb, asked: Rgb) -> f64 {
        let shown = Lab::from(shown);
        let is_white = self.tint.iter().all(|channel| (1.0 / MIN_TINT..MIN_TINT).contains(channel));
        let powers = if is_white { &TINT_POWERS[..1] } else { &TINT_POWERS };
        let brightest = self.tint.iter().fold(0.0f32, |most, channel| most.max(*channel));
        let mirrored = self.tint.map(|channel| channel / brightest);
        let mut least = f64::INFINITY;
        for (power, share) in powers.iter().flat_map(|power| SELF_LIT_SHARES.map(|share| (*power, share))) {
            let tint = self.tint.map(|channel| channel.powf(power));
            let body = self_lit(asked, share);
            for shade in steps(SHADE, SHADE_STEPS) {
                for gloss in steps((0.0, MAX_GLOSS), GLOSS_STEPS) {
                    let channel = |at: usize| (shade * body[at] * tint[at] + gloss * mirrored[at]).clamp(0.0, 1.0);
                    least = least.min(ciede2000(shown, Lab::from(std::array::from_fn(channel))));
                }
            }
        }
        least
    }
}

/// Returns a color with a `share` of its light reflected twice, at the same exposure. It looks deeper.
fn self_lit(color: Rgb, share: f32) -> Rgb {
    let light = luminance(color);
    color.map(|channel| channel * (1.0 + share * (channel - light)))
}

fn steps((from, to): (f32, f32), count: usize) -> impl Iterator<Item = f32> {
    (0..count).map(move |step| from + (to - from) * step as f32 / (count - 1) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::Hex;

    const WARM: Rgb = [0.9, 0.72, 0.47];

    fn hex(text: &str) -> Rgb {
        text.parse::<Hex>().unwrap().linear()
    }

    #[test]
    fn light_and_gloss_are_forgiven_and_hue_is_not() {
        let (blue, green) = (hex("#1E90FF"), hex("#2E7D4F"));
        assert!(Illumination::WHITE.difference(blue, blue) < 0.4);
        let shaded = green.map(|channel| channel * 0.93 + 0.025);
        let off = Illumination::WHITE.difference(shaded, green);
        assert!(off < 1.0, "{off}");
        assert!(ciede2000(Lab::from(shaded), Lab::from(green)) > 2.5);
        assert!(Illumination::WHITE.difference(green, blue) > 25.0);
    }

    #[test]
    fn an_error_of_six_in_lightness_is_not_forgiven() {
        for color in ["#2E7D4F", "#1E90FF", "#C62828"] {
            let (asked, darker) = (hex(color), hex(color).map(|channel| channel * 0.77));
            let plain = ciede2000(Lab::from(darker), Lab::from(asked));
            let off = Illumination::WHITE.difference(darker, asked);
            assert!((4.0..8.0).contains(&plain) && off > 2.5, "{color}: {plain} {off}");
        }
    }

    #[test]
    fn the_tint_of_warm_surroundings_is_forgiven_and_the_opposite_tint_is_not() {
        let cream = hex("#E9E4DA");
        let tinted = |power: f32| -> Rgb {
            std::array::from_fn(|at| cream[at] * 0.95 * (WARM[at] / luminance(WARM)).powf(power))
        };
        let warm = Illumination::in_surroundings(WARM);
        assert!(warm.difference(tinted(0.4), cream) < 1.5, "{}", warm.difference(tinted(0.4), cream));
        assert!(Illumination::WHITE.difference(tinted(0.4), cream) > 5.0);
        assert!(warm.difference(tinted(-0.4), cream) > 5.0);
    }

    #[test]
    fn a_bright_surface_that_lights_itself_is_deeper_than_its_color() {
        let yellow = hex("#F5C518");
        let deeper = self_lit(yellow, 0.15).map(|channel| channel * 0.95);
        assert!(Illumination::WHITE.difference(deeper, yellow) < 1.5);
        assert!(Illumination::WHITE.difference(self_lit(yellow, -0.3), yellow) > 2.5);
    }

    #[test]
    fn surroundings_without_light_tell_nothing() {
        let black = Illumination::in_surroundings([0.0; 3]);
        assert!(black.difference([0.5; 3], [0.52; 3]).is_finite());
    }
}
