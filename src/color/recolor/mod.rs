//! Recoloring of a product with its shade, its gloss and its edges.

mod painter;
mod surface;

use std::f32::consts::PI;

use super::dominant_color::dominant_color;
use super::filter::{dilate, shrink};
use super::region::{ANALYZED_SIDE, Matte, Part, Rim, Side, foreground_of, grab_cut, material_of, part_of, redrawn};
use super::{Oklab, Plane, Rgb, View};
use surface::Surface;

pub use painter::Painter;

/// A change of color.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The color to change, if one is named. Otherwise it is the color of the product's main material.
    pub from: Option<Rgb>,
    /// The part to change, if one is meant and its color is not named.
    pub part: Option<Part>,
    /// The color to reach. The region is to show this color, which is not its albedo.
    pub to: Rgb,
}

/// The reason why the region to recolor was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// No region could be distinguished from the background.
    #[error("no product could be distinguished from the background")]
    Product,
    /// The product has no such part in another color than its rest.
    #[error("no such part could be distinguished from the rest of the product")]
    Part,
    /// No part of the product has the named color.
    #[error("no part of the product has the named color")]
    Color,
}

/// Above this saturation, a named color has a hue that a part must have too.
const MIN_NAMED_SATURATION: f32 = 0.25;

/// Below this saturation, a part has no hue.
const MIN_FOUND_SATURATION: f32 = 0.03;

/// The largest difference of the two hues, in radians: names of colors are imprecise, but no red is called green.
const MAX_HUE_DIFFERENCE: f32 = 75.0 * PI / 180.0;

/// The smallest number of pixels in a region, at the analyzed size.
const MIN_PIXELS: usize = 50;

/// The largest share of a region that may belong to another one. Their soft edges overlap.
const MAX_SHARED: f32 = 0.2;

/// The smallest share of a product that can be its inside.
const MIN_REST_SHARE: f32 = 0.03;

/// The distance from the region within which shading is computed, in pixels: the soft outline and one pixel beyond.
const SHADE_DISTANCE: usize = 4;

/// The approximate number of pixels from which a surface is sampled.
const MAX_SAMPLES: usize = 6_000;

/// Recolors the product in `picture`, or the part of it whose color is named. The rest stays unchanged.
///
/// `opacity` is the opacity of the picture, 0 to 1. If the border of the picture is transparent, its opaque pixels are
/// the product. The result is that of [`Recoloring::plan`] on the reduced picture, and [`Painter::paint`] on each of
/// its rows.
///
/// # Errors
/// No product is found, or no such part of it.
pub fn recolor(picture: &Plane<Rgb>, opacity: Option<&Plane<f32>>, change: Change) -> Result<Plane<Rgb>, NotFound> {
    let (width, height) = (picture.width, picture.height);
    let longer = width.max(height);
    let scaled = |side: usize| ((side * Recoloring::SIDE + longer / 2) / longer.max(1)).max(1);
    let view = if longer > Recoloring::SIDE {
        let (to_width, to_height) = (scaled(width), scaled(height));
        View {
            colors: shrink(picture, to_width, to_height),
            opacity: opacity.map(|opacity| shrink(opacity, to_width, to_height)),
        }
    } else {
        View { colors: picture.clone(), opacity: opacity.cloned() }
    };
    let recoloring = Recoloring::plan(&view, change)?;
    let painter = recoloring.painter(width, height);
    let mut done = picture.clone();
    for (y, row) in done.data.chunks_exact_mut(width.max(1)).enumerate() {
        if let Some(span) = painter.span(y) {
            painter.paint(y, span.start, &mut row[span]);
        }
    }
    Ok(done)
}

/// The recoloring of a picture of any size, determined on the reduced picture.
pub struct Recoloring {
    /// The pixels of the product, and those of them that change.
    product: Plane<bool>,
    region: Plane<bool>,
    surface: Surface,
    matte: Matte,
    /// The slow shade of a dark surface.
    slow: Option<Plane<f32>>,
}

impl Recoloring {
    /// The longer side at which pictures are analyzed, in pixels.
    pub const SIDE: usize = ANALYZED_SIDE;

