use crate::color::filter::{Connected, components, dilate, gaussian, larger, open};
use crate::color::{Oklab, Plane, Rgb};

use super::background::Background;
use super::borders::borders;
use super::clusters::chroma_distance;
use super::cut::{UNCUTTABLE, minimum_cut};
use super::edges::{Edges, gradient, weighted_gradient};
use super::material::mean;
use super::mixture::{Mixture, Moments};
use super::outline::outline;
use super::watershed::watershed;

/// The weights of lightness and of chroma in a pixel's features, each relative to the ground. Shading changes lightness
/// more than chroma, and a white product differs from a white ground in chroma alone.
const WEIGHTS: Rgb = [230.0, 12_000.0, 6_000.0];

/// The smallest OKLab lightness by which chroma is divided; that of darker pixels is noise.
const MIN_LIGHTNESS: f32 = 0.15;

/// The standard deviation of the blur before features are compared, in pixels.
const NOISE_BLUR: f32 = 0.8;

/// The gradient of the features above which the exact strength of an edge makes no difference.
const CLEAR_EDGE: f32 = 20.0;

/// The largest number of cuts, each with the colors of the previous one.
const ROUNDS: usize = 5;

/// The cost of a pixel of outline where there is no edge.
const OUTLINE_COST: f32 = 50.0;

/// The largest difference between the costs of a pixel on the two sides.
const MAX_EVIDENCE: f32 = 8.0;

/// The largest distance of a product's chroma over lightness from the ground's at which color does not separate them.
const MAX_HUE_DISTANCE: f32 = 0.03;

/// The largest saturation of a ground whose shadows have about its hue.
const MAX_GROUND_SATURATION: f32 = 0.05;

/// The largest distance of an even ground from its surface, in OKLab, and the smallest share of the picture's border
/// that it has to fill.
const MAX_UNEVENNESS: f32 = 0.04;
const MIN_EVEN_SHARE: f32 = 0.85;

/// The smallest share of the region that has to remain, and the smallest share of the result that was found before. A
/// region that changes more than that was mistaken for something else.
const MIN_KEPT_SHARE: f32 = 0.6;
const MIN_KNOWN_SHARE: f32 = 0.4;

/// The largest share of the outline that may leave the picture's edges.
const MAX_EDGES_LOST: f32 = 0.1;

/// The gradient that is an edge, at least and as a multiple of the noise.
const MIN_EDGE_GRADIENT: f32 = 0.010;
const MIN_EDGE_NOISE_RATIO: f32 = 3.0;

/// The weight of chroma in that gradient.
const EDGE_CHROMA_WEIGHT: f32 = 2.5;

/// Returns a product of about the ground's hue with the pieces that were missed, and without the shadows that were taken
/// for a part of it. Other products stay, because their color separates them better, and so do products in front of
/// anything but an evenly lit ground.
///
/// The colors of the region and of the rest, relative to the light on the ground, are two mixtures of Gaussians. The
/// cheapest cut puts each basin of the gradient on the side that explains it better, and prefers short outlines on
/// edges. The mixtures of its sides lead to the next cut.
///
/// Source: C. Rother, V. Kolmogorov and A. Blake, GrabCut: interactive foreground extraction using iterated graph cuts
/// (2004). The nodes here are basins instead of pixels.
pub(crate) fn grab_cut(colors: &Plane<Oklab>, region: &Plane<bool>) -> Plane<bool> {
    let background = Background::fit(colors);
    if !is_hard_to_separate(colors, region, &background) {
        return region.clone();
    }
    let smooth = gaussian(&colors.map(|color| [color.l, color.a, color.b]), NOISE_BLUR);
    let evidence = evidence(&features(&smooth, &background), region);
    let found = supported(region, &evidence);
    let edges = Edges::new(&gradient(&smooth, EDGE_CHROMA_WEIGHT));
    let strength = MIN_EDGE_GRADIENT.max(MIN_EDGE_NOISE_RATIO * edges.noise);
    let on_edges = |mask: &Plane<bool>| edges.share(&outline(mask), strength);
    let both = found.zip(region, |is_found, was_found| is_found && was_found).count() as f32;
    let is_same_thing = both >= MIN_KEPT_SHARE * region.count() as f32
        && both >= MIN_KNOWN_SHARE * found.count() as f32
        && on_edges(&found) >= on_edges(region) - MAX_EDGES_LOST;
    if is_same_thing { found } else { region.clone() }
}

/// Whether the region has about the hue of an even and pale ground.
fn is_hard_to_separate(colors: &Plane<Oklab>, region: &Plane<bool>, background: &Background) -> bool {
    let ground = background.at(colors.width / 2, colors.height / 2);
    let is_near = mean(colors, region).is_some_and(|color| chroma_distance(color, ground) < MAX_HUE_DISTANCE);
    let is_even = |x: usize, y: usize| background.distance(x, y, colors.at(x, y)) < MAX_UNEVENNESS;
    is_near && ground.saturation() < MAX_GROUND_SATURATION && colors.ring_share(2, is_even) > MIN_EVEN_SHARE
}

