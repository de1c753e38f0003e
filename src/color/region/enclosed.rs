use crate::color::dominant_color::percentile;
use crate::color::filter::{Connected, components, dilate, erode, flooded, larger, open, smaller, spread};
use crate::color::{Oklab, Plane};

use super::background::ground_around;
use super::outline::{PRODUCT_AREA, outline, without_specks};

/// The dilations of edges, in pixels, that close gaps in an outline; a gap is twice as wide.
const GAP_RADII: [usize; 2] = [1, 2];

/// The strength of the weakest edges tried, as a multiple of the picture's median.
const MIN_STRENGTH: f32 = 1.8;

/// The factor between one strength and the next.
const STRENGTH_STEP: f32 = 1.25;

/// The number of strengths tried.
const STRENGTHS: i32 = 8;

/// The radius, in pixels, that separates sharp from soft changes. Changes wider than twice this are shading or shadows
/// and not sharp edges.
const SOFT_RADIUS: usize = 4;

/// The smallest median, for pictures without noise: a step of 8 bits is not an edge.
const MIN_MEDIAN: f32 = 0.0009;

/// The strength of an edge that is certainly not noise, as a multiple of the picture's median.
const MIN_CERTAIN_STRENGTH: f32 = 4.0;

/// The weight of the share of an outline on certain edges, against the logarithm of enclosed pixels per pixel of
/// outline.
const EDGE_WEIGHT: f32 = 2.0;

/// The weight of the share of the picture's border that a mask touches, against the same logarithm.
const BORDER_WEIGHT: f32 = 6.0;

/// The share of the found mask that must be enclosed.
const MIN_COMMON_SHARE: f32 = 0.85;

/// The area that is added, relative to the found mask. Less is not worth the change; more is another object or ground.
const ADDED_SHARE: std::ops::Range<f32> = 0.15..3.0;

/// The smallest share of the added outline on certain edges.
const MIN_EDGE_SHARE: f32 = 0.93;

/// The largest share of the picture's border that the product may touch; ground would touch more.
const MAX_BORDER_SHARE: f32 = 0.02;

/// The smallest median lightness, in OKLab, of the found part of a white product.
const MIN_FOUND_LIGHTNESS: f32 = 0.65;

/// The smallest median lightness, in OKLab, of the part added to it.
const MIN_ADDED_LIGHTNESS: f32 = 0.8;

/// The largest median saturation of the found part of a white product.
const MAX_SATURATION: f32 = 0.04;

/// The largest amount by which added pixels may be darker than the ground, in OKLab lightness. Darker pixels are
/// shadow.
const MAX_SHADOW_DARKER: f32 = 0.05;

/// Returns a white product as its edges enclose it; `None` if that adds little to the `found` mask, or is not certain.
///
/// On a pale ground, the lit side of a white product may have the color of the ground. But the ground changes slowly,
/// and the product ends sharply. The product is the area that cannot be reached from the picture's border without
/// crossing a sharp edge. The necessary sharpness differs between pictures. The best outline encloses a large area for
/// its length, and lies on edges.
pub(super) fn enclosed(found: &Plane<bool>, colors: &Plane<Oklab>, gradient: &Plane<f32>) -> Option<Plane<bool>> {
    let soft = spread(&spread(gradient, SOFT_RADIUS, smaller), SOFT_RADIUS, larger);
    let sharp = gradient.zip(&soft, |all, soft| all - soft);
    let median = percentile(&mut sharp.data.clone(), 0.5)?.max(MIN_MEDIAN);
    let is_edge = spread(&sharp, 2, larger).map(|step| step > MIN_CERTAIN_STRENGTH * median);
    let strengths = (0..STRENGTHS).map(|step| median * MIN_STRENGTH * STRENGTH_STEP.powi(step));
    let outlines = strengths.flat_map(|strength| GAP_RADII.map(|gap| (strength, gap)));
    let best = outlines
        .map(|(strength, gap)| within(&sharp.map(|step| step > strength), gap))
        .filter(|mask| mask.count_both(found) as f32 > MIN_COMMON_SHARE * found.count() as f32)
        .map(|mask| (score(&mask, &is_edge), mask))
        .max_by(|one, other| one.0.total_cmp(&other.0))?;
    let whole = without_shadow(&best.1, found, colors);
    let is_better = best.0 > score(found, &is_edge) && border_share(&whole) < MAX_BORDER_SHARE;
    (is_better && is_white_product(&whole, found, colors, &is_edge)).then_some(whole)
}

