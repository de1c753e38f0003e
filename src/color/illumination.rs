use super::{Lab, Rgb, ciede2000};

/// The range of effects that light may have on a surface's own color.
#[derive(Clone, Copy, Debug)]
pub(super) struct Light {
    /// The smallest and the largest factor by which light may scale the surface's color, in linear light.
    shade: (f32, f32),
    /// The maximum amount of white light that may cover the surface as gloss, in linear light.
    gloss: f32,
}

/// The widest plausible range of studio light.
pub(super) const PLAUSIBLE: Light = Light { shade: (0.76, 1.10), gloss: 0.04 };

/// The range of light in most pictures. No correct edit of a matte surface needs a wider range, and few of a glossy one
/// do.
pub(super) const TYPICAL: Light = Light { shade: (0.92, 1.03), gloss: 0.02 };

impl Light {
    /// Returns the range with the gloss limited to a known maximum.
    pub(super) fn with_gloss(self, most: f32) -> Light {
        Light { gloss: self.gloss.min(most), ..self }
    }
}

/// Returns the CIEDE2000 difference between the color that a region shows and a target, under the plausible light that
/// suits the target best.
///
/// A lit product does not show its surface's color exactly. The plain difference therefore rejects correct edits: they
/// score 7.9 at the 90th percentile, and 1.9 here. The disadvantage is that a small error of lightness cannot be
/// distinguished from light. The grid has 18 shades and 9 amounts of gloss.
pub fn lit_difference(shown: Rgb, target: Rgb) -> f64 {
    lit_difference_under(shown, target, PLAUSIBLE)
}

/// Returns the same difference under another range of light.
pub(super) fn lit_difference_under(shown: Rgb, target: Rgb, light: Light) -> f64 {
    let shown = Lab::from(shown);
    let mut least = f64::INFINITY;
    for shade in steps(light.shade, 18) {
        for gloss in steps((0.0, light.gloss), 9) {
            let lit = target.map(|channel| (channel * shade + gloss).clamp(0.0, 1.0));
            least = least.min(ciede2000(shown, Lab::from(lit)));
        }
    }
    least
}

fn steps((from, to): (f32, f32), count: usize) -> impl Iterator<Item = f32> {
    (0..count).map(move |step| from + (to - from) * step as f32 / (count - 1) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::Hex;

    fn hex(text: &str) -> Rgb {
        text.parse::<Hex>().unwrap().linear()
    }

    #[test]
    fn light_and_gloss_are_forgiven_and_hue_is_not() {
        let blue = hex("#1E90FF");
        assert!(lit_difference(blue, blue) < 0.4);
        let shaded = blue.map(|channel| channel * 0.8 + 0.01);
        assert!(lit_difference(shaded, blue) < 0.6, "{}", lit_difference(shaded, blue));
        assert!(ciede2000(Lab::from(shaded), Lab::from(blue)) > 4.0);
        assert!(lit_difference(hex("#2E7D4F"), blue) > 25.0);
    }

    #[test]
    fn a_third_less_light_is_plausible_and_not_usual() {
        let green = hex("#2E7D4F");
        let darker = green.map(|channel| channel * 0.72);
        assert!(lit_difference_under(darker, green, PLAUSIBLE) < 2.0);
        assert!(lit_difference_under(darker, green, TYPICAL) > 3.0);
        assert!(lit_difference_under(green, green, TYPICAL.with_gloss(0.0)) < 0.5);
    }

    #[test]
    fn an_error_of_six_in_lightness_is_not_what_light_usually_makes() {
        for color in ["#2E7D4F", "#1E90FF", "#C62828"] {
            let (asked, darker) = (hex(color), hex(color).map(|channel| channel * 0.77));
            let plain = ciede2000(Lab::from(darker), Lab::from(asked));
            let usual = lit_difference_under(darker, asked, TYPICAL.with_gloss(0.0));
            assert!((4.0..8.0).contains(&plain) && usual > 3.0, "{color}: {plain} {usual}");
        }
    }

    #[test]
    fn half_the_light_is_another_color() {
        let red = hex("#C62828");
        let miss = lit_difference(red.map(|channel| channel * 0.5), red);
        assert!(miss > 3.0, "{miss}");
    }
}
