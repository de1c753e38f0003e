use crate::color::filter::erode;
use crate::color::spaces::length;
use crate::color::{Oklab, Plane};

/// The number of colors into which a product is split.
const CLUSTER_COUNT: usize = 8;

/// The number of pixels from which the clusters are computed.
const MAX_SAMPLES: usize = 5_000;

/// The weight of lightness against hue. One material has many shades.
const LIGHTNESS_WEIGHT: f32 = 0.45;

/// The additional distance from a named color that a material may have for each factor of e in size, in OKLab.
const SIZE_BONUS: f32 = 0.025;

/// The largest difference in lightness between a color and its name, in OKLab.
const MAX_SHADE: f32 = 0.15;

/// The largest saturation of a neutral color.
const MAX_NEUTRAL_SATURATION: f32 = 0.06;

/// The smallest OKLab lightness of a pale neutral color.
const MIN_PALE_LIGHTNESS: f32 = 0.5;

/// The largest OKLab lightness of a dark neutral color.
const MAX_DARK_LIGHTNESS: f32 = 0.4;

/// The smallest area of a colorful body relative to the black parts on it. Cushions, tires and visors may show more
/// of themselves than the body, but less of the outline.
const MIN_BODY_RATIO: f32 = 0.6;

/// The width of a product's rim, in pixels.
const RIM_WIDTH: usize = 2;

/// The largest ratio of a material's share of the rim to its share of the area at which it is set into another
/// material.
const MAX_INSET_RATIO: f32 = 0.25;

/// The colors around which a product's pixels gather: k-means in (0.45 L, a, b) of OKLab.
pub(super) struct Clusters {
    centers: Vec<Oklab>,
    sizes: Vec<f32>,
}

impl Clusters {
    /// Finds the clusters of the pixels in `mask`. The same pixels always produce the same clusters.
    pub(super) fn find(colors: &Plane<Oklab>, mask: &Plane<bool>) -> Clusters {
        let step = (mask.count() / MAX_SAMPLES).max(1);
        let chosen = colors.data.iter().zip(&mask.data).filter(|(_, is_set)| **is_set).map(|(color, _)| *color);
        let samples: Vec<Oklab> = chosen.step_by(step).collect();
        let mut centers = spread(&samples);
        let mut sizes = vec![0.0; centers.len()];
        for _round in 0..12 {
            let mut sums = vec![[0.0f32; 4]; centers.len()];
            for sample in &samples {
                let sum = &mut sums[nearest(&centers, *sample)];
                for (cell, value) in sum.iter_mut().zip([sample.l, sample.a, sample.b, 1.0]) {
                    *cell += value;
                }
            }
            let before = centers.clone();
            for ((center, size), [l, a, b, count]) in centers.iter_mut().zip(&mut sizes).zip(sums) {
                *size = count;
                if count > 0.0 {
                    *center = Oklab { l: l / count, a: a / count, b: b / count };
                }
            }
            if centers == before {
                // All further rounds would be the same.
                break;
            }
        }
        Clusters { centers, sizes }
    }

    /// Returns the pixels of `mask` that belong to the main material, or to the material nearest to `source`.
    ///
    /// The main material makes the outline. A material set into another one, such as a lens or a screen, is sometimes
    /// larger.
    pub(super) fn main(&self, colors: &Plane<Oklab>, mask: &Plane<bool>, source: Option<Oklab>) -> Plane<bool> {
        let weight = |index: usize| {
            let group: f32 = self.group(index).map(|member| self.sizes[member]).sum();
            group + 0.3 * self.sizes[index]
        };
        let rims = self.rims(colors, mask);
        let is_set_in = |index: usize| {
            let rim: f32 = self.group(index).map(|member| rims[member]).sum();
            rim < MAX_INSET_RATIO * self.group(index).map(|member| self.sizes[member]).sum::<f32>() / self.total()
        };
        // A named material has lit and shaded clusters. The nearest cluster may be a speck of a similar color.
        let score = |index: usize| match source {
            Some(source) => weight(index).max(1e-3).ln() - named_distance(self.centers[index], source) / SIZE_BONUS,
            None if is_set_in(index) => weight(index) - self.total() * 2.0,
            None => weight(index),
        };
        let filled = (0..self.centers.len()).filter(|index| self.sizes[*index] > 0.0);
        let best = filled.max_by(|one, other| score(*one).total_cmp(&score(*other)));
        let best = best.map(|best| if source.is_none() { self.or_body(best, &rims) } else { best });
        let mut is_member = vec![false; self.centers.len()];
        best.into_iter().flat_map(|best| self.group(best)).for_each(|member| is_member[member] = true);
        colors.zip(mask, |color, is_set| is_set && is_member[nearest(&self.centers, color)])
    }

