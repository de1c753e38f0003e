use super::lit_surface::LitSurface;
use crate::color::filter::open;
use crate::color::{Plane, Rgb};

/// The smallest distance between a pixel and the product under the light that suits it best, from which on the pixel
/// is something else. What reflects the product, such as a chrome knob, stays below it.
const MIN_FOREIGN: f32 = 0.12;

/// The smallest ΔE00 between the two pictures at which a pixel was certainly changed.
const MIN_CHANGE: f32 = 10.0;

/// Half the width of the smallest area that counts, in pixels. Mixed pixels at outlines are narrower.
const MIN_RADIUS: usize = 2;

/// Returns the share of a changed `region`, 0 to 1, that has another color than the product in the picture `after`: what
/// was added to the picture, or recolored by mistake. `differences` are the ΔE00 between the two pictures.
///
/// In colored surroundings, the product shows several `surfaces`.
pub(super) fn foreign_share(
    after: &Plane<Rgb>,
    differences: &Plane<f32>,
    surfaces: &[LitSurface<1>],
    region: &Plane<bool>,
) -> f64 {
    let mut foreign = region.zip(differences, |is_set, off| is_set && off > MIN_CHANGE);
    for (is_foreign, pixel) in foreign.data.iter_mut().zip(&after.data) {
        *is_foreign = *is_foreign && surfaces.iter().all(|surface| surface.is_beyond([*pixel], MIN_FOREIGN));
    }
    open(&foreign, MIN_RADIUS).count() as f64 / region.count().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLUE: Rgb = [0.02, 0.2, 0.9];

    /// Returns the share that is foreign if a tenth of a shaded blue product, with a highlight, has another color.
    fn foreign(color: Rgb, difference: f32) -> f64 {
        let pixel = |index: usize| {
            let (x, y) = (index % 60, index / 60);
            let gloss = if (40..50).contains(&x) && (40..50).contains(&y) { 0.4 } else { 0.0 };
            let body = if y >= 54 { color } else { BLUE };
            body.map(|channel| (channel * (0.3 + 0.7 * x as f32 / 60.0) + gloss).min(1.0))
        };
        let after = Plane { width: 60, height: 60, data: (0..3600).map(pixel).collect() };
        foreign_share(&after, &after.map(|_| difference), &[LitSurface::new([BLUE])], &after.map(|_| true))
    }

    #[test]
    fn what_changed_to_another_color_is_foreign_and_shade_and_gloss_are_not() {
        for color in [[0.6, 0.05, 0.35], [0.05, 0.5, 0.05], [0.7, 0.5, 0.02]] {
            assert!((foreign(color, 30.0) - 0.1).abs() < 0.01, "{color:?}: {}", foreign(color, 30.0));
            assert!(foreign(color, 1.0) < 1e-9, "it hardly changed");
        }
        assert!(foreign(BLUE.map(|channel| channel * 0.2 + 0.1), 30.0) < 1e-9);
    }
}