    /// Finds the product in `view`, whose longer side is at most [`Recoloring::SIDE`], and reads its surface.
    ///
    /// # Errors
    /// No product is found, or no such part of it.
    pub fn plan(view: &View, change: Change) -> Result<Recoloring, NotFound> {
        let picture = &view.colors;
        let colors = picture.map(Oklab::from);
        let cut_out = view.opacity.as_ref().filter(|opacity| is_cut_out(opacity));
        let product = match cut_out {
            Some(opacity) => opacity.map(|share| share > 0.95),
            None => foreground_of(&colors),
        };
        let mut region = match (change.from, change.part) {
            (None, Some(part)) => part_of(picture, &colors, &product, part).ok_or(NotFound::Part)?,
            _ => material_of(picture, &colors, &product, change.from),
        };
        if region.count() < MIN_PIXELS {
            return Err(NotFound::Product);
        }
        if cut_out.is_none() {
            // The outline of a cut-out is known and needs no redrawing.
            if change.part.is_none() {
                region = grab_cut(&colors, &region);
            }
            region = redrawn(picture, &region);
        }
        let core = super::filter::erode(&region, 1);
        let core = if core.count() < MIN_PIXELS { region.clone() } else { core };
        if let Some(opacity) = cut_out {
            // At the rim of a cut-out, color and opacity are separate. Its pixels are painted like the rest.
            for _round in 0..3 {
                region = dilate(&region, 1)
                    .zip(opacity, |is_near, share| is_near && share <= 0.95)
                    .zip(&region, |rim, is_set| rim || is_set);
            }
        }
        let matte = Matte::new(picture, &region);
        let step = (core.count() / MAX_SAMPLES).max(1);
        let chosen: Vec<usize> = (0..core.data.len()).filter(|index| core.data[*index]).step_by(step).collect();
        let pixels: Vec<Rgb> = chosen.iter().map(|index| picture.data[*index]).collect();
        let body = dominant_color(&pixels).map(Oklab::from);
        if change.from.zip(body).is_some_and(|(named, body)| !may_be_called(Oklab::from(named), body)) {
            return Err(NotFound::Color);
        }
        let surface = Surface::read(&pixels).ok_or(NotFound::Product)?;
        let weights = core.map(|is_set| if is_set { 1.0 } else { 1e-3 });
        let slow = surface.slow(picture, &weights, &dilate(&region, SHADE_DISTANCE));
        let shade = |index: usize| slow.as_ref().map_or(1.0, |slow| slow.data[index]);
        let samples: Vec<(Rgb, f32)> = chosen.iter().map(|index| (picture.data[*index], shade(*index))).collect();
        Ok(Recoloring { surface: surface.painted(change.to, &samples), matte, slow, product, region })
    }

    /// Whether the same region changes in another recoloring of the picture.
    pub fn overlaps(&self, other: &Recoloring) -> bool {
        overlap(&self.region, &other.region)
    }

    /// Whether a part of the product in `view` certainly stays as it is. It may change if it has the product's color,
    /// because its outline is unknown then. Without a part, some area of the product has to stay.
    pub fn leaves(&self, view: &View, part: Option<Part>) -> bool {
        let Some(part) = part else {
            let rest = self.product.zip(&dilate(&self.region, 1), |is_product, is_changed| is_product && !is_changed);
            return rest.count() as f32 > MIN_REST_SHARE * self.product.count() as f32;
        };
        let colors = view.colors.map(Oklab::from);
        let found = part_of(&view.colors, &colors, &self.product, part);
        found.is_some_and(|found| !overlap(&found, &self.region))
    }

    /// Returns a painter for the rows of a picture of the given size, in pixels.
    pub fn painter(&self, width: usize, height: usize) -> Painter<'_> {
        Painter::new(self, width, height)
    }
}

/// Whether two regions share more than their edges.
fn overlap(one: &Plane<bool>, other: &Plane<bool>) -> bool {
    let shared = one.count_both(other) as f32;
    shared > MAX_SHARED * one.count().min(other.count()) as f32
}

/// Whether the picture is a product that was cut out: most of its border is transparent.
fn is_cut_out(opacity: &Plane<f32>) -> bool {
    opacity.ring_share(1, |x, y| opacity.at(x, y) < 0.1) > 0.6
}

