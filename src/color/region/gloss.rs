use crate::color::filter::neighbors;
use crate::color::{Oklab, Plane};

use super::outline::outside;

/// The largest step of OKLab's lightness from a pixel to the next within a reflection: larger ones are edges.
const STEP: f32 = 0.04;

/// Up to which chroma a reflection on something dark and neutral has no hue, in OKLab.
const HUELESS: f32 = 0.04;

/// The least share of its border with the rest of the surface on which a reflection begins softly.
const SOFT: f32 = 0.3;

/// How much of the surface one reflection covers at most, as a share of what is known of it.
const MOST: f32 = 0.35;

/// From which share of its border on a part is ground that the outline took in: it is as light as what is beyond, to
/// this much of OKLab's lightness.
const OPEN: (f32, f32) = (0.25, 0.05);

/// Adds what the dark and neutral `region` mirrors. A reflection is as light as what it shows, but it begins softly; a
/// part of another material, such as a lid of steel, begins with an edge.
pub(super) fn with_reflections(region: &Plane<bool>, colors: &Plane<Oklab>, product: &Plane<bool>) -> Plane<bool> {
    let whole = region.count() as f32;
    let mut found = region.clone();
    let mut is_seen = region.zip(colors, |is_set, color| is_set || color.chroma() >= HUELESS);
    for (is_seen, is_product) in is_seen.data.iter_mut().zip(&product.data) {
        *is_seen |= !is_product;
    }
    for start in 0..region.data.len() {
        if !is_seen.data[start] {
            let part = Part::around(start, region, colors, product, &mut is_seen);
            if part.is_reflection(whole) {
                part.places.iter().for_each(|place| found.data[*place] = true);
            }
        }
    }
    found
}

/// Pixels without an edge between them, and what is around them, counted in pairs of pixels that touch.
#[derive(Default)]
struct Part {
    places: Vec<usize>,
    /// Those with the region, and those of them without an edge.
    beside_region: usize,
    soft: usize,
    /// Pixels at the outline, and those of them that are as light as what is beyond.
    at_outline: usize,
    open: usize,
}

impl Part {
    fn around(
        start: usize,
        region: &Plane<bool>,
        colors: &Plane<Oklab>,
        product: &Plane<bool>,
        is_seen: &mut Plane<bool>,
    ) -> Part {
        let mut part = Part::default();
        let mut next = 0;
        is_seen.data[start] = true;
        part.places.push(start);
        while let Some(place) = part.places.get(next).copied() {
            next += 1;
            let light = colors.data[place].l;
            for beside in neighbors(place, region.width, region.height) {
                let is_soft = (colors.data[beside].l - light).abs() < STEP;
                if region.data[beside] {
                    part.beside_region += 1;
                    part.soft += usize::from(is_soft);
                } else if is_soft && !is_seen.data[beside] {
                    is_seen.data[beside] = true;
                    part.places.push(beside);
                }
            }
            if let Some(beyond) = outside(place, colors, product) {
                part.at_outline += 1;
                part.open += usize::from((beyond.l - light).abs() < OPEN.1);
            }
        }
        part
    }

    fn is_reflection(&self, whole: f32) -> bool {
        let begins_softly = self.soft as f32 > SOFT * self.beside_region as f32;
        let rim = self.at_outline + self.beside_region / 3;
        begins_softly && (self.open as f32) <= OPEN.0 * rim as f32 && (self.places.len() as f32) < MOST * whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reflection_begins_softly_and_a_part_of_steel_with_an_edge() {
        let grey = |l: f32| Oklab { l, a: 0.0, b: 0.0 };
        let mut colors = Plane::filled(80, 60, grey(0.95));
        let mut product = Plane::filled(80, 60, false);
        for (x, y) in (10..70).flat_map(|x| (10..50).map(move |y| (x, y))) {
            let reflection = 0.5 - 0.03 * (x as f32 - 25.0).hypot(y as f32 - 30.0);
            let is_steel = (50..60).contains(&x) && (20..40).contains(&y);
            colors.data[y * 80 + x] = grey(if is_steel { 0.6 } else { reflection.max(0.2) });
            product.data[y * 80 + x] = true;
        }
        let region = colors.zip(&product, |color, is_product| is_product && color.l < 0.32);
        let found = with_reflections(&region, &colors, &product);
        assert!(!region.at(25, 30) && found.at(25, 30), "the reflection");
        assert!(!found.at(55, 30) && !found.at(5, 5), "the steel and the ground");
    }
}