/// The last cut, and why it was made.
struct Evidence {
    is_region: Plane<bool>,
    /// How much better the region explains each pixel than the rest does. Negative values are evidence for the rest.
    by_color: Plane<f32>,
}

fn evidence(features: &Plane<Rgb>, region: &Plane<bool>) -> Evidence {
    let gradient = weighted_gradient(features, [1.0; 3]);
    let (labels, count) = watershed(&gaussian(&gradient.map(|value| value.min(CLEAR_EDGE)), 0.6));
    let basins = basins(&labels, count, features, region);
    let links = links(&labels, count, features);
    let mut is_region: Vec<bool> = basins.iter().map(Basin::was_region).collect();
    let mut by_color = vec![0.0; count];
    let mut models: Option<[Mixture; 2]> = None;
    for _round in 0..ROUNDS {
        let sides = [false, true].map(|side| -> Vec<Moments> {
            let of_side = basins.iter().zip(&is_region).filter(|(_, is_region)| **is_region == side);
            of_side.map(|(basin, _)| basin.pixels).collect()
        });
        if sides.iter().any(Vec::is_empty) {
            break;
        }
        let [rest, product] = match &models {
            None => sides.map(|pixels| Mixture::of(&pixels)),
            Some([rest, product]) => [rest.relearned(&sides[0]), product.relearned(&sides[1])],
        };
        let better = |basin: &Basin| rest.cost(&basin.pixels) - product.cost(&basin.pixels);
        by_color = basins.iter().map(|basin| better(basin).clamp(-MAX_EVIDENCE, MAX_EVIDENCE)).collect();
        let own = basins.iter().zip(&by_color);
        let own = own.map(|(basin, better)| if basin.is_ground { -UNCUTTABLE } else { basin.pixels.area * better });
        let cut = minimum_cut(&own.collect::<Vec<_>>(), &links);
        models = Some([rest, product]);
        if std::mem::replace(&mut is_region, cut) == is_region {
            break;
        }
    }
    Evidence {
        is_region: labels.map(|label| is_region[label as usize]),
        by_color: labels.map(|label| by_color[label as usize]),
    }
}

/// Returns `region` with the changes of the cut that are wider than an outline and that the colors of the changed piece
/// support. A cut also fills narrow gaps to save outline.
fn supported(region: &Plane<bool>, evidence: &Evidence) -> Plane<bool> {
    let mut settled = region.clone();
    for (is_added, sign) in [(true, 1.0), (false, -1.0)] {
        let is_changed = evidence.is_region.zip(region, |is_in, was_in| is_in == is_added && was_in != is_added);
        let (pieces, sizes) = components(&open(&is_changed, 1), Connected::Corners);
        let mut sums = vec![0.0; sizes.len()];
        for (piece, by_color) in pieces.data.iter().zip(&evidence.by_color.data) {
            sums[*piece as usize] += sign * by_color;
        }
        let is_supported = dilate(&pieces.map(|piece| piece != 0 && sums[piece as usize] > 0.0), 1);
        let changed = is_supported.zip(&is_changed, |is_supported, is_changed| is_supported && is_changed);
        settled = settled.zip(&changed, |was_in, is_changed| was_in != is_changed);
    }
    settled
}

/// Returns the color of each pixel relative to the ground behind it, as if the ground were evenly lit. `smooth` has the
/// channels of OKLab.
fn features(smooth: &Plane<Rgb>, background: &Background) -> Plane<Rgb> {
    let mut features = smooth.clone();
    for (index, feature) in features.data.iter_mut().enumerate() {
        let ground = background.at(index % smooth.width, index / smooth.width);
        let [l, a, b] = *feature;
        let (own, below) = (l.max(MIN_LIGHTNESS), ground.l.max(MIN_LIGHTNESS));
        let relative = [l / below, a / own - ground.a / below, b / own - ground.b / below];
        *feature = std::array::from_fn(|channel| WEIGHTS[channel] * relative[channel]);
    }
    features
}

/// A basin of the gradient.
#[derive(Clone, Default)]
struct Basin {
    pixels: Moments,
    /// The number of its pixels in the region.
    covered: f32,
    /// Whether it lies on the picture's border and is ground there.
    is_ground: bool,
}

impl Basin {
    fn was_region(&self) -> bool {
        self.covered * 2.0 > self.pixels.area
    }
}