/// Returns whether people may call a part of the color `found` by the color `named`. Every part may be called by a color
/// without a clear hue, such as white or brown, because shades of these vary.
fn may_be_called(named: Oklab, found: Oklab) -> bool {
    named.saturation() < MIN_NAMED_SATURATION
        || (found.saturation() >= MIN_FOUND_SATURATION && found.hue_from(named).abs() <= MAX_HUE_DIFFERENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::{Hex, Lab, ciede2000, luminance};

    /// Returns a shaded disc of `color` with a white highlight on a light ground, and the pixels of its body.
    fn disc(color: &str) -> (Plane<Rgb>, Vec<usize>) {
        let body = color.parse::<Hex>().unwrap().linear();
        let mut picture = Plane::filled(160, 160, [0.82; 3]);
        let mut inside = Vec::new();
        for index in 0..picture.data.len() {
            let (x, y) = ((index % 160) as f32 - 80.0, (index / 160) as f32 - 80.0);
            let radius = x.hypot(y) / 50.0;
            if radius < 1.0 {
                let shade = 0.55 + 0.45 * (1.0 - radius * radius).sqrt() + 0.1 * x / 50.0;
                let gloss = if (x + 18.0).hypot(y + 18.0) < 6.0 { 0.6 } else { 0.0 };
                picture.data[index] = body.map(|channel| (channel * shade + gloss).min(1.0));
                if radius < 0.9 {
                    inside.push(index);
                }
            }
        }
        (picture, inside)
    }

    fn difference(one: Rgb, other: Rgb) -> f64 {
        ciede2000(Lab::from(one), Lab::from(other))
    }

    #[test]
    fn the_region_shows_the_color_asked_for_and_the_ground_stays() {
        for from in ["#C62828", "#2E7D4F", "#1E90FF", "#F5C518", "#8A8A8A", "#1B1B1D"] {
            for to in ["#1E90FF", "#B22222", "#F4F1EA", "#20242A"] {
                let (picture, inside) = disc(from);
                let target = to.parse::<Hex>().unwrap().linear();
                let done = recolor(&picture, None, Change { from: None, part: None, to: target }).unwrap();
                let seen = dominant_color(&inside.iter().map(|index| done.data[*index]).collect::<Vec<_>>()).unwrap();
                let off = difference(seen, target);
                assert!(off < 3.0, "{from} to {to} shows {seen:?}, off by {off:.1}");
                assert_eq!(done.data[0], picture.data[0]);
                let shade = |plane: &Plane<Rgb>| luminance(plane.at(110, 80)) / luminance(plane.at(60, 95)).max(1e-3);
                assert!(to == "#20242A" || shade(&done) > 0.0);
            }
        }
    }

    #[test]
    fn a_product_that_the_border_cuts_is_recolored_up_to_the_border() {
        let (whole, _) = disc("#C62828");
        let cut = Plane { width: 160, height: 100, data: whole.data[..160 * 100].to_vec() };
        let blue = "#1E90FF".parse::<Hex>().unwrap().linear();
        let done = recolor(&cut, None, Change { from: None, part: None, to: blue }).unwrap();
        for (x, y) in [(80, 50), (60, 99), (80, 98), (110, 99)] {
            let [red, _, light] = done.at(x, y);
            assert!(light > 2.0 * red, "{x}, {y}: {:?}", done.at(x, y));
        }
        assert_eq!(done.at(5, 99), cut.at(5, 99));
    }

    #[test]
    fn a_hand_beside_a_pale_product_stays() {
        let (mut picture, _) = disc("#E4E2F0");
        let hand = "#C08A70".parse::<Hex>().unwrap().linear();
        for index in 0..picture.data.len() {
            let (x, y) = (index % 160, index / 160);
            if (105..135).contains(&x) && (110..140).contains(&y) {
                picture.data[index] = hand;
            }
        }
        picture.data.iter_mut().filter(|color| **color == [0.82; 3]).for_each(|color| *color = [0.5; 3]);
        let blue = "#1E90FF".parse::<Hex>().unwrap().linear();
        let done = recolor(&picture, None, Change { from: None, part: None, to: blue }).unwrap();
        assert_eq!(done.at(120, 125), hand);
        assert!(difference(done.at(70, 90), blue) < 20.0, "{:?}", done.at(70, 90));
    }

    #[test]
    fn a_named_color_picks_its_part() {
        let (mut picture, _) = disc("#C62828");
        let blue = "#1E90FF".parse::<Hex>().unwrap().linear();
        for index in 0..picture.data.len() {
            let (x, y) = (index % 160, index / 160);
            if (70..90).contains(&x) && (100..125).contains(&y) {
                picture.data[index] = blue;
            }
        }
        let green = "#2E7D4F".parse::<Hex>().unwrap().linear();
        let done = recolor(&picture, None, Change { from: Some(blue), part: None, to: green }).unwrap();
        assert!(difference(done.at(80, 112), green) < 3.0);
        assert_eq!(done.at(80, 60), picture.at(80, 60), "the red part stays");
    }

    #[test]
    fn a_swatch_is_recolored_as_a_whole_and_a_speck_is_no_product() {
        let wall = Plane::filled(64, 64, [0.8, 0.8, 0.8]);
        let change = Change { from: None, part: None, to: [1.0, 0.0, 0.0] };
        assert!(recolor(&wall, None, change).is_ok());
        assert_eq!(recolor(&Plane::filled(4, 4, [0.8; 3]), None, change), Err(NotFound::Product));
    }

    #[test]
    fn a_red_thing_may_not_be_called_green_and_a_pale_blue_one_may_be_called_blue() {
        let color = |hex: &str| Oklab::from(hex.parse::<Hex>().unwrap().linear());
        for (named, found) in
            [("#FF0000", "#C0282A"), ("#0000FF", "#9FB4C8"), ("#FFA500", "#B06030"), ("#FFFFFF", "#C0282A")]
        {
            assert!(may_be_called(color(named), color(found)), "{named} {found}");
        }
        for (named, found) in [("#008000", "#C0282A"), ("#FF0000", "#E8E8E6"), ("#0000FF", "#D8A020")] {
            assert!(!may_be_called(color(named), color(found)), "{named} {found}");
        }
    }
}
