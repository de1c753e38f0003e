use crate::color::filter::{Connected, components, dilate, enlarge, erode, gaussian, keep_parts, open, shrink};
use crate::color::shown::percentile;
use crate::color::{Oklab, Plane, Rgb};

use super::background::Background;
use super::graph::Graph;
use super::watershed::watershed;

/// The longer side of the picture in which the product is looked for, in pixels.
const SIZE: usize = 400;

/// How often regions are merged further, and by what factor each time.
const STEPS: usize = 12;

/// A way to tell the product from the background.
struct Candidate {
    mask: Plane<bool>,
    score: f32,
}

/// The product in front of a studio background.
///
/// Basins of the gradient merge across weak edges, step by step; what merged with the border is background. Of the
/// steps the one is taken whose outline lies on edges best, that changes least, and that is no speck. Shadows, whose
/// outlines are soft, are dropped, and so are holes that show the background.
pub(crate) fn foreground(picture: &Plane<Rgb>) -> Plane<bool> {
    let longer = picture.width.max(picture.height).max(1);
    let small = if longer > SIZE {
        let scaled = |side: usize| (side * SIZE / longer).max(8);
        shrink(picture, scaled(picture.width), scaled(picture.height))
    } else {
        picture.clone()
    };
    let colors = small.map(Oklab::from);
    let gradient = gradient(&colors);
    let noise = percentile(&mut gradient.data.clone(), 0.5).unwrap_or(0.0);
    let edges = Edges { reach: widened(&gradient), noise };
    let Some(mask) = choose(candidates(&gradient, &edges)) else {
        return Plane::filled(picture.width, picture.height, true);
    };
    let mask = without_shadows(mask, &edges);
    let mask = without_holes(mask, &colors, &edges);
    enlarge(&mask, picture.width, picture.height)
}

/// The gradient around each pixel, and the noise in it.
struct Edges {
    reach: Plane<f32>,
    noise: f32,
}

impl Edges {
    /// The share of the pixels of `line` that lie on an edge of at least `strength`.
    fn share(&self, line: &Plane<bool>, strength: f32) -> f32 {
        let on_line = line.data.iter().zip(&self.reach.data).filter(|(is_line, _)| **is_line);
        let (mut edges, mut all) = (0, 0);
        for (_, gradient) in on_line {
            all += 1;
            edges += usize::from(*gradient > strength);
        }
        if all == 0 { 0.0 } else { edges as f32 / all as f32 }
    }
}

/// How fast the color changes at each pixel. Hue and chroma count more than lightness, which shade changes as well.
fn gradient(colors: &Plane<Oklab>) -> Plane<f32> {
    let weighed = gaussian(&colors.map(|color| [color.l, 1.6 * color.a, 1.6 * color.b]), 0.7);
    let (width, height) = (weighed.width, weighed.height);
    let step = |one: usize, other: usize| {
        let (one, other): (Rgb, Rgb) = (weighed.data[one], weighed.data[other]);
        one.iter().zip(other).map(|(one, other)| (one - other).powi(2)).sum::<f32>().sqrt()
    };
    let mut gradient = Plane::filled(width, height, 0.0f32);
    for place in 0..weighed.data.len() {
        for next in [(place + 1) % width.max(1) != 0, place + width < weighed.data.len()]
            .into_iter()
            .zip([place + 1, place + width])
            .filter_map(|(is_inside, next)| is_inside.then_some(next))
        {
            let change = step(place, next);
            gradient.data[place] = gradient.data[place].max(change);
            gradient.data[next] = gradient.data[next].max(change);
        }
    }
    gradient
}

/// The largest gradient within two pixels.
fn widened(gradient: &Plane<f32>) -> Plane<f32> {
    let (width, height) = (gradient.width, gradient.height);
    let mut widened = gradient.clone();
    for y in 0..height {
        for x in 0..width {
            let mut largest = 0.0f32;
            for near_y in y.saturating_sub(2)..(y + 3).min(height) {
                for near_x in x.saturating_sub(2)..(x + 3).min(width) {
                    largest = largest.max(gradient.at(near_x, near_y));
                }
            }
            widened.data[y * width + x] = largest;
        }
    }
    widened
}

