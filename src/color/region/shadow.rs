use crate::color::filter::{Connected, components, dilate, flooded, larger, neighbors, smaller, spread};
use crate::color::{Oklab, Plane};

use super::background::{GroundAround, ground_around};
use super::clusters::chroma_distance;
use super::edges::weighted_gradient;

/// The radius within which the change of lightness is measured, in pixels.
const CONTRAST_RADIUS: usize = 4;

/// The smallest share of a step in the change around it at which the step is an edge. An outline is two or three pixels
/// wide; the rim of a shadow is wider than the radius.
const MIN_EDGE_SHARE: f32 = 0.26;

/// The smallest change of OKLab lightness around an edge.
const MIN_EDGE_CONTRAST: f32 = 0.08;

/// The smallest amount by which a shadow must be lighter than the product to be distinguished from it, in OKLab
/// lightness.
const MIN_ABOVE_PRODUCT: f32 = 0.06;

/// The largest amount by which a shadow is lighter than the ground, in OKLab lightness.
const MAX_ABOVE_GROUND: f32 = 0.02;

/// The largest distance between the chroma over lightness of a shadow and that of the ground.
const MAX_HUE_DISTANCE: f32 = 0.06;

/// The smallest share of ground in a pixel's surroundings at which its color is used.
const MIN_GROUND_SHARE: f32 = 0.01;

/// The smallest share of a shadow's border with the ground that has no edge.
const MIN_SOFT_SHARE: f32 = 0.93;

/// The smallest length of a shadow's border with the ground, as a multiple of the square root of its area. Leaks
/// through gaps in the product's outline have a shorter border.
const MIN_BORDER_RATIO: usize = 3;

/// Returns the dark product without the shadow that it casts, if the outline includes that shadow.
///
/// A shadow has the ground's hue and blends into the ground without an edge. The product ends with an edge. `body` is
/// the color of the product, if it is known. Darker pixels may be product or shadow, and remain unless they are
/// surrounded by shadow.
pub(super) fn without_soft_shadow(product: &Plane<bool>, colors: &Plane<Oklab>, body: Option<Oklab>) -> Plane<bool> {
    let ground = ground_around(product, colors);
    let is_shade = |index: usize| body.is_none_or(|body| colors.data[index].l > body.l + MIN_ABOVE_PRODUCT);
    let edges = edges(colors);
    let cut = cut_by_border(product, is_shade);
    let entered = entered(product, colors, &edges, &ground, &cut, is_shade);
    let (parts, mut is_shadow) = soft_parts(&entered, product, colors, &edges, &ground);
    cut.into_iter().for_each(|index| is_shadow[parts.data[index] as usize] = entered.data[index]);
    let mut shadow = dilate(&parts.map(|part| is_shadow[part as usize]), 1);
    for (index, is_shadow) in shadow.data.iter_mut().enumerate() {
        // Pixels at the product's edge are mixtures. Those that show less of the product than of the shadow are removed
        // as well.
        *is_shadow &= product.data[index] && is_shade(index);
    }
    without_middles(&product.zip(&shadow, |is_product, is_shadow| is_product && !is_shadow), &shadow)
}

/// Returns `shades` of a pale product without those that are shadow on the ground: they have a long border with the
/// ground, and no edge there.
pub(super) fn without_soft_parts(shades: &Plane<bool>, product: &Plane<bool>, colors: &Plane<Oklab>) -> Plane<bool> {
    let (parts, is_shadow) = soft_parts(shades, product, colors, &edges(colors), &ground_around(product, colors));
    parts.map(|part| part != 0 && !is_shadow[part as usize])
}

