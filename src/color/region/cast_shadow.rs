use crate::color::filter::{box_blur, flooded};
use crate::color::{Oklab, Plane};

use super::clusters::chroma_distance;

/// The radius within which the background's color is averaged, in pixels.
const GROUND_RADIUS: usize = 20;

/// The smallest distance of chroma over lightness between product and background at which a shadow is recognized by its
/// hue.
const MIN_HUE_DISTANCE: f32 = 0.06;

/// The largest distance of a shadow from the background's hue, as a share of the product's distance.
const MAX_RELATIVE_DISTANCE: f32 = 0.3;

/// The upper limit of that distance.
const MAX_DISTANCE: f32 = 0.03;

/// Returns the product without the shadow that it casts on its background, if the outline includes that shadow.
///
/// A shadow has the hue of the surface that it falls on, and extends from the outline inward. If `body` does not have
/// another hue, nothing is removed.
pub(super) fn without_cast_shadow(product: &Plane<bool>, colors: &Plane<Oklab>, body: Oklab) -> Plane<bool> {
    let weighed = colors.zip(product, |color, is_product| {
        let weight = if is_product { 1e-6 } else { 1.0 };
        [color.l * weight, color.a * weight, color.b * weight, weight]
    });
    let around = box_blur(&weighed, GROUND_RADIUS);
    let is_shadow = |index: usize| {
        let [l, a, b, weight] = around.data[index];
        let ground = Oklab { l: l / weight, a: a / weight, b: b / weight };
        let own = colors.data[index];
        let apart = chroma_distance(body, ground);
        weight > 1e-3
            && apart > MIN_HUE_DISTANCE
            && own.l < ground.l
            && chroma_distance(own, ground) < MAX_DISTANCE.min(MAX_RELATIVE_DISTANCE * apart)
    };
    flooded(&product.map(|is_product| !is_product), |_, neighbor| is_shadow(neighbor)).map(|is_reached| !is_reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shadow_has_the_hue_of_the_ground_and_a_grey_part_within_stays() {
        let ground = Oklab { l: 0.85, a: 0.05, b: 0.0 };
        let body = Oklab { l: 0.55, a: 0.2, b: 0.1 };
        let shadow = Oklab { l: 0.7, a: 0.041, b: 0.0 };
        let mut colors = Plane::filled(60, 60, ground);
        let mut product = Plane::filled(60, 60, false);
        for (x, y) in (20..40).flat_map(|x| (20..46).map(move |y| (x, y))) {
            let is_label = (28..32).contains(&x) && (28..32).contains(&y);
            colors.data[y * 60 + x] = if y >= 40 || is_label { shadow } else { body };
            product.data[y * 60 + x] = true;
        }
        let found = without_cast_shadow(&product, &colors, body);
        assert!(found.at(30, 39) && found.at(30, 30), "the body and what is printed on it");
        assert!(!found.at(30, 42), "the shadow below");
        let alike = without_cast_shadow(&product, &colors, Oklab { l: 0.9, a: 0.05, b: 0.0 });
        assert_eq!(alike, product, "a product of the ground's own hue");
    }
}
