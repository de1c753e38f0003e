use std::cell::OnceCell;

use crate::color::filter::{Connected, components, dilate, open};
use crate::color::region::{Foreground, Unmix, find_foreground};
use crate::color::spaces::length;
use crate::color::{Oklab, Plane, Rgb};

/// The OKLab lightness from which on a neutral color is pale: white in light or in shade.
const MIN_PALE_LIGHTNESS: f32 = 0.7;

/// The largest distance between two neutral colors of one surface, in OKLab a and b.
const MAX_TINT_DISTANCE: f32 = 0.02;

/// The largest difference between such colors in OKLab lightness.
const MAX_LIGHTNESS_DISTANCE: f32 = 0.10;

/// The largest difference that is invisible, in ΔE00.
pub(super) const MAX_UNCHANGED: f32 = 2.0;

/// The largest distance from the region at which its surface may continue, in pixels. Pixels in between are mixed.
const MAX_GAP: usize = 3;

/// A changed region, and what it was next to before.
pub(super) struct UnchangedArea<'p> {
    before: &'p Plane<Rgb>,
    differences: &'p Plane<f32>,
    region: &'p Plane<bool>,
    /// The main color of the region before.
    body: Rgb,
    /// The product in the picture before. It is searched for only if the answer depends on it.
    foreground: OnceCell<Foreground>,
}

impl<'p> UnchangedArea<'p> {
    pub(super) fn new(
        before: &'p Plane<Rgb>,
        differences: &'p Plane<f32>,
        region: &'p Plane<bool>,
        body: Rgb,
    ) -> UnchangedArea<'p> {
        UnchangedArea { before, differences, region, body, foreground: OnceCell::new() }
    }

    /// Returns the share of a surface, 0 to 1, that was left unchanged next to the changed region. It continues the
    /// region and had the same color in the picture before. If it reaches the picture's border, it may be background of that
    /// color, and the edges of the product determine which part belongs to it.
    pub(super) fn left_out(&self) -> f64 {
        let body = self.body;
        let (unmix, color) = (Unmix::new(body, 0.0), Oklab::from(body));
        let alike = if color.saturation() > Oklab::NEUTRAL_SATURATION {
            self.before.map(|pixel| {
                let (shade, veil) = unmix.split(pixel);
                unmix.is_of_body(pixel, (shade, veil)) && shade * body.iter().sum::<f32>() > 3.0 * veil
            })
        } else {
            // A conversion of all pixels is vectorized, and takes less time than one of each that did not change.
            self.before.map(Oklab::from).map(|own| {
                length(own.a - color.a, own.b - color.b) < MAX_TINT_DISTANCE
                    && (own.l - color.l).abs() < MAX_LIGHTNESS_DISTANCE
            })
        };
        let same = self.differences.zip(self.region, |off, is_set| !is_set && off < MAX_UNCHANGED);
        let same = same.zip(&alike, |is_same, is_alike| is_same & is_alike);
        let left = match adjacent(&same, self.region) {
            Adjacent { pixels, is_with_background: false } => pixels,
            Adjacent { pixels, .. } => {
                let same = same.zip(&self.foreground().product, |is_same, is_product| is_same && is_product);
                pixels.max(adjacent(&same, self.region).pixels)
            }
        };
        share_of(left, self.region)
    }

    /// Returns the share of a white product, 0 to 1, that kept its color next to the changed region. It applies to
    /// products on a white ground that only their edges distinguish from it, because their lit sides have the ground's
    /// color.
    pub(super) fn left_enclosed(&self) -> f64 {
        if !is_pale(Oklab::from(self.body)) || !self.foreground().is_enclosed {
            return 0.0;
        }
        let near = dilate(self.region, MAX_GAP);
        let product = &self.foreground().product;
        let mut kept = self.differences.zip(product, |off, is_product| is_product && off < MAX_UNCHANGED);
        for (index, is_kept) in kept.data.iter_mut().enumerate() {
            *is_kept = *is_kept && !near.data[index] && is_pale(Oklab::from(self.before.data[index]));
        }
        share_of(open(&kept, 2).count(), self.region)
    }

    fn foreground(&self) -> &Foreground {
        self.foreground.get_or_init(|| find_foreground(self.before))
    }
}

/// Returns the share of a surface, 0 to 1, that is `left` next to its changed `region`, in pixels.
fn share_of(left: usize, region: &Plane<bool>) -> f64 {
    left as f64 / (left + region.count()).max(1) as f64
}

/// Whether a color is that of something white, in light or in shade.
pub(super) fn is_pale(color: Oklab) -> bool {
    color.saturation() < Oklab::NEUTRAL_SATURATION && color.l > MIN_PALE_LIGHTNESS
}