    /// Returns a cluster of the body if `main` is dark and neutral and the body makes more of the outline and is not
    /// much smaller; otherwise `main`. A body has many shades. A part set into it or fixed to it, such as a visor or
    /// cushions, is black and has one shade. The body consists of all pale and neutral clusters, or of all clusters of
    /// one hue.
    fn or_body(&self, main: usize, rims: &[f32]) -> usize {
        let filled = |index: &usize| self.sizes[*index] > 0.0;
        let is_neutral = |index: &usize| self.centers[*index].saturation() <= MAX_NEUTRAL_SATURATION;
        if !is_neutral(&main) || self.centers[main].l >= MAX_DARK_LIGHTNESS {
            return main;
        }
        let parts: Vec<usize> = self.group(main).collect();
        let is_larger = |body: &[usize], least: f32| {
            let sum = |shares: &[f32], of: &[usize]| of.iter().map(|index| shares[*index]).sum::<f32>();
            let ratio = |shares: &[f32]| sum(shares, body) / sum(shares, &parts).max(1e-6);
            ratio(&self.sizes) > least && ratio(rims) > 1.0
        };
        let indices = || (0..self.centers.len()).filter(filled);
        let pale: Vec<usize> =
            indices().filter(|index| is_neutral(index) && self.centers[*index].l > MIN_PALE_LIGHTNESS).collect();
        let hues = indices().filter(|index| !is_neutral(index)).map(|index| self.group(index).collect());
        let hues = hues.filter(|body: &Vec<usize>| is_larger(body, MIN_BODY_RATIO));
        let bodies = std::iter::once(pale).filter(|body| is_larger(body, 1.0)).chain(hues);
        let largest = |one: &usize, other: &usize| self.sizes[*one].total_cmp(&self.sizes[*other]);
        bodies.flatten().max_by(largest).unwrap_or(main)
    }

    /// Returns the share of the pixels whose color `is_wanted`, 0 to 1.
    pub(super) fn share(&self, is_wanted: impl Fn(Oklab) -> bool) -> f32 {
        let wanted = self.centers.iter().zip(&self.sizes).filter(|(center, _)| is_wanted(**center));
        wanted.map(|(_, size)| size).sum::<f32>() / self.total()
    }

    /// Returns the colors with at least a `share` of the pixels.
    pub(super) fn large(&self, share: f32) -> impl Iterator<Item = Oklab> + '_ {
        let least = share * self.total();
        self.centers.iter().zip(&self.sizes).filter(move |(_, size)| **size >= least).map(|(center, _)| *center)
    }

    fn total(&self) -> f32 {
        self.sizes.iter().sum::<f32>().max(1.0)
    }

    /// Returns the share of each cluster in the outline of `mask`.
    fn rims(&self, colors: &Plane<Oklab>, mask: &Plane<bool>) -> Vec<f32> {
        let mut counts = vec![0.0f32; self.centers.len()];
        let inner = erode(mask, RIM_WIDTH);
        let rim = mask
            .data
            .iter()
            .zip(&inner.data)
            .zip(&colors.data)
            .filter(|((is_set, is_inner), _)| **is_set && !**is_inner);
        rim.for_each(|(_, color)| counts[nearest(&self.centers, *color)] += 1.0);
        let whole = counts.iter().sum::<f32>().max(1.0);
        counts.into_iter().map(|count| count / whole).collect()
    }

    /// Returns the clusters of the same material as `seed`: clusters of its hue, or, if it is neutral, neutral clusters
    /// of about the same lightness.
    fn group(&self, seed: usize) -> impl Iterator<Item = usize> + '_ {
        let main = self.centers[seed];
        (0..self.centers.len()).filter(move |index| {
            let other = self.centers[*index];
            let turn = (main.hue() - other.hue() + std::f32::consts::PI).rem_euclid(std::f32::consts::TAU)
                - std::f32::consts::PI;
            let apart = turn.abs().to_degrees();
            let (saturation, others) = (main.saturation(), other.saturation());
            *index == seed
                || (saturation > 0.06
                    && others > 0.045
                    && apart < 14.0 + if others < 0.1 { 4.0 } else { 0.0 }
                    && (0.45..2.2).contains(&(others / saturation)))
                || (saturation <= MAX_NEUTRAL_SATURATION
                    && others <= MAX_NEUTRAL_SATURATION
                    && (main.l - other.l).abs() < 0.17)
        })
    }
}

