use crate::color::filter::erode;
use crate::color::{Oklab, Plane};

use super::background::{Ground, ground_around};
use super::clusters::{Clusters, chroma_distance};

/// How far apart hues must be to be told apart for certain, in OKLab.
const APART: f32 = 0.004;

/// How much one pixel counts at most.
const MOST: f32 = 4.0;

/// Below this, a pixel tells nothing.
const LEAST: f32 = 0.01;

/// How much a pixel of outline costs where there is no edge.
const OUTLINE: f32 = 4.0;

/// The gradient at which an outline costs little.
const EDGE: f32 = 0.02;

/// Beyond this saturation, a product is told from its background by its edges alone; so it is below this lightness.
const PALE: f32 = 0.06;
const LIGHT: f32 = 0.6;

/// What is darker than the background by this is not washed out.
const SHADE: f32 = 0.10;

/// What is lighter than the background by this is none of it.
const LIGHTER: f32 = 0.03;

/// A basin of the gradient.
#[derive(Clone, Default)]
struct Basin {
    area: f32,
    sum: [f32; 3],
    covered: f32,
    middle: [f32; 2],
    is_border: bool,
    edges: Vec<(u32, f32, f32)>,
}

/// Whether most of a product is so pale that its outline may be wrong, and there is enough of it to tell.
pub(super) fn is_washed_out(mask: &Plane<bool>, colors: &Plane<Oklab>) -> bool {
    let core = erode(mask, 2);
    let count = core.count();
    let is_pale = |color: Oklab| color.saturation() < PALE && color.l > LIGHT;
    let pale = colors.data.iter().zip(&core.data).filter(|(color, is_set)| **is_set && is_pale(**color)).count();
    count >= 200 && pale * 2 >= count
}

/// Moves the outline of a pale product to where its hue ends: what the light has washed out differs from the
/// background in chroma alone, too little to make an edge that holds.
///
/// Each basin of the gradient is held against the product's colors and the background's, and against what its
/// neighbors are, until none of them changes sides (iterated conditional modes).
pub(super) fn settled(
    mask: &Plane<bool>,
    colors: &Plane<Oklab>,
    labels: &Plane<u32>,
    gradient: &Plane<f32>,
) -> Plane<bool> {
    let core = erode(mask, 2);
    let product = Clusters::find(colors, &core);
    let ground = ground_around(mask, colors);
    let basins = basins(mask, colors, labels, gradient);
    // How much speaks for the product; infinite where the side is settled.
    let own: Vec<f32> = basins
        .iter()
        .map(|basin| {
            let color = basin.color();
            let Ground { color: behind, share } = ground.at(basin.middle[0] as usize, basin.middle[1] as usize);
            // What frames the picture is background, and where two hues are the same nothing is known.
            if basin.is_border || share < 1e-3 {
                return f32::INFINITY;
            }
            let is_product = basin.covered * 2.0 > basin.area;
            // A shadow may have any hue, and is never washed out; no light makes the ground lighter beside a product.
            let is_other = if is_product { color.l > behind.l + LIGHTER } else { color.l < behind.l - SHADE };
            if color.saturation() > PALE || is_other {
                return f32::INFINITY;
            }
            let off_ground = chroma_distance(color, behind).powi(2) / APART.powi(2);
            let off_product = product.nearest_hue(color, 0.04).powi(2) / APART.powi(2);
            let evidence = off_ground - off_product;
            if evidence.abs() < LEAST { f32::INFINITY } else { evidence.clamp(-MOST, MOST) * basin.area }
        })
        .collect();
    let first: Vec<bool> = basins.iter().map(|basin| basin.covered * 2.0 > basin.area).collect();
    let mut is_product = first.clone();
    for _round in 0..30 {
        let mut has_changed = false;
        for index in 0..basins.len() {
            let pull: f32 = basins[index]
                .edges
                .iter()
                .map(|(other, strength, length)| {
                    let weight = OUTLINE * length * (-strength / length / EDGE).exp();
                    if is_product[*other as usize] { weight } else { -weight }
                })
                .sum();
            let is_beside =
                basins[index].edges.iter().any(|(other, ..)| is_product[*other as usize] != is_product[index]);
            let wanted = own[index] + pull > 0.0;
            if own[index].is_finite() && is_beside && wanted != is_product[index] {
                is_product[index] = wanted;
                has_changed = true;
            }
        }
        if !has_changed {
            break;
        }
    }
    labels.zip(mask, |label, is_set| {
        let label = label as usize;
        if is_product[label] == first[label] { is_set } else { is_product[label] }
    })
}

