use std::ops::Range;

use crate::color::dominant_color::percentile;
use crate::color::filter::{Connected, components, dilate, larger, neighbors, open, smaller, spread};
use crate::color::{Oklab, Plane};

use super::background::ground_around;
use super::clusters::chroma_distance;

/// The largest OKLab lightness of a shadow as a share of that of the lit ground: three quarters of the light.
const MAX_SHADE: f32 = 0.91;

/// The largest OKLab lightness of a dark product. Paler ones have parts that look like shadows.
const MAX_DARK: f32 = 0.5;

/// The smallest share of an outline that is dark if a dark product is in it. With less, nothing is searched for.
const MIN_DARK_SHARE: f32 = 0.25;

/// The smallest amount by which a shadow is lighter than the product, in OKLab lightness.
const MIN_LIGHTER: f32 = 0.08;

/// The largest distance between the chroma over lightness of a shadow and that of the ground.
const MAX_HUE_DISTANCE: f32 = 0.04;

/// The largest standard deviation of the shade within a shadow. Products are shaded more.
const MAX_UNEVENNESS: f32 = 0.07;

/// The largest difference of OKLab lightness among the pixels around one within a shadow.
const MAX_STEP: f32 = 0.05;

/// The smallest share of ground in a pixel's surroundings at which its color is used.
const MIN_GROUND_SHARE: f32 = 0.01;

/// The smallest number of pixels in a shadow.
const MIN_PIXELS: usize = 80;

/// The largest size of a shadow, relative to the product with it.
const MAX_SIZE: f32 = 0.6;

/// The smallest share of a shadow's border that is ground.
const MIN_GROUND_BORDER: f32 = 0.5;

/// The distance at which a pixel borders on the ground: the rim of a shadow is a mixture.
const RIM: usize = 3;

/// The smallest share of a shadow that lies to the left or the right of the rest. Parts of a product mostly lie above
/// or below each other.
const MIN_BESIDE: f32 = 0.5;

/// Half the width below which parts such as legs and skirtings do not count as the rest, in pixels.
const MIN_REST_RADIUS: usize = 6;

/// Returns the dark product without the shadow that hard light casts on the ground beside it, if the outline includes
/// that shadow. Such a shadow ends with an edge, like a product.
///
/// It has the ground's hue and is evenly darker than the ground, but lighter than most of the product. It lies lower than
/// the rest of the product and reaches beyond it to one side. Other products stay, because a gray or white one has parts
/// and shaded sides with all these properties.
pub(super) fn without_hard_shadow(product: &Plane<bool>, colors: &Plane<Oklab>) -> Plane<bool> {
    let is_dark = |(color, is_product): (&Oklab, &bool)| *is_product && color.l < MAX_DARK;
    let dark = colors.data.iter().zip(&product.data).filter(|pair| is_dark(*pair)).count();
    if (dark as f32) < MIN_DARK_SHARE * product.count() as f32 {
        return product.clone();
    }
    let shades = shades(product, colors);
    let is_shade = shades.map(|shade| shade.is_some_and(|shade| shade < MAX_SHADE));
    if is_shade.count() < MIN_PIXELS {
        return product.clone();
    }
    let light = colors.map(|color| color.l);
    let steps = spread(&light, 1, larger).zip(&spread(&light, 1, smaller), |most, least| most - least);
    let even = open(&is_shade.zip(&steps, |is_shade, step| is_shade && step < MAX_STEP), 1);
    let (labels, parts) = parts(&even, &shades, product, colors);
    let whole = product.count() as f32;
    let may_be_shadow: Vec<bool> = parts.iter().map(|part| part.may_be_shadow(whole)).collect();
    if !may_be_shadow.contains(&true) {
        return product.clone();
    }
    let candidates = labels.map(|label| may_be_shadow[label as usize]);
    // Ground inside the outline is no part of the rest.
    let is_lit_ground = shades.map(|shade| shade.is_some_and(|shade| shade >= MAX_SHADE));
    let others = dilate(&candidates, 2).zip(&is_lit_ground, |is_candidate, is_ground| is_candidate || is_ground);
    let rest = open(&product.zip(&others, |is_product, is_other| is_product && !is_other), MIN_REST_RADIUS);
    let mut lights: Vec<f32> =
        light.data.iter().zip(&rest.data).filter(|(_, is_set)| **is_set).map(|(light, _)| *light).collect();
    let (Some(rest), Some(body)) = (Extent::of(&rest), percentile(&mut lights, 0.5)) else { return product.clone() };
    if body > MAX_DARK {
        return product.clone();
    }
    let mut beside = vec![0usize; parts.len()];
    for (index, label) in labels.data.iter().enumerate() {
        beside[*label as usize] += usize::from(!rest.columns.contains(&(index % product.width)));
    }
    let is_shadow = |part: usize| {
        let size = parts[part].size;
        may_be_shadow[part]
            && parts[part].lightness > (body + MIN_LIGHTER) * size
            && beside[part] as f32 > MIN_BESIDE * size
            && parts[part].rows / size > rest.row
    };
    let shadow = labels.map(|label| is_shadow(label as usize));
    // Pixels at its edges are mixtures.
    let rim = dilate(&shadow, 2).zip(&is_shade, |is_near, is_shade| is_near && is_shade);
    let shadow = rim.zip(&dilate(&shadow, 1), |is_rim, is_near| is_rim || is_near);
    product.zip(&shadow, |is_product, is_shadow| is_product && !is_shadow)
}

