use super::{Lab, Rgb, ciede2000};

/// How much darker or lighter than its own color a lit surface may look: factors in linear light.
const LIGHT: (f32, f32, usize) = (0.76, 1.10, 18);

/// How much white light may lie over it as gloss.
const GLOSS: (f32, f32, usize) = (0.0, 0.04, 9);

/// The CIEDE2000 difference between the color that a region shows and a target, under the plausible light that suits
/// the target best.
///
/// A lit product does not show its surface's color exactly, so the plain difference condemns right edits: true ones
/// score 7.9 at the 90th percentile, and 1.9 here. The price is that a small error of lightness cannot be told from
/// light. The grid is 18 shades by 9 veils.
pub fn lit_difference(shown: Rgb, target: Rgb) -> f64 {
    lit_difference_under(shown, target, GLOSS.1)
}

/// The same where it is known how much gloss there may be: up to `most`, in linear light.
pub(super) fn lit_difference_under(shown: Rgb, target: Rgb, most: f32) -> f64 {
    let shown = Lab::from(shown);
    let mut least = f64::INFINITY;
    for light in steps(LIGHT) {
        for gloss in steps((GLOSS.0, most, GLOSS.2)) {
            let lit = target.map(|channel| (channel * light + gloss).clamp(0.0, 1.0));
            least = least.min(ciede2000(shown, Lab::from(lit)));
        }
    }
    least
}

fn steps((from, to, count): (f32, f32, usize)) -> impl Iterator<Item = f32> {
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
    fn half_the_light_is_another_color() {
        let red = hex("#C62828");
        let miss = lit_difference(red.map(|channel| channel * 0.5), red);
        assert!(miss > 3.0, "{miss}");
    }
}
