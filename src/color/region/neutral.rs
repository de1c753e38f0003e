use crate::color::filter::flooded;
use crate::color::spaces::length;
use crate::color::{Oklab, Plane, Rgb, luminance};

use super::shadow::without_soft_parts;

/// The luminance below which reflections may be much lighter than the surface.
pub(super) const MAX_MIRRORING_LUMINANCE: f32 = 0.15;

/// The largest step of OKLab lightness between neighboring pixels of a surface on which light falls off.
const MAX_SOFT_STEP: f32 = 0.02;

/// The smallest lightness of a shaded side, as a share of the body's OKLab lightness. That is a sixth of the light; a
/// studio's walls reflect more. Shadows on the ground are often darker.
const MIN_SHADE: f32 = 0.55;

/// The channel value, 0 to 1, above which a color may have been clipped. It is then paler than its surface.
const CLIPPED_CHANNEL: f32 = 0.97;

/// Returns the pixels that have the body's slight hue and are not much lighter or darker.
pub(super) fn neutral(colors: &Plane<Oklab>, seed: &Plane<bool>, product: &Plane<bool>, body: Rgb) -> Plane<bool> {
    let color = Oklab::from(body);
    let off = |other: Oklab| off_hue(other, color);
    let seeds = colors.data.iter().zip(&seed.data).filter(|(_, is_seed)| **is_seed);
    let offs: Vec<f32> = seeds.map(|(color, _)| off(*color)).collect();
    let mean = offs.iter().sum::<f32>() / offs.len().max(1) as f32;
    let most = mean + 0.045;
    let above = if luminance(body) > 0.05 { 0.2 } else { 0.12 };
    let below = if color.l > 0.45 { -0.28 } else { -0.2 };
    let mut found = seed.clone();
    for (index, is_found) in found.data.iter_mut().enumerate() {
        let (other, is_product) = (colors.data[index], product.data[index]);
        let lighter = other.l - color.l;
        *is_found = is_product && (*is_found || (off(other) < most && lighter < above && lighter > below));
    }
    // Dark surfaces mirror objects. Their reflections are found separately.
    if luminance(body) < MAX_MIRRORING_LUMINANCE {
        return found;
    }
    let shaded = with_shades(&found, colors, product, color, most);
    let added = shaded.zip(&found, |is_shaded, is_found| is_shaded && !is_found);
    let kept = without_soft_parts(&added, product, colors);
    found.zip(&kept, |is_found, is_kept| is_found || is_kept)
}

/// Adds what continues from `found` without an edge: the same surface in more or less light. Its hue is at most
/// `most` off the body's.
pub(super) fn with_shades(
    found: &Plane<bool>,
    colors: &Plane<Oklab>,
    product: &Plane<bool>,
    body: Oklab,
    most: f32,
) -> Plane<bool> {
    let is_of_body = |other: Oklab| {
        let is_clipped = other.brightest() > CLIPPED_CHANNEL && other.chroma() < body.chroma();
        is_clipped || off_hue(other, body) < most
    };
    flooded(found, |index, neighbor| {
        let other = colors.data[neighbor];
        let is_soft = (other.l - colors.data[index].l).abs() < MAX_SOFT_STEP;
        is_soft && product.data[neighbor] && other.l > MIN_SHADE * body.l && is_of_body(other)
    })
}

/// Returns the distance of a color from the body's color at the same lightness, in OKLab's a and b.
pub(super) fn off_hue(color: Oklab, body: Oklab) -> f32 {
    let light = color.l / body.l.max(0.05);
    length(color.a - light * body.a, color.b - light * body.b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the lightness of a round white product, whose light falls off from `full` to `least` toward the right,
    /// and the pixels that are found to be of it.
    fn round(full: f32, least: f32) -> (Plane<Oklab>, Plane<bool>) {
        let (mut colors, mut product) =
            (Plane::filled(160, 100, Oklab { l: 0.7, a: 0.0, b: 0.0 }), Plane::filled(160, 100, false));
        for (x, y) in (20..140_usize).flat_map(|x| (20..80_usize).map(move |y| (x, y))) {
            let share = (x - 20) as f32 / 120.0;
            colors.data[y * 160 + x] = Oklab { l: full + (least - full) * share, a: 0.0, b: 0.01 };
            product.data[y * 160 + x] = true;
        }
        let seed = colors.zip(&product, |color, is_product| is_product && color.l > full - 0.1);
        let body = [0.85, 0.84, 0.81];
        let found = neutral(&colors, &seed, &product, body);
        (colors, found)
    }

    #[test]
    fn the_shaded_side_of_something_white_is_of_it_as_far_as_light_reaches() {
        let (_, shaded) = round(0.95, 0.56);
        assert!(shaded.at(30, 50) && shaded.at(138, 50), "a side in a quarter of the light");
        let (colors, dark) = round(0.95, 0.3);
        let last = (20..140).rfind(|x| dark.at(*x, 50)).unwrap();
        assert!(colors.at(last, 50).l > 0.5, "what is darker is another material");
    }

    #[test]
    fn what_the_light_has_burnt_out_is_of_the_body_where_it_begins_softly() {
        let body = [0.85, 0.62, 0.40];
        let mut colors = Plane::filled(120, 60, Oklab::from(body));
        for (index, color) in colors.data.iter_mut().enumerate() {
            let x = index % 120;
            let light = 1.0 + 1.6 * (x.clamp(30, 80) - 30) as f32 / 50.0;
            let is_label = (90..110).contains(&x) && (20..40).contains(&(index / 120));
            *color = Oklab::from(if is_label { [0.3; 3] } else { body.map(|channel: f32| (light * channel).min(1.0)) });
        }
        let product = colors.map(|_| true);
        let body = Oklab::from(body);
        let found = colors.map(|color| off_hue(color, body) < 0.001);
        let shades = with_shades(&found, &colors, &product, body, 0.02);
        assert!(!found.at(85, 50) && shades.at(85, 50), "white, because channels are clipped");
        assert!(!shades.at(100, 30), "a label");
    }
}