fn candidates(gradient: &Plane<f32>, edges: &Edges) -> Vec<Candidate> {
    // Beyond a clear edge, how clear it is makes no difference.
    let heights = gaussian(&gradient.map(|value| value.min(0.08)), 0.6);
    let (labels, count) = watershed(&heights);
    let mut graph = Graph::new(&labels, count, gradient);
    let mut candidates = Vec::new();
    for step in 0..STEPS {
        graph.merge(0.0035 * 1.22f32.powi(step as i32) + edges.noise);
        let regions = graph.regions();
        let mask = open(&labels.map(|label| !regions[label as usize].1), 1);
        let largest = components(&mask, Connected::Corners).1.into_iter().max().unwrap_or(0);
        let mask = keep_parts(&mask, |size| size * 50 > largest);
        let area = mask.count() as f32 / mask.data.len() as f32;
        if (0.004..0.85).contains(&area) {
            let on_edges = edges.share(&outline(&mask), (3.0 * edges.noise).max(0.010));
            let ring: Vec<bool> = mask.ring(1).map(|(x, y)| mask.at(x, y)).collect();
            let touching = ring.iter().filter(|is_set| **is_set).count() as f32 / ring.len() as f32;
            let score = on_edges - 2.0 * touching + 0.18 * (area.min(0.3) / 0.05).ln();
            candidates.push(Candidate { mask, score });
        }
    }
    candidates
}

/// The candidate with the best score; one that its neighbors agree with is better.
fn choose(candidates: Vec<Candidate>) -> Option<Plane<bool>> {
    let stability = |index: usize| {
        let near = &candidates[index.saturating_sub(1)..(index + 2).min(candidates.len())];
        near.iter().map(|other| overlap(&candidates[index].mask, &other.mask)).sum::<f32>() / near.len() as f32
    };
    let scores: Vec<f32> =
        candidates.iter().enumerate().map(|(index, candidate)| candidate.score + 0.5 * stability(index)).collect();
    candidates.into_iter().zip(scores).max_by(|one, other| one.1.total_cmp(&other.1)).map(|(best, _)| best.mask)
}

fn overlap(one: &Plane<bool>, other: &Plane<bool>) -> f32 {
    let (mut both, mut any) = (0, 0);
    for (one, other) in one.data.iter().zip(&other.data) {
        both += usize::from(*one && *other);
        any += usize::from(*one || *other);
    }
    both as f32 / any.max(1) as f32
}

fn outline(mask: &Plane<bool>) -> Plane<bool> {
    mask.zip(&erode(mask, 1), |is_set, is_inside| is_set && !is_inside)
}

/// Drops parts whose outline is much softer than that of the sharpest part.
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

/// Drops enclosed parts that look like the background and have a sharp rim: the inside of a handle.
fn without_holes(mask: Plane<bool>, colors: &Plane<Oklab>, edges: &Edges) -> Plane<bool> {
    let background = Background::fit(colors);
    let mut near = mask.clone();
    for (place, is_near) in near.data.iter_mut().enumerate().filter(|(_, is_set)| **is_set) {
        let (behind, color) = (background.at(place % mask.width, place / mask.width), colors.data[place]);
        let off = (color.a - behind.a).hypot(color.b - behind.b);
        *is_near = off < 0.010 + 2.0 * background.noise && (color.l - behind.l).abs() < 0.018 + 2.0 * background.noise;
    }
    let near = open(&near, 1);
    let (labels, sizes) = components(&near, Connected::Sides);
    let whole = mask.count();
    let mut mask = mask;
    for (part, size) in sizes.iter().enumerate().skip(1) {
        if *size <= 25 || *size * 4 >= whole {
            continue;
        }
        let hole = labels.map(|label| label as usize == part);
        let rim = dilate(&hole, 2).zip(&hole, |near, inside| near && !inside).zip(&mask, |rim, inside| rim && inside);
        if edges.share(&rim, (3.0 * edges.noise).max(0.02)) > 0.8 {
            mask = mask.zip(&hole, |is_set, is_hole| is_set && !is_hole);
        }
    }
    mask
}
