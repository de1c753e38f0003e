use std::cell::LazyCell;

use crate::color::dominant_color::percentile;
use crate::color::filter::{Connected, components, enlarge, flooded, gaussian, larger, open, shrink};
use crate::color::{Oklab, Plane, Rgb};

use super::background::Background;
use super::edges::{Edges, gradient};
use super::enclosed::enclosed;
use super::frame::{Frame, frame};
use super::graph::Graph;
use super::holes::{without_holes, without_spots};
use super::outline::{PRODUCT_AREA, outline, without_specks};
use super::overexposed::with_burnt_out;
use super::people::without_people;
use super::refine::{is_washed_out, refine_outline};
use super::watershed::watershed;

/// The longer side of the picture in which the product is searched, in pixels.
pub(crate) const ANALYZED_SIDE: usize = 320;

/// The smallest weight of hue and chroma against lightness, which shading also changes.
const MIN_CHROMA_WEIGHT: f32 = 2.5;

/// The largest such weight, used if the picture's chroma has no noise.
const MAX_CHROMA_WEIGHT: f32 = 9.0;

/// The area, in pixels, below which regions are noise and merge earlier.
const NOISE_AREA: f32 = 60.0;

/// The standard deviation of the blur that makes weak edges of white products stand out from noise, in pixels.
const ENCLOSING_BLUR: f32 = 0.8;

/// The number of steps in which regions are merged.
const MERGE_STEPS: usize = 12;

/// A possible mask of the product, with its score.
#[derive(Clone)]
struct Candidate {
    mask: Plane<bool>,
    score: f32,
}

/// Returns the product in front of a studio background.
///
/// Basins of the gradient merge across weak edges, step by step. Basins that merged with the border are background. The
/// chosen step has the outline that lies best on edges and changes least, and its mask is not a speck. Shadows have
/// soft outlines and are removed. Holes that show the background are removed as well.
pub(crate) fn foreground(picture: &Plane<Rgb>) -> Plane<bool> {
    find_foreground(picture).product
}

/// Returns the product like [`foreground`], with the way in which it was found.
pub(crate) fn find_foreground(picture: &Plane<Rgb>) -> Foreground {
    let longer = picture.width.max(picture.height).max(1);
    let small = if longer > ANALYZED_SIDE {
        let scaled = |side: usize| (side * ANALYZED_SIDE / longer).max(8);
        shrink(picture, scaled(picture.width), scaled(picture.height))
    } else {
        picture.clone()
    };
    let found = outlined(&small.map(Oklab::from));
    if longer <= ANALYZED_SIDE {
        return found;
    }
    Foreground { product: enlarge(&found.product, picture.width, picture.height), ..found }
}

/// Returns the product in a picture that is no larger than necessary.
///
/// The outline of the product is chosen at half the size and drawn at the full size.
pub(crate) fn foreground_of(colors: &Plane<Oklab>) -> Plane<bool> {
    outlined(colors).product
}

/// A product in front of its background.
pub(crate) struct Foreground {
    /// The product's mask.
    pub(crate) product: Plane<bool>,
    /// Whether only its edges distinguish a large part from the ground: it is white on a ground of its color.
    pub(crate) is_enclosed: bool,
}

fn outlined(colors: &Plane<Oklab>) -> Foreground {
    let channels = colors.map(|color| [color.l, color.a, color.b]);
    let smooth = gaussian(&channels, 0.7);
    let weight = chroma_weight(&smooth);
    let coarse = gradient(&smooth, MIN_CHROMA_WEIGHT);
    let edges = Edges::new(&coarse);
    let background = Background::fit(colors);
    let Frame { ground: border, bands } = frame(colors, &background);
    let is_large = colors.width.max(colors.height) > ANALYZED_SIDE / 2 && colors.width.min(colors.height) >= 2;
    let half = if is_large { shrink(&channels, colors.width / 2, colors.height / 2) } else { channels.clone() };
    let noise_area = if is_large { NOISE_AREA / 4.0 } else { NOISE_AREA };
    let Some(Found { mask: rough, weight: found_by }) = roughly(&half, weight, noise_area) else {
        return Foreground { product: Plane::filled(colors.width, colors.height, true), is_enclosed: false };
    };
    let fine = LazyCell::new(|| gradient(&smooth, weight));
    let mut basins = Basins::new(if found_by > MIN_CHROMA_WEIGHT { &fine } else { &coarse }, &border);
    let rough = if is_large { enlarge(&rough, colors.width, colors.height) } else { rough };
    let drawn = basins.nearest(&rough, NOISE_AREA).and_then(|mask| candidate(&mask, &edges, &border));
    let mask = without_shadows(drawn.map_or(rough, |drawn| drawn.mask), &edges);
    if !is_washed_out(&mask, colors) {
        let product = without_people(without_holes(mask, colors, &background, &edges), colors);
        return Foreground { product, is_enclosed: false };
    }
    if found_by <= MIN_CHROMA_WEIGHT && weight > MIN_CHROMA_WEIGHT {
        basins = Basins::new(&fine, &border);
    }
    let refined = |mask: &Plane<bool>| refine_outline(mask, colors, &background, &bands, &basins.labels, &fine);
    let finished = |mask: &Plane<bool>| {
        let mask = without_holes(with_burnt_out(mask, colors), colors, &background, &edges);
        without_people(without_spots(&mask), colors)
    };
    let product = finished(&refined(&mask));
    match enclosed(&product, colors, &gradient(&gaussian(&channels, ENCLOSING_BLUR), MIN_CHROMA_WEIGHT)) {
        Some(whole) => Foreground { product: finished(&with_outline_of(&whole, &refined(&whole))), is_enclosed: true },
        None => Foreground { product, is_enclosed: false },
    }
}