/// Returns the connected parts of `shades`, and whether each of them is a shadow.
fn soft_parts(
    shades: &Plane<bool>,
    product: &Plane<bool>,
    colors: &Plane<Oklab>,
    edges: &Plane<bool>,
    ground: &GroundAround,
) -> (Plane<u32>, Vec<bool>) {
    let (parts, sizes) = components(shades, Connected::Sides);
    let (mut rims, mut soft) = (vec![0usize; sizes.len()], vec![0usize; sizes.len()]);
    let mut darker = vec![0.0; sizes.len()];
    for index in (0..shades.data.len()).filter(|index| shades.data[*index]) {
        let part = parts.data[index] as usize;
        darker[part] += ground.at(index).color.l - colors.data[index].l;
        for neighbor in neighbors(index, product.width, product.height).filter(|neighbor| !product.data[*neighbor]) {
            rims[part] += 1;
            soft[part] += usize::from(!edges.data[neighbor]);
        }
    }
    let is_shadow = |part: usize| {
        let is_soft = soft[part] as f32 >= MIN_SOFT_SHARE * rims[part] as f32;
        // If a part is hardly darker than the ground, its outline has no edge even if it is a pale product.
        let is_darker = darker[part] > MIN_EDGE_CONTRAST * sizes[part] as f32;
        part != 0 && is_soft && is_darker && rims[part].pow(2) > MIN_BORDER_RATIO.pow(2) * sizes[part]
    };
    let is_shadow = (0..sizes.len()).map(is_shadow).collect();
    (parts, is_shadow)
}

/// Returns the pixels at which lightness changes in a step, and not softly.
fn edges(colors: &Plane<Oklab>) -> Plane<bool> {
    let light = colors.map(|color| color.l);
    let (most, least) = (spread(&light, CONTRAST_RADIUS, larger), spread(&light, CONTRAST_RADIUS, smaller));
    let changes = most.zip(&least, |most, least| most - least);
    let steps = weighted_gradient(&light.map(|light| [light]), [1.0]);
    changes.zip(&steps, |change, step| change > MIN_EDGE_CONTRAST && step > MIN_EDGE_SHARE * change)
}

/// Returns the pixels of the product at the picture's border, if all of them may be shadow and none is as dark as the
/// product; otherwise none. In hard light, a shadow has an edge and may be long.
fn cut_by_border(product: &Plane<bool>, is_shade: impl Fn(usize) -> bool) -> Vec<usize> {
    let indices = product.ring(1).map(|(x, y)| y * product.width + x);
    let cut: Vec<usize> = indices.filter(|index| product.data[*index]).collect();
    if cut.iter().all(|index| is_shade(*index)) { cut } else { Vec::new() }
}

/// Returns the pixels of the product that may be shadow: those reachable from the background, or from pixels `cut` by
/// the picture's border, without crossing an edge.
fn entered(
    product: &Plane<bool>,
    colors: &Plane<Oklab>,
    edges: &Plane<bool>,
    ground: &GroundAround,
    cut: &[usize],
    is_shade: impl Fn(usize) -> bool,
) -> Plane<bool> {
    let is_grounds = |index: usize| {
        let (own, ground) = (colors.data[index], ground.at(index));
        ground.share > MIN_GROUND_SHARE
            && own.l < ground.color.l + MAX_ABOVE_GROUND
            && chroma_distance(own, ground.color) < MAX_HUE_DISTANCE
    };
    let mut beyond = product.map(|is_product| !is_product);
    cut.iter().filter(|index| is_grounds(**index)).for_each(|index| beyond.data[*index] = true);
    let reached = flooded(&beyond, |_, neighbor| !edges.data[neighbor] && is_shade(neighbor) && is_grounds(neighbor));
    reached.zip(product, |is_reached, is_product| is_reached && is_product)
}

