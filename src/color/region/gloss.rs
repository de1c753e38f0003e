use crate::color::filter::{box_blur, erode, neighbors};
use crate::color::{Oklab, Plane};

use super::outline::outside;

/// The largest step of OKLab lightness between neighboring pixels within a reflection; larger steps are edges.
const MAX_SOFT_STEP: f32 = 0.04;

/// The radius of the box blur of lightness, in pixels; it is applied twice.
const BLUR_RADIUS: usize = 1;

/// The largest chroma of a reflection without hue on a dark and neutral surface, in OKLab.
const MAX_HUELESS_CHROMA: f32 = 0.04;

/// The smallest share of a reflection's border with the surface along which it begins softly.
const MIN_SOFT_SHARE: f32 = 0.3;

/// The largest share of the known surface that a reflection inside it covers. Screens and pictures on a product cover
/// more.
const MAX_INNER_SHARE: f32 = 0.15;

/// The largest share that any other reflection covers.
const MAX_OUTER_SHARE: f32 = 0.31;

/// The share of the border on the product's outline below which a reflection lies inside the product.
const MAX_INNER_OUTLINE_SHARE: f32 = 0.01;

/// The largest share of a reflection's border that may be open. With more, the part is ground inside the outline.
const MAX_OPEN_SHARE: f32 = 0.25;

/// The largest difference in OKLab lightness between a pixel at an open border and the pixels beyond it.
const MAX_OPEN_STEP: f32 = 0.05;

/// A dark and neutral product, of which one part is known.
pub(super) struct Glossy<'p> {
    pub(super) colors: &'p Plane<Oklab>,
    /// The pixels that may belong to the product.
    pub(super) product: &'p Plane<bool>,
    /// The area inside the outline. Pixels beyond it are certainly ground.
    pub(super) outline: &'p Plane<bool>,
}

impl Glossy<'_> {
    /// Returns `region` with its reflections. A reflection is as light as the object that it shows, but begins softly.
    /// A part of another material, such as a steel lid, begins with an edge.
    pub(super) fn with_reflections(&self, region: &Plane<bool>) -> Plane<bool> {
        let whole = region.count() as f32;
        let light = self.light();
        let mut found = region.clone();
        let mut is_seen = region.zip(self.colors, |is_set, color| is_set || color.chroma() >= MAX_HUELESS_CHROMA);
        for (is_seen, is_product) in is_seen.data.iter_mut().zip(&self.product.data) {
            *is_seen |= !is_product;
        }
        for start in 0..region.data.len() {
            if !is_seen.data[start] {
                let part = self.part(start, region, &light, &mut is_seen);
                if part.is_reflection(whole) {
                    part.indices.iter().for_each(|index| found.data[*index] = true);
                }
            }
        }
        found
    }

    /// Returns the lightness of the product without its texture, which would look like edges. Near the outline, the
    /// lightness is unchanged.
    fn light(&self) -> Plane<f32> {
        let light = self.colors.map(|color| color.l);
        let mut smooth = box_blur(&box_blur(&light, BLUR_RADIUS), BLUR_RADIUS);
        let within = erode(self.product, 2 * BLUR_RADIUS);
        for (index, smooth) in smooth.data.iter_mut().enumerate().filter(|(index, _)| !within.data[*index]) {
            *smooth = light.data[index];
        }
        smooth
    }

    /// Returns the part around a pixel, which consists of pixels that are not yet seen.
    fn part(&self, start: usize, region: &Plane<bool>, light: &Plane<f32>, is_seen: &mut Plane<bool>) -> Part {
        let mut part = Part::default();
        let mut next = 0;
        is_seen.data[start] = true;
        part.indices.push(start);
        while let Some(index) = part.indices.get(next).copied() {
            next += 1;
            for neighbor in neighbors(index, region.width, region.height) {
                let is_soft = (light.data[neighbor] - light.data[index]).abs() < MAX_SOFT_STEP;
                if region.data[neighbor] {
                    part.beside_region += 1;
                    part.soft += usize::from(is_soft);
                } else if is_soft && !is_seen.data[neighbor] {
                    is_seen.data[neighbor] = true;
                    part.indices.push(neighbor);
                }
            }
            if let Some(beyond) = outside(index, self.colors, self.outline) {
                part.at_outline += 1;
                part.open += usize::from((beyond.l - self.colors.data[index].l).abs() < MAX_OPEN_STEP);
            }
        }
        part
    }
}

/// Pixels without an edge between them. Their surroundings are counted in pairs of touching pixels.
#[derive(Default)]
struct Part {
    indices: Vec<usize>,
    /// The number of pairs with the region, and the number of those pairs without an edge.
    beside_region: usize,
    soft: usize,
    /// The number of pixels at the outline, and the number of those that are as light as the pixels beyond.
    at_outline: usize,
    open: usize,
}

impl Part {
    fn is_reflection(&self, whole: f32) -> bool {
        let begins_softly = self.soft as f32 > MIN_SOFT_SHARE * self.beside_region as f32;
        let rim = self.at_outline + self.beside_region / 3;
        let is_within = (self.at_outline as f32) < MAX_INNER_OUTLINE_SHARE * self.beside_region as f32;
        let most = if is_within { MAX_INNER_SHARE } else { MAX_OUTER_SHARE };
        begins_softly && (self.open as f32) <= MAX_OPEN_SHARE * rim as f32 && (self.indices.len() as f32) < most * whole
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
            // The picture covers a fifth of the fabric and begins as softly.
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