/// Returns `whole` without the holes that `refined` has in it. Its outline stays, because it lies on edges.
fn with_outline_of(whole: &Plane<bool>, refined: &Plane<bool>) -> Plane<bool> {
    let outside = whole.map(|is_set| !is_set);
    let open = flooded(&outside, |_, neighbor| whole.data[neighbor] && !refined.data[neighbor]);
    let is_kept = refined.zip(&open, |is_refined, is_open| is_refined || is_open);
    whole.zip(&is_kept, |is_whole, is_kept| is_whole && is_kept)
}

/// A product's mask, and the weight of chroma with which it was found.
struct Found {
    mask: Plane<bool>,
    weight: f32,
}

/// Finds the product by the best outline, with either a small or a large weight of chroma.
fn roughly(channels: &Plane<Rgb>, weight: f32, noise_area: f32) -> Option<Found> {
    let smooth = gaussian(channels, 0.7);
    let coarse = gradient(&smooth, MIN_CHROMA_WEIGHT);
    let edges = Edges::new(&coarse);
    let colors = channels.map(|[l, a, b]| Oklab { l, a, b });
    let border = frame(&colors, &Background::fit(&colors)).ground;
    let by = |gradient: &Plane<f32>, weight: f32, bonus: f32| {
        let best = choose(Basins::new(gradient, &border).candidates(&edges, noise_area))?;
        Some((best.score + bonus, Found { mask: best.mask, weight }))
    };
    let fine = if weight > MIN_CHROMA_WEIGHT { by(&gradient(&smooth, weight), weight, 0.03) } else { None };
    let found = by(&coarse, MIN_CHROMA_WEIGHT, 0.0).into_iter().chain(fine);
    found.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, found)| found)
}

/// Returns the weight of chroma, based on its noise at the border. White products on a white ground differ from it in
/// chroma alone, and only slightly. Compressed pictures have chroma steps of the same size in empty areas.
fn chroma_weight(smooth: &Plane<Rgb>) -> f32 {
    let depth = (smooth.width.min(smooth.height) / 10).max(2);
    let squares = |one: Rgb, other: Rgb| (one[1] - other[1]).powi(2) + (one[2] - other[2]).powi(2);
    let mut steps = Vec::new();
    smooth.ring(depth).filter(|(x, y)| *x > 0 && *y > 0).for_each(|(x, y)| {
        let (own, left, up) = (smooth.at(x, y), smooth.at(x - 1, y), smooth.at(x, y - 1));
        steps.push(larger(squares(own, left), squares(own, up)));
    });
    let noise = percentile(&mut steps, 0.97).map_or(1.0, f32::sqrt);
    (0.006 / noise.max(1e-6)).clamp(MIN_CHROMA_WEIGHT, MAX_CHROMA_WEIGHT)
}

/// The basins of a gradient.
struct Basins<'g> {
    gradient: &'g Plane<f32>,
    /// The pixels of the border that are background.
    border: &'g Plane<bool>,
    labels: Plane<u32>,
    count: usize,
}