/// Returns the distance of a color from a named color. Names are strict about hue and loose about lightness, because
/// shade and gloss change lightness in any case.
fn named_distance(color: Oklab, named: Oklab) -> f32 {
    let lightness = ((color.l - named.l).abs() - MAX_SHADE).max(0.0);
    ((0.5 * lightness).powi(2) + (color.a - named.a).powi(2) + (color.b - named.b).powi(2)).sqrt()
}

fn distance(one: Oklab, other: Oklab) -> f32 {
    (LIGHTNESS_WEIGHT * (one.l - other.l)).powi(2) + (one.a - other.a).powi(2) + (one.b - other.b).powi(2)
}

/// Returns the distance between two colors independent of the light on them: the distance of their chroma over
/// lightness.
pub(super) fn chroma_distance(one: Oklab, other: Oklab) -> f32 {
    let (light, others) = (one.l.max(0.05), other.l.max(0.05));
    length(one.a / light - other.a / others, one.b / light - other.b / others)
}

fn nearest(centers: &[Oklab], color: Oklab) -> usize {
    let mut best = (0, f32::INFINITY);
    for (index, center) in centers.iter().enumerate() {
        let off = distance(*center, color);
        if off < best.1 {
            best = (index, off);
        }
    }
    best.0
}

/// Returns the first centers as k-means++ draws them, from a generator with a fixed seed.
fn spread(samples: &[Oklab]) -> Vec<Oklab> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut centers: Vec<Oklab> = samples.get(random.usize(..samples.len().max(1))).copied().into_iter().collect();
    let mut off: Vec<f32> = vec![f32::INFINITY; samples.len()];
    while !centers.is_empty() && centers.len() < CLUSTER_COUNT {
        let newest = centers[centers.len() - 1];
        off.iter_mut().zip(samples).for_each(|(off, sample)| *off = off.min(distance(newest, *sample)));
        let mut pixel_index = random.f32() * off.iter().sum::<f32>();
        let drawn = off.iter().position(|off| {
            pixel_index -= off;
            pixel_index <= 0.0
        });
        centers.push(samples[drawn.unwrap_or(0)]);
    }
    centers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_a_whole_material_and_no_speck_that_is_nearer_to_it() {
        // A glossy black body, lighter than its name; a rod of the deepest black; and a blue button.
        let mut colors = Plane::filled(100, 100, Oklab::default());
        for (pixel_index, color) in colors.data.iter_mut().enumerate() {
            let (x, y) = (pixel_index % 100, pixel_index / 100);
            *color = match (x, y) {
                (0..10, 0..60) => Oklab { l: 0.19, a: 0.0, b: 0.0 },
                (90.., 90..) => Oklab { l: 0.6, a: -0.03, b: -0.18 },
                _ => Oklab { l: 0.36 + 0.12 * y as f32 / 100.0, a: 0.0, b: 0.0 },
            };
        }
        let mask = colors.map(|_| true);
        let clusters = Clusters::find(&colors, &mask);
        let named = |l, a, b| clusters.main(&colors, &mask, Some(Oklab { l, a, b }));
        let body = named(0.22, 0.0, 0.0);
        assert!(body.at(50, 20) && body.at(50, 80) && !body.at(95, 95), "black is the body");
        let button = named(0.55, 0.0, -0.2);
        assert!(button.at(95, 95) && !button.at(50, 50), "blue is the button, small as it is");
    }

    #[test]
    fn a_white_shell_in_many_shades_is_the_material_and_its_black_visor_is_not() {
        let mut colors = Plane::filled(120, 60, Oklab::default());
        for (pixel_index, color) in colors.data.iter_mut().enumerate() {
            let (x, y) = (pixel_index % 120, pixel_index / 120);
            let is_visor = (30..90).contains(&x) && y >= 15;
            *color = Oklab { l: if is_visor { 0.2 } else { 0.5 + 0.5 * x as f32 / 120.0 }, a: 0.0, b: 0.0 };
        }
        let mut mask = colors.map(|_| true);
        colors.ring(1).for_each(|(x, y)| mask.data[y * 120 + x] = false);
        let clusters = Clusters::find(&colors, &mask);
        assert!(!clusters.main(&colors, &mask, None).at(60, 40));
        assert!(
            clusters.main(&colors, &mask, Some(Oklab { l: 0.15, a: 0.0, b: 0.0 })).at(60, 40),
            "unless it is named"
        );
    }

    #[test]
    fn a_red_body_in_many_shades_is_the_material_and_the_black_cushions_on_it_are_not() {
        let mut colors = Plane::filled(120, 60, Oklab::default());
        for (pixel_index, color) in colors.data.iter_mut().enumerate() {
            let x = pixel_index % 120;
            let light = 0.3 + 0.5 * (x % 60) as f32 / 60.0;
            let is_cushion = (40..95).contains(&x);
            *color = match is_cushion {
                true => Oklab { l: 0.2, a: 0.0, b: 0.0 },
                false => Oklab { l: light, a: 0.3 * light, b: 0.14 * light },
            };
        }
        let mut mask = colors.map(|_| true);
        colors.ring(1).for_each(|(x, y)| mask.data[y * 120 + x] = false);
        let main = Clusters::find(&colors, &mask).main(&colors, &mask, None);
        assert!(main.at(10, 30) && main.at(110, 30) && !main.at(60, 30));
    }

    #[test]
    fn a_body_that_makes_the_outline_is_the_material_if_the_black_cushions_in_it_are_larger() {
        let mut colors = Plane::filled(120, 60, Oklab::default());
        for (pixel_index, color) in colors.data.iter_mut().enumerate() {
            let (x, y) = (pixel_index % 120, pixel_index / 120);
            let light = 0.4 + 0.2 * (x % 60) as f32 / 60.0;
            // The cushions have more pixels than the body, and two fifths of the outline.
            let is_cushion = (25..95).contains(&x) && y >= 3;
            *color = match is_cushion {
                true => Oklab { l: 0.2 + 0.002 * y as f32, a: 0.0, b: 0.0 },
                false => Oklab { l: light, a: -0.02 * light, b: -0.11 * light },
            };
        }
        let mut mask = colors.map(|_| true);
        colors.ring(1).for_each(|(x, y)| mask.data[y * 120 + x] = false);
        let main = Clusters::find(&colors, &mask).main(&colors, &mask, None);
        assert!(main.at(10, 30) && main.at(110, 30) && !main.at(60, 30));
    }

    #[test]
    fn lenses_are_larger_than_their_frame_and_the_frame_is_the_main_material() {
        let frame = Oklab { l: 0.4, a: 0.06, b: 0.05 };
        let mut colors = Plane::filled(100, 40, frame);
        for (pixel_index, color) in colors.data.iter_mut().enumerate() {
            let (x, y) = (pixel_index % 100, pixel_index / 100);
            let shade = 0.002 * y as f32;
            let is_lens = (6..47).contains(&x) || (53..94).contains(&x);
            *color = match is_lens && (6..34).contains(&y) {
                true => Oklab { l: 0.95 - shade, a: 0.0, b: 0.0 },
                false => Oklab { l: 0.4 + shade, ..frame },
            };
        }
        let mut mask = colors.map(|_| true);
        colors.ring(1).for_each(|(x, y)| mask.data[y * 100 + x] = false);
        let main = Clusters::find(&colors, &mask).main(&colors, &mask, None);
        assert!(main.at(2, 20) && main.at(50, 20) && !main.at(25, 20));
    }
}
