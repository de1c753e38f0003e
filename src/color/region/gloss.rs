use crate::color::filter::{box_blur, erode, neighbors};
use crate::color::{Oklab, Plane};

use super::outline::outside;

/// The largest step of OKLab's lightness from a pixel to the next within a reflection: larger ones are edges.
const STEP: f32 = 0.04;

/// How far around a pixel its lightness is averaged, in pixels, twice.
const RADIUS: usize = 1;

/// Up to which chroma a reflection on something dark and neutral has no hue, in OKLab.
const HUELESS: f32 = 0.04;

/// The least share of its border with the rest of the surface on which a reflection begins softly.
const SOFT: f32 = 0.3;

/// How much of the surface one reflection covers at most, as a share of what is known of it: where it lies within, as
/// screens and pictures on a product do, and otherwise.
const MOST: (f32, f32) = (0.15, 0.31);

/// What has less than this share of its border on the product's outline lies within.
const WITHIN: f32 = 0.01;

/// From which share of its border on a part is ground that the outline took in: it is as light as what is beyond, to
/// this much of OKLab's lightness.
const OPEN: (f32, f32) = (0.25, 0.05);

/// A dark and neutral product, of which a part is known.
pub(super) struct Glossy<'p> {
    pub(super) colors: &'p Plane<Oklab>,
    /// What may be of the product.
    pub(super) product: &'p Plane<bool>,
    /// Beyond it is the ground, surely.
    pub(super) outline: &'p Plane<bool>,
}

impl Glossy<'_> {
    /// Adds what the `region` mirrors. A reflection is as light as what it shows, but it begins softly; a part of another
    /// material, such as a lid of steel, begins with an edge.
    pub(super) fn with_reflections(&self, region: &Plane<bool>) -> Plane<bool> {
        let whole = region.count() as f32;
        let light = self.light();
        let mut found = region.clone();
        let mut is_seen = region.zip(self.colors, |is_set, color| is_set || color.chroma() >= HUELESS);
        for (is_seen, is_product) in is_seen.data.iter_mut().zip(&self.product.data) {
            *is_seen |= !is_product;
        }
        for start in 0..region.data.len() {
            if !is_seen.data[start] {
                let part = self.part(start, region, &light, &mut is_seen);
                if part.is_reflection(whole) {
                    part.places.iter().for_each(|place| found.data[*place] = true);
                }
            }
        }
        found
    }

    /// The lightness of the product without its texture, which would look like edges. Near the outline it is as it is.
    fn light(&self) -> Plane<f32> {
        let light = self.colors.map(|color| color.l);
        let mut smooth = box_blur(&box_blur(&light, RADIUS), RADIUS);
        let within = erode(self.product, 2 * RADIUS);
        for (place, smooth) in smooth.data.iter_mut().enumerate().filter(|(place, _)| !within.data[*place]) {
            *smooth = light.data[place];
        }
        smooth
    }

    /// The part around a pixel, of those that are not seen yet.
    fn part(&self, start: usize, region: &Plane<bool>, light: &Plane<f32>, is_seen: &mut Plane<bool>) -> Part {
        let mut part = Part::default();
        let mut next = 0;
        is_seen.data[start] = true;
        part.places.push(start);
        while let Some(place) = part.places.get(next).copied() {
            next += 1;
            for beside in neighbors(place, region.width, region.height) {
                let is_soft = (light.data[beside] - light.data[place]).abs() < STEP;
                if region.data[beside] {
                    part.beside_region += 1;
                    part.soft += usize::from(is_soft);
                } else if is_soft && !is_seen.data[beside] {
                    is_seen.data[beside] = true;
                    part.places.push(beside);
                }
            }
            if let Some(beyond) = outside(place, self.colors, self.outline) {
                part.at_outline += 1;
                part.open += usize::from((beyond.l - self.colors.data[place].l).abs() < OPEN.1);
            }
        }
        part
    }
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
    fn is_reflection(&self, whole: f32) -> bool {
        let begins_softly = self.soft as f32 > SOFT * self.beside_region as f32;
        let rim = self.at_outline + self.beside_region / 3;
        let is_within = (self.at_outline as f32) < WITHIN * self.beside_region as f32;
        let most = if is_within { MOST.0 } else { MOST.1 };
        begins_softly && (self.open as f32) <= OPEN.0 * rim as f32 && (self.places.len() as f32) < most * whole
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
        let found = Glossy { colors: &colors, product: &product, outline: &product }.with_reflections(&region);
        assert!(!region.at(25, 30) && found.at(25, 30), "the reflection");
        assert!(!found.at(55, 30) && !found.at(5, 5), "the steel and the ground");
    }

    #[test]
    fn the_lit_shoulder_of_a_coarse_fabric_is_of_it_and_a_picture_on_it_is_not() {
        let grey = |l: f32| Oklab { l, a: 0.0, b: 0.0 };
        let mut colors = Plane::filled(160, 160, grey(0.95));
        let mut product = Plane::filled(160, 160, false);
        for (x, y) in (10..150_usize).flat_map(|x| (10..150_usize).map(move |y| (x, y))) {
            let thread = if (x + y) % 2 == 0 { 0.03 } else { -0.03 };
            let shoulder = 0.2 + 0.5 * (1.0 - y as f32 / 40.0).max(0.0);
            // A fifth of the fabric, and it begins as softly.
            let depth = (x.min(159 - x).saturating_sub(50)).min(y.min(219 - y).saturating_sub(80));
            let picture = 0.2 + 0.03 * depth.min(15) as f32;
            colors.data[y * 160 + x] = grey(shoulder.max(picture) + thread);
            product.data[y * 160 + x] = true;
        }
        let region = colors.zip(&product, |color, is_product| is_product && color.l < 0.32);
        let found = Glossy { colors: &colors, product: &product, outline: &product }.with_reflections(&region);
        assert!(!region.at(80, 14) && found.at(80, 14) && found.at(81, 14), "the shoulder");
        assert!(!found.at(80, 100), "the picture");
    }
}