/// The part of a mask that is next to a region.
struct Adjacent {
    /// The size in pixels, without what touches the picture's border.
    pixels: usize,
    /// Whether some of it touches the picture's border, and may be background.
    is_with_background: bool,
}

/// Returns the part of a mask that is next to a region.
fn adjacent(mask: &Plane<bool>, region: &Plane<bool>) -> Adjacent {
    let (parts, sizes) = components(&open(mask, 1), Connected::Sides);
    let near = dilate(region, MAX_GAP);
    let (mut touches, mut borders) = (vec![false; sizes.len()], vec![false; sizes.len()]);
    for (part, is_near) in parts.data.iter().zip(&near.data).filter(|(part, _)| **part != 0) {
        touches[*part as usize] |= *is_near;
    }
    parts.ring(1).for_each(|(x, y)| borders[parts.at(x, y) as usize] = true);
    let (background, own): (Vec<usize>, Vec<usize>) =
        (1..sizes.len()).filter(|part| touches[*part]).partition(|part| borders[*part]);
    Adjacent { pixels: own.into_iter().map(|part| sizes[part]).sum(), is_with_background: !background.is_empty() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the share that is left of a square of `color` on a `ground`. The square changed up to the column
    /// `until`.
    fn left(color: Rgb, ground: Rgb, until: usize) -> f64 {
        let is_product = |index: usize| (20..60).contains(&(index % 80)) && (20..60).contains(&(index / 80));
        let mut before = Plane::filled(80, 80, ground);
        let mut region = Plane::filled(80, 80, false);
        for index in (0..6400).filter(|index| is_product(*index)) {
            let shade = 0.7 + 0.3 * (index / 80) as f32 / 80.0;
            before.data[index] = color.map(|channel| channel * shade);
            region.data[index] = index % 80 < until;
        }
        let differences = region.map(|is_set| if is_set { 30.0 } else { 0.1 });
        UnchangedArea::new(&before, &differences, &region, color).left_out()
    }

    #[test]
    fn half_a_product_is_left_out_and_none_of_a_whole_one() {
        for color in [[0.5, 0.02, 0.02], [0.02, 0.02, 0.02], [0.5, 0.4, 0.01]] {
            assert!((left(color, [0.8; 3], 40) - 0.5).abs() < 0.05, "{color:?}");
            assert!(left(color, [0.8; 3], 60) < 0.01, "{color:?}");
        }
        assert!(left([0.75; 3], [0.8; 3], 60) < 0.01, "a white product on a white ground");
        let half = left([0.95; 3], [0.78; 3], 40);
        assert!((half - 0.5).abs() < 0.1, "half of a white product on a ground that is as white in places: {half}");
    }

    #[test]
    fn what_reaches_the_border_of_the_picture_is_not_simply_left() {
        let rectangle = |columns: std::ops::Range<usize>, rows: std::ops::Range<usize>| {
            let data = (0..6400).map(|at| columns.contains(&(at % 80)) && rows.contains(&(at / 80))).collect();
            Plane { width: 80, height: 80, data }
        };
        let (skirting, part) = (rectangle(60..80, 30..34), rectangle(10..20, 30..50));
        let mask = skirting.zip(&part, |is_skirting, is_part| is_skirting || is_part);
        let Adjacent { pixels, is_with_background } = adjacent(&mask, &rectangle(20..60, 20..60));
        assert_eq!((pixels, is_with_background), (200, true));
    }

    #[test]
    fn the_lit_side_of_a_white_product_is_left_where_only_its_edges_tell_it_from_the_ground() {
        let lit = |index: usize| (40..120).contains(&(index / 160)) && (40..80).contains(&(index % 160));
        let shaded = |index: usize| (40..120).contains(&(index / 160)) && (80..120).contains(&(index % 160));
        let mut before = Plane::filled(160, 160, [0.78, 0.77, 0.76]);
        for (index, color) in before.data.iter_mut().enumerate() {
            *color = match (lit(index), shaded(index)) {
                (true, _) => [0.82, 0.81, 0.80],
                (_, true) => [0.45, 0.44, 0.43],
                _ => *color,
            };
        }
        let mut region = Plane::filled(160, 160, false);
        region.data.iter_mut().enumerate().for_each(|(index, is_set)| *is_set = shaded(index));
        let differences = region.map(|is_set| if is_set { 30.0 } else { 0.1 });
        let whole = region.map(|_| true);
        let left = |differences: &Plane<f32>| {
            UnchangedArea::new(&before, differences, &region, [0.45, 0.44, 0.43]).left_enclosed()
        };
        assert!(left(&whole.map(|_| 30.0)) < 0.01, "all of it changed");
        assert!(left(&differences) > 0.25, "half of it changed");
    }
}