impl Basin {
    fn color(&self) -> Oklab {
        let [l, a, b] = self.sum.map(|sum| sum / self.area.max(1.0));
        Oklab { l, a, b }
    }
}

fn basins(mask: &Plane<bool>, colors: &Plane<Oklab>, labels: &Plane<u32>, gradient: &Plane<f32>) -> Vec<Basin> {
    let count = labels.data.iter().copied().max().map_or(0, |last| last as usize + 1);
    let mut basins = vec![Basin::default(); count];
    for (place, label) in labels.data.iter().enumerate() {
        let basin = &mut basins[*label as usize];
        let color = colors.data[place];
        basin.area += 1.0;
        basin.covered += f32::from(u8::from(mask.data[place]));
        for (sum, value) in basin.sum.iter_mut().zip([color.l, color.a, color.b]) {
            *sum += value;
        }
        basin.middle[0] += (place % labels.width) as f32;
        basin.middle[1] += (place / labels.width) as f32;
    }
    for (x, y) in labels.ring(1) {
        basins[labels.at(x, y) as usize].is_border = true;
    }
    for basin in &mut basins {
        basin.middle = basin.middle.map(|sum| sum / basin.area.max(1.0));
    }
    let mut meet = |one: usize, other: usize| {
        let (from, to) = (labels.data[one], labels.data[other]);
        if from == to {
            return;
        }
        let strength = gradient.data[one].max(gradient.data[other]);
        for (from, to) in [(from, to), (to, from)] {
            let edges = &mut basins[from as usize].edges;
            match edges.iter_mut().find(|(other, ..)| *other == to) {
                Some((_, sum, length)) => {
                    *sum += strength;
                    *length += 1.0;
                }
                None => edges.push((to, strength, 1.0)),
            }
        }
    };
    for place in 0..labels.data.len() {
        if (place + 1) % labels.width != 0 {
            meet(place, place + 1);
        }
        if place + labels.width < labels.data.len() {
            meet(place, place + labels.width);
        }
    }
    basins
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the burnt-out rim of a cream product stays with it on a grey ground that is darker than the rim by `step`.
    fn is_rim_left(step: f32) -> bool {
        let ground = Oklab { l: 1.0 - step, a: 0.0, b: 0.0 };
        let mut colors = Plane::filled(120, 120, ground);
        let mut mask = Plane::filled(120, 120, false);
        let mut labels = Plane::filled(120, 120, 0);
        for (x, y) in (30..90).flat_map(|x| (30..90).map(move |y| (x, y))) {
            let is_rim = x >= 86;
            colors.data[y * 120 + x] =
                Oklab { l: if is_rim { 1.0 } else { 0.9 }, a: 0.0, b: if is_rim { 0.0 } else { 0.02 } };
            labels.data[y * 120 + x] = if is_rim { 2 } else { 1 };
            mask.data[y * 120 + x] = true;
        }
        settled(&mask, &colors, &labels, &colors.map(|_| 0.1)).at(88, 60)
    }

    #[test]
    fn a_burnt_out_rim_stays_with_its_product_where_it_is_lighter_than_the_ground() {
        assert!(is_rim_left(0.1));
        assert!(!is_rim_left(0.0), "what looks like the ground is the ground");
    }
}
