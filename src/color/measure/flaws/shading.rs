use crate::color::dominant_color::{percentile, sampled};
use crate::color::filter::erode;
use crate::color::{Oklab, Plane, Rgb};

/// The spread of lightness, relative to its median, below which a surface is flat. The most even surfaces in right
/// edits have 0.04.
const MAX_FLAT_SPREAD: f32 = 0.015;

/// The spread above which a surface has shading.
const MIN_SHADED_SPREAD: f32 = 0.03;

/// Whether a region had shading before and is filled with a single color after.
///
/// Light scales all colors of a surface alike, so its spread of lightness relative to the median stays about the same
/// when its color changes. A flat product is no product any more, although its color may be exact.
pub(super) fn has_lost_its_shading(before: &Plane<Rgb>, after: &Plane<Rgb>, region: &Plane<bool>) -> bool {
    let inner = erode(region, 2);
    let spread = |picture: &Plane<Rgb>| relative_spread(picture, &inner);
    spread(after).is_some_and(|new| new < MAX_FLAT_SPREAD) && spread(before).is_some_and(|old| old > MIN_SHADED_SPREAD)
}

/// Returns the range of OKLab lightness of a region without the lightest and the darkest tenth, relative to the median.
fn relative_spread(picture: &Plane<Rgb>, region: &Plane<bool>) -> Option<f32> {
    let mut lightness: Vec<f32> = sampled(picture, region).into_iter().map(|color| Oklab::from(color).l).collect();
    let (high, low) = (percentile(&mut lightness, 0.9)?, percentile(&mut lightness, 0.1)?);
    Some((high - low) / percentile(&mut lightness, 0.5)?.max(0.05))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Rgb = [0.5, 0.02, 0.02];
    const NAVY: Rgb = [0.01, 0.02, 0.08];

    /// Returns a picture of a surface whose light falls by `fall` from its top to its bottom.
    fn surface(color: Rgb, fall: f32) -> Plane<Rgb> {
        let light = |index: usize| 1.0 - fall * (index / 60) as f32 / 60.0;
        Plane { width: 60, height: 60, data: (0..3600).map(|index| color.map(|part| part * light(index))).collect() }
    }

    #[test]
    fn a_shaded_surface_that_is_filled_with_one_color_has_lost_its_shading() {
        let region = Plane::filled(60, 60, true);
        for fall in [0.2, 0.6] {
            let before = surface(RED, fall);
            assert!(has_lost_its_shading(&before, &surface(NAVY, 0.0), &region));
            assert!(!has_lost_its_shading(&before, &surface(NAVY, fall), &region));
        }
    }

    #[test]
    fn a_flat_graphic_has_none_to_lose() {
        let region = Plane::filled(60, 60, true);
        assert!(!has_lost_its_shading(&surface(RED, 0.0), &surface(NAVY, 0.0), &region));
        assert!(!has_lost_its_shading(&surface(RED, 0.5), &surface(NAVY, 0.0), &Plane::filled(60, 60, false)));
    }
}