/// Returns the lightness relative to the ground of each pixel of the product that has the ground's hue.
fn shades(product: &Plane<bool>, colors: &Plane<Oklab>) -> Plane<Option<f32>> {
    let ground = ground_around(product, colors);
    let mut shades = product.map(|_| None);
    for (index, shade) in shades.data.iter_mut().enumerate().filter(|(index, _)| product.data[*index]) {
        let (own, ground) = (colors.data[index], ground.at(index));
        let is_of_ground = ground.share > MIN_GROUND_SHARE && chroma_distance(own, ground.color) < MAX_HUE_DISTANCE;
        *shade = is_of_ground.then(|| own.l / ground.color.l.max(1e-3));
    }
    shades
}

/// Returns the connected parts of the `even` pixels, and the properties of each.
fn parts(
    even: &Plane<bool>,
    shades: &Plane<Option<f32>>,
    product: &Plane<bool>,
    colors: &Plane<Oklab>,
) -> (Plane<u32>, Vec<Part>) {
    let (labels, sizes) = components(even, Connected::Sides);
    let near_ground = dilate(&product.map(|is_product| !is_product), RIM);
    let mut parts = vec![Part::default(); sizes.len()];
    for (index, label) in labels.data.iter().enumerate().filter(|(_, label)| **label != 0) {
        let (part, shade) = (&mut parts[*label as usize], shades.data[index].unwrap_or_default());
        part.size += 1.0;
        part.lightness += colors.data[index].l;
        part.shade += shade;
        part.square += shade * shade;
        part.rows += (index / labels.width) as f32;
        if neighbors(index, labels.width, labels.height).any(|neighbor| labels.data[neighbor] != *label) {
            part.rim += 1;
            part.at_ground += usize::from(near_ground.data[index]);
        }
    }
    (labels, parts)
}

/// The properties of a part that may be a shadow.
#[derive(Clone, Copy, Default)]
struct Part {
    /// The number of its pixels, and the sums of their shade, of its square, and of their rows.
    size: f32,
    lightness: f32,
    shade: f32,
    square: f32,
    rows: f32,
    /// The number of pixels at its border, and the number of those next to the ground.
    rim: usize,
    at_ground: usize,
}

impl Part {
    fn may_be_shadow(&self, whole: f32) -> bool {
        let variance = self.square / self.size - (self.shade / self.size).powi(2);
        self.size >= MIN_PIXELS as f32
            && self.size < MAX_SIZE * whole
            && variance < MAX_UNEVENNESS * MAX_UNEVENNESS
            && self.at_ground as f32 > MIN_GROUND_BORDER * self.rim as f32
    }
}

/// The position of a mask: its columns, and its mean row.
struct Extent {
    columns: Range<usize>,
    row: f32,
}

impl Extent {
    /// Returns `None` if no pixel is set.
    fn of(mask: &Plane<bool>) -> Option<Extent> {
        let (mut first, mut end, mut rows, mut count) = (usize::MAX, 0, 0, 0);
        for index in (0..mask.data.len()).filter(|index| mask.data[*index]) {
            let (x, y) = (index % mask.width, index / mask.width);
            (first, end) = (first.min(x), end.max(x + 1));
            rows += y;
            count += 1;
        }
        (count > 0).then(|| Extent { columns: first..end, row: rows as f32 / count as f32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 160;
    const GROUND: Oklab = Oklab { l: 0.8, a: 0.01, b: 0.04 };
    const BLACK: Oklab = Oklab { l: 0.2, a: 0.0, b: 0.0 };

    /// Returns what is left of a black box and a part of it.
    fn left(rows: Range<usize>, part: impl Fn(usize) -> Oklab) -> Plane<bool> {
        left_of(BLACK, rows, part)
    }

    /// Returns what is left of a box of the color `body` on a warm ground, and of a part with a sharp outline to its
    /// right, whose color depends on the column.
    fn left_of(body: Oklab, rows: Range<usize>, part: impl Fn(usize) -> Oklab) -> Plane<bool> {
        let mut colors = Plane::filled(SIDE, SIDE, GROUND);
        let mut product = Plane::filled(SIDE, SIDE, false);
        for (x, y) in (0..SIDE).flat_map(|x| (0..SIDE).map(move |y| (x, y))) {
            let is_box = (30..80).contains(&x) && (20..120).contains(&y);
            let is_part = (80..140).contains(&x) && rows.contains(&y);
            if is_box || is_part {
                colors.data[y * SIDE + x] = if is_box { body } else { part(x) };
                product.data[y * SIDE + x] = true;
            }
        }
        without_hard_shadow(&product, &colors)
    }

    fn shade(share: f32) -> Oklab {
        Oklab { l: share * GROUND.l, a: share * GROUND.a, b: share * GROUND.b }
    }

    #[test]
    fn a_shadow_with_an_edge_beside_something_black_goes() {
        let left = left(90..118, |_| shade(0.65));
        assert!(left.at(50, 60) && left.at(78, 100), "the box");
        assert!(!left.at(82, 100) && !left.at(110, 100) && !left.at(139, 117), "its shadow");
    }

    #[test]
    fn a_pale_product_has_shaded_sides_and_loses_none() {
        let left = left_of(Oklab { l: 0.95, a: 0.0, b: 0.0 }, 90..118, |_| shade(0.65));
        assert!(left.at(110, 100));
    }

    #[test]
    fn a_part_beside_the_product_stays_if_it_has_its_own_hue_or_shades_or_lies_higher() {
        assert!(left(90..118, |_| Oklab { l: 0.5, a: 0.0, b: -0.05 }).at(110, 100), "a blue part");
        assert!(left(90..118, |x| shade(0.4 + 0.5 * (x - 80) as f32 / 60.0)).at(110, 100), "a rounded part");
        assert!(left(22..50, |_| shade(0.65)).at(110, 36), "a part at the top");
    }
}