/// Returns the area that `edges` separate from the picture's border, without parts that are small relative to the
/// largest.
fn within(edges: &Plane<bool>, gap: usize) -> Plane<bool> {
    let (parts, sizes) = components(&dilate(edges, gap).map(|is_closed| !is_closed), Connected::Corners);
    let mut is_ground = vec![false; sizes.len()];
    parts.ring(1).for_each(|(x, y)| is_ground[parts.at(x, y) as usize] = true);
    let ground = parts.map(|part| part != 0 && is_ground[part as usize]);
    without_specks(&open(&dilate(&ground, gap).map(|is_ground| !is_ground), 2))
}

/// Removes pixels that were not `found` and are darker than the ground, from the outline inward. Such pixels differ
/// clearly from the ground. If they were the product, they would have been found.
fn without_shadow(mask: &Plane<bool>, found: &Plane<bool>, colors: &Plane<Oklab>) -> Plane<bool> {
    let ground = ground_around(mask, colors);
    let is_shadow =
        |index: usize| !found.data[index] && colors.data[index].l < ground.at(index).color.l - MAX_SHADOW_DARKER;
    let rim = erode(mask, 2).map(|is_inside| !is_inside);
    let reached = flooded(&rim, |_, neighbor| is_shadow(neighbor));
    let mut lit = mask.zip(&reached, |is_set, is_reached| is_set && !is_reached);
    for index in (0..lit.data.len()).filter(|index| rim.data[*index] && mask.data[*index]) {
        lit.data[index] = !is_shadow(index);
    }
    open(&lit, 1)
}

/// Returns the quality of an outline: the enclosed area relative to its length, its share on edges, and its share at
/// the border.
fn score(mask: &Plane<bool>, is_edge: &Plane<bool>) -> f32 {
    let count = mask.count() as f32;
    if !PRODUCT_AREA.contains(&(count / mask.data.len() as f32)) {
        return f32::NEG_INFINITY;
    }
    let outline = outline(mask);
    let length = outline.count().max(1) as f32;
    let on_edges = outline.count_both(is_edge) as f32 / length;
    (count / length).ln() + EDGE_WEIGHT * on_edges - BORDER_WEIGHT * border_share(mask)
}

/// Whether the pixels that are added to `found` are as white as a white product, and end as sharply.
fn is_white_product(whole: &Plane<bool>, found: &Plane<bool>, colors: &Plane<Oklab>, is_edge: &Plane<bool>) -> bool {
    let added = open(&whole.zip(found, |is_set, is_found| is_set && !is_found), 1);
    let share = added.count() as f32 / found.count().max(1) as f32;
    let outline = outline(whole).zip(&added, |is_outline, is_added| is_outline && is_added);
    let lightness = |mask: &Plane<bool>| median(mask, colors, |color| color.l);
    ADDED_SHARE.contains(&share)
        && outline.count_both(is_edge) as f32 > MIN_EDGE_SHARE * outline.count() as f32
        && lightness(found) > MIN_FOUND_LIGHTNESS
        && lightness(&added) > MIN_ADDED_LIGHTNESS
        && median(found, colors, Oklab::saturation) < MAX_SATURATION
}

/// Returns the median of `value` over the pixels of a mask.
fn median(mask: &Plane<bool>, colors: &Plane<Oklab>, value: impl Fn(Oklab) -> f32) -> f32 {
    let set = colors.data.iter().zip(&mask.data).filter(|(_, is_set)| **is_set);
    percentile(&mut set.map(|(color, _)| value(*color)).collect::<Vec<_>>(), 0.5).unwrap_or(0.0)
}