impl<'g> Basins<'g> {
    fn new(gradient: &'g Plane<f32>, border: &'g Plane<bool>) -> Basins<'g> {
        // Above a clear edge, the exact strength makes no difference.
        let heights = gaussian(&gradient.map(|value| value.min(0.08)), 0.6);
        let (labels, count) = watershed(&heights);
        Basins { gradient, border, labels, count }
    }

    /// Returns, for each step, which basins did not merge with the border.
    fn steps(&self, noise_area: f32) -> impl Iterator<Item = Vec<bool>> {
        let noise = percentile(&mut self.gradient.data.clone(), 0.5).unwrap_or(0.0);
        let limit = move |step: usize| 0.0035 * 1.22f32.powi(step as i32) + noise;
        let highest = limit(MERGE_STEPS - 1);
        let mut graph = Graph::new(&self.labels, self.count, self.gradient, self.border, noise_area, highest);
        (0..MERGE_STEPS).map(move |step| {
            graph.merge(limit(step));
            graph.regions().iter().map(|(_, is_border)| !is_border).collect()
        })
    }

    fn mask(&self, free: &[bool]) -> Plane<bool> {
        self.labels.map(|label| free[label as usize])
    }

    fn candidates(&self, edges: &Edges, noise_area: f32) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let (mut is_free, mut last) = (Vec::new(), None);
        for free in self.steps(noise_area) {
            // If regions merged only with each other, the outline is unchanged.
            if free != is_free {
                last = candidate(&self.mask(&free), edges, self.border);
                is_free = free;
            }
            candidates.extend(last.clone());
        }
        candidates
    }

    /// Returns the mask, among those of all steps, that is most similar to `rough`.
    fn nearest(&self, rough: &Plane<bool>, noise_area: f32) -> Option<Plane<bool>> {
        let (mut areas, mut covered) = (vec![0usize; self.count], vec![0usize; self.count]);
        for (label, is_set) in self.labels.data.iter().zip(&rough.data) {
            areas[*label as usize] += 1;
            covered[*label as usize] += usize::from(*is_set);
        }
        let whole = rough.count();
        let likeness = |free: &[bool]| {
            let of = |counts: &[usize]| -> usize {
                counts.iter().zip(free).filter(|(_, is_free)| **is_free).map(|(count, _)| count).sum()
            };
            let both = of(&covered);
            both as f32 / (of(&areas) + whole - both).max(1) as f32
        };
        let steps = self.steps(noise_area).map(|free| (likeness(&free), free));
        steps.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, free)| self.mask(&free))
    }
}

/// Returns the area that did not merge with the border, if it can be a product.
fn candidate(mask: &Plane<bool>, edges: &Edges, border: &Plane<bool>) -> Option<Candidate> {
    let mask = without_specks(&open(mask, 1));
    let area = mask.count() as f32 / mask.data.len() as f32;
    PRODUCT_AREA.contains(&area).then(|| {
        let on_edges = edges.share(&outline(&mask), (3.0 * edges.noise).max(0.010));
        let touching = mask.ring_share(1, |x, y| mask.at(x, y) && border.at(x, y));
        let score = on_edges - 2.0 * touching + 0.18 * (area.min(0.3) / 0.05).ln();
        Candidate { mask, score }
    })
}

/// Returns the candidate with the best score. Agreement with its neighbors raises a candidate's score.
fn choose(mut candidates: Vec<Candidate>) -> Option<Candidate> {
    // The agreement of each candidate with the next one. A candidate agrees fully with itself.
    let agreements: Vec<f32> = candidates.windows(2).map(|pair| overlap(&pair[0].mask, &pair[1].mask)).collect();
    let stability = |index: usize| {
        let before = index.checked_sub(1).map(|before| agreements[before]);
        let near = before.into_iter().chain([1.0]).chain(agreements.get(index).copied());
        let (sum, count) = near.fold((0.0, 0.0), |(sum, count), agreement| (sum + agreement, count + 1.0));
        sum / count
    };
    let stabilities: Vec<f32> = (0..candidates.len()).map(stability).collect();
    candidates.iter_mut().zip(stabilities).for_each(|(candidate, stability)| candidate.score += 0.5 * stability);
    candidates.into_iter().max_by(|one, other| one.score.total_cmp(&other.score))
}

fn overlap(one: &Plane<bool>, other: &Plane<bool>) -> f32 {
    let both = one.count_both(other);
    both as f32 / (one.count() + other.count() - both).max(1) as f32
}

/// Removes parts whose outline is much softer than that of the sharpest part.
fn without_shadows(mask: Plane<bool>, edges: &Edges) -> Plane<bool> {
    let (labels, sizes) = components(&mask, Connected::Corners);
    if sizes.len() <= 2 {
        return mask;
    }
    let outline = outline(&mask);
    let sharpness: Vec<f32> = (0..sizes.len() as u32)
        .map(|part| {
            let line = outline.zip(&labels, |is_line, label| is_line && label == part && part != 0);
            edges.share(&line, (4.0 * edges.noise).max(0.022))
        })
        .collect();
    let sharpest = sharpness.iter().copied().fold(0.0, f32::max);
    let whole = mask.count();
    labels.map(|label| {
        let part = label as usize;
        part != 0 && (sharpness[part] >= 0.6 * sharpest || 2 * sizes[part] >= whole)
    })
}