/// Removes the middle of a shadow, which may be as dark as the product. Most of its surroundings are shadow.
fn without_middles(product: &Plane<bool>, shadow: &Plane<bool>) -> Plane<bool> {
    let (parts, sizes) = components(product, Connected::Sides);
    let (mut rims, mut within) = (vec![0usize; sizes.len()], vec![0usize; sizes.len()]);
    for index in (0..product.data.len()).filter(|index| product.data[*index]) {
        let part = parts.data[index] as usize;
        for neighbor in neighbors(index, product.width, product.height).filter(|neighbor| !product.data[*neighbor]) {
            rims[part] += 1;
            within[part] += usize::from(shadow.data[neighbor]);
        }
    }
    let whole = product.count();
    let is_middle = |part: usize| 2 * within[part] > rims[part] && 2 * sizes[part] <= whole;
    parts.map(|part| part != 0 && !is_middle(part as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUND: Oklab = Oklab { l: 0.9, a: 0.0, b: 0.0 };
    const BLACK: Oklab = Oklab { l: 0.2, a: 0.0, b: 0.0 };

    /// Returns the remaining mask of a black box on a light ground over a round shadow, with an outline that includes
    /// the shadow. `middle` is the lightness of the shadow's middle. `rim` is the number of pixels over which it blends
    /// into the ground.
    fn left(middle: f32, rim: f32) -> Plane<bool> {
        let mut colors = Plane::filled(120, 120, GROUND);
        let mut product = Plane::filled(120, 120, false);
        for index in 0..120 * 120 {
            let (x, y) = ((index % 120) as f32, (index / 120) as f32);
            let depth = ((30.0 - (x - 60.0).hypot((y - 80.0) * 2.0)) / rim).clamp(0.0, 1.0);
            let is_box = (40.0..80.0).contains(&x) && (20.0..70.0).contains(&y);
            let shade = GROUND.l + depth * (middle - GROUND.l);
            colors.data[index] = if is_box { BLACK } else { Oklab { l: shade, ..GROUND } };
            product.data[index] = is_box || shade < GROUND.l - 0.1;
        }
        without_soft_shadow(&product, &colors, Some(BLACK))
    }

    #[test]
    fn a_shadow_below_something_black_goes_with_its_dark_middle() {
        for middle in [0.5, 0.15] {
            let left = left(middle, 24.0);
            assert!(left.at(60, 40) && left.at(41, 69), "the box");
            assert!(!left.at(60, 80) && !left.at(45, 82), "the shadow that is {middle} in its middle");
        }
    }

    #[test]
    fn a_shadow_in_hard_light_goes_where_it_leaves_the_picture_and_a_product_that_does_stays() {
        let left = |product_end: usize| {
            let mut colors = Plane::filled(120, 120, GROUND);
            let mut product = Plane::filled(120, 120, false);
            for (x, y) in (0..120).flat_map(|x| (20..70).map(move |y| (x, y))) {
                let color = match (x, y) {
                    (40.., ..) if x < product_end => Some(BLACK),
                    (80.., 50..) => Some(Oklab { l: 0.55, ..GROUND }),
                    _ => None,
                };
                product.data[y * 120 + x] = color.is_some();
                colors.data[y * 120 + x] = color.unwrap_or(GROUND);
            }
            without_soft_shadow(&product, &colors, Some(BLACK))
        };
        let with_shadow = left(80);
        assert!(with_shadow.at(60, 40) && with_shadow.at(60, 60), "the box");
        assert!(!with_shadow.at(100, 60) && !with_shadow.at(119, 60), "its shadow");
        assert!(left(120).at(119, 40), "a box that is cut by the border");
    }

    #[test]
    fn a_soft_part_that_is_hardly_darker_than_the_ground_may_be_the_product() {
        let is_left = |darker: f32| {
            let mut colors = Plane::filled(120, 120, GROUND);
            let mut product = Plane::filled(120, 120, false);
            for (x, y) in (20..100).flat_map(|x| (20..100).map(move |y| (x, y))) {
                let depth = (x.min(119 - x).min(y).min(119 - y) - 20).min(12) as f32 / 12.0;
                colors.data[y * 120 + x].l -= darker * depth;
                product.data[y * 120 + x] = true;
            }
            without_soft_shadow(&product, &colors, None).at(60, 60)
        };
        assert!(is_left(0.07), "a pale product without an edge");
        assert!(!is_left(0.3), "a shadow");
    }

    #[test]
    fn what_ends_with_an_edge_is_a_part_of_the_product_and_no_shadow() {
        let left = left(0.5, 1.0);
        assert!(left.at(60, 40) && left.at(60, 82));
    }
}