/// Returns the share of the picture's border that a mask touches, 0 to 1.
fn border_share(mask: &Plane<bool>) -> f32 {
    mask.ring_share(1, |x, y| mask.at(x, y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::filter::gaussian;
    use crate::color::region::edges::gradient;

    const SIDE: usize = 160;

    /// Returns the colors of a box on a ground that becomes darker toward the bottom, and the found mask. The left side
    /// of the box has the color of the ground except for a step of `edge`, in OKLab lightness. The right side is in
    /// shade; it is the part that was found.
    fn scene(edge: f32) -> (Plane<Oklab>, Plane<bool>) {
        let mut colors = Plane::filled(SIDE, SIDE, Oklab::default());
        let mut found = Plane::filled(SIDE, SIDE, false);
        for (index, color) in colors.data.iter_mut().enumerate() {
            let (x, y) = (index % SIDE, index / SIDE);
            let ground = 0.92 - 0.0004 * y as f32;
            let is_box = (40..130).contains(&x) && (30..120).contains(&y);
            found.data[index] = is_box && x >= 90;
            let l = match (is_box, x >= 90) {
                (true, true) => 0.80,
                (true, false) => ground + edge,
                _ => ground,
            };
            *color = Oklab { l, a: 0.0, b: 0.01 };
        }
        (colors, found)
    }

    fn steps(colors: &Plane<Oklab>) -> Plane<f32> {
        gradient(&gaussian(&colors.map(|color| [color.l, color.a, color.b]), 0.8), 2.5)
    }

    #[test]
    fn the_lit_side_of_a_pale_product_that_has_the_grounds_color_is_enclosed_by_its_edges() {
        let (colors, found) = scene(0.02);
        let whole = enclosed(&found, &colors, &steps(&colors)).unwrap();
        assert!(whole.at(60, 70) && whole.at(44, 34) && whole.at(110, 70), "the lit side and the other one");
        assert!(!whole.at(20, 70) && !whole.at(80, 140), "the ground");
    }

    #[test]
    fn soft_edges_and_steps_of_one_level_enclose_no_area() {
        let (colors, found) = scene(0.002);
        assert_eq!(enclosed(&found, &colors, &steps(&colors)), None);
    }

    #[test]
    fn a_product_that_was_found_whole_stays_as_it_was_found() {
        let (colors, _) = scene(0.02);
        let whole = Plane {
            width: SIDE,
            height: SIDE,
            data: (0..SIDE * SIDE)
                .map(|index| (40..130).contains(&(index % SIDE)) && (30..120).contains(&(index / SIDE)))
                .collect(),
        };
        assert_eq!(enclosed(&whole, &colors, &steps(&colors)), None);
    }

    #[test]
    fn a_shadow_beside_it_is_not_added() {
        let (mut colors, found) = scene(0.02);
        for (x, y) in (60..150).flat_map(|x| (120..126).map(move |y| (x, y))) {
            colors.data[y * SIDE + x].l -= 0.15;
        }
        let whole = enclosed(&found, &colors, &steps(&colors)).unwrap();
        assert!(whole.at(60, 70) && !whole.at(140, 123) && !whole.at(80, 124));
    }

    #[test]
    fn what_is_grey_or_goes_on_to_the_border_is_no_white_product() {
        let (colors, found) = scene(0.02);
        let grey = colors.map(|color| Oklab { l: color.l - 0.3, ..color });
        assert_eq!(enclosed(&found, &grey, &steps(&grey)), None);
        let mut bordering = colors.clone();
        for (x, y) in (0..40).flat_map(|x| (30..120).map(move |y| (x, y))) {
            bordering.data[y * SIDE + x].l += 0.02;
        }
        assert_eq!(enclosed(&found, &bordering, &steps(&bordering)), None);
    }
}