fn basins(labels: &Plane<u32>, count: usize, features: &Plane<Rgb>, region: &Plane<bool>) -> Vec<Basin> {
    let mut basins = vec![Basin::default(); count];
    for (index, label) in labels.data.iter().enumerate() {
        let basin = &mut basins[*label as usize];
        basin.pixels.add(features.data[index]);
        basin.covered += f32::from(u8::from(region.data[index]));
    }
    for (x, y) in labels.ring(2).filter(|(x, y)| !region.at(*x, *y)) {
        basins[labels.at(x, y) as usize].is_ground = true;
    }
    basins
}

/// Returns the `count` basins that border on each other, and the cost of an outline between them. A step between two
/// pixels lowers the cost the more, the larger it is relative to all steps of the picture.
fn links(labels: &Plane<u32>, count: usize, features: &Plane<Rgb>) -> Vec<(u32, u32, f32)> {
    let mean = larger(mean_step(features), 1e-6);
    let cost = |one: usize, other: usize| {
        let pairs = features.data[one].iter().zip(features.data[other]);
        let step: f32 = pairs.map(|(one, other)| (one - other) * (one - other)).sum();
        OUTLINE_COST * (-0.5 * step / mean).exp()
    };
    borders(labels, count, cost).into_iter().map(|border| (border.ends.0, border.ends.1, border.strength)).collect()
}

/// Returns the mean square of the steps from each pixel to the right and down.
fn mean_step(features: &Plane<Rgb>) -> f32 {
    let rows = || features.data.chunks_exact(features.width.max(1));
    let across = rows().flat_map(|row| row.iter().zip(&row[1..]));
    let down = rows().zip(rows().skip(1)).flat_map(|(row, below)| row.iter().zip(below));
    let mut sums = [0.0; 3];
    across.chain(down).for_each(|(one, other)| {
        (0..3).for_each(|channel| sums[channel] += (one[channel] - other[channel]) * (one[channel] - other[channel]));
    });
    sums.iter().sum::<f32>() / (2 * features.data.len()).max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 120;

    /// Returns a white box, whose right side is in the shade, on a warm ground, and a soft shadow beside it.
    fn scene() -> Plane<Oklab> {
        let mut colors = Plane::filled(SIDE, SIDE, Oklab::default());
        for (index, color) in colors.data.iter_mut().enumerate() {
            let (x, y) = (index % SIDE, index / SIDE);
            // Some noise, as every picture has.
            let noise = ((index * 7919) % 13) as f32 * 2e-4;
            let light = 0.9 - 0.0005 * x as f32 + noise;
            let shade = if is_shadow(x, y) { 0.2 * (110 - x) as f32 / 30.0 } else { 0.0 };
            *color = match is_box(x, y) {
                true if x > 60 => Oklab { l: 0.7 + noise, a: 0.0005, b: 0.003 },
                true => Oklab { l: 0.91 + noise, a: 0.0005, b: 0.004 },
                false => Oklab { l: light - shade, a: 0.003 * (1.0 + shade), b: 0.012 * (1.0 + shade) },
            };
        }
        colors
    }

    fn is_box(x: usize, y: usize) -> bool {
        (30..80).contains(&x) && (30..90).contains(&y)
    }

    fn is_shadow(x: usize, y: usize) -> bool {
        (80..110).contains(&x) && (75..90).contains(&y)
    }

    fn mask(is_set: impl Fn(usize, usize) -> bool) -> Plane<bool> {
        Plane { width: SIDE, height: SIDE, data: (0..SIDE * SIDE).map(|at| is_set(at % SIDE, at / SIDE)).collect() }
    }

    /// Returns the share of the pixels at which two masks differ.
    fn difference(one: &Plane<bool>, other: &Plane<bool>) -> f32 {
        one.zip(other, |one, other| one != other).count() as f32 / one.data.len() as f32
    }

    #[test]
    fn a_white_box_on_a_white_ground_of_which_a_part_was_missed_is_found_whole() {
        let missed = |x: usize, y: usize| (40..55).contains(&x) && y < 60;
        let found = grab_cut(&scene(), &mask(|x, y| is_box(x, y) && !missed(x, y)));
        let off = difference(&found, &mask(is_box));
        assert!(off < 0.01, "{off}");
    }

    #[test]
    fn a_shadow_that_was_taken_for_a_part_is_left_out() {
        let found = grab_cut(&scene(), &mask(|x, y| is_box(x, y) || is_shadow(x, y) && x < 86));
        let off = difference(&found, &mask(is_box));
        assert!(off < 0.01, "{off}");
    }

    #[test]
    fn a_region_without_colors_of_its_own_stays() {
        let plain = Plane::filled(SIDE, SIDE, Oklab { l: 0.9, a: 0.0, b: 0.01 });
        for region in [mask(is_box), mask(|_, _| false), mask(|_, _| true)] {
            assert_eq!(grab_cut(&plain, &region), region);
        }
    }
}
