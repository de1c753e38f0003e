use super::unchanged_area::MAX_UNCHANGED;
use crate::color::dominant_color::sampled;
use crate::color::filter::{dilate, enlarge, open, shrink};
use crate::color::region::{ANALYZED_SIDE, Background, find_foreground, material};
use crate::color::{Oklab, Plane, Rgb, dominant_color};

/// What of a product was to be recolored, as far as its prompt says so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Scope {
    /// The product, which means its main material.
    #[default]
    Product,
    /// The material of this color, in linear light.
    Material(Rgb),
    /// A part that only its name distinguishes.
    Part,
    /// The prompt is not understood.
    Unclear,
}

/// A surface in a picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surface<'p> {
    pub(super) area: &'p Plane<bool>,
    pub(super) color: Rgb,
}

impl Surface<'_> {
    /// Returns how much the surface contributes to the color of a product: its area, with the weight of its color.
    fn weight(self) -> f64 {
        self.area.count() as f64 * weight_of(Oklab::from(self.color))
    }
}

/// A product whose main material kept its color although something was recolored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct KeptProduct {
    /// The size of what was recolored, relative to the main material.
    pub(super) recolored: f64,
    /// Whether what was recolored is certainly not what was meant.
    pub(super) is_certain: bool,
}

/// The longer side of the picture in which the product is searched, in pixels. Half the size that recoloring needs is
/// enough to find its main material.
const SEARCHED_SIDE: usize = ANALYZED_SIDE / 2;

/// The longer side of the picture in which other objects are searched, in pixels.
const GLANCED_SIDE: usize = 64;

/// The weight of colorful areas relative to neutral ones. A colorful surface gives a product its color even if a
/// neutral one is larger: a blue drink with a large white label is blue.
const COLORFUL_WEIGHT: f64 = 2.0;

/// The largest size of what was recolored, by area and by weight, relative to the main material, at which it is certainly
/// not the product.
const MAX_CERTAIN_SIZE: f64 = 0.5;

/// The smallest distance of an object from the background, in OKLab.
const MIN_OBJECT_DISTANCE: f32 = 0.05;

/// The smallest distance between two parts of a product with colors of their own, in OKLab. Wood and brass have the hue
/// of red and yellow fabric, and the search may take them for one material.
const MIN_PART_DISTANCE: f32 = 0.12;

/// The distance from the region within which pixels are mixed with it, in pixels.
const MAX_MIXED: usize = 3;

/// Returns the product in the picture `before`, if its main material kept its color and the changed `region` is
/// something else.
///
/// The product is searched for without regard to the region. Both halves of the statement take a majority: most of the
/// main material is unchanged, and most of the region is not main material or has another color. The region must also be
/// the smaller of the two, by area and by weight, because the search may have taken the wrong one for the main material.
///
/// The search takes longer than the rest of the check. It is skipped if the picture shows nothing unchanged that could
/// outweigh the region, which is the case for nearly all correct edits.
pub(super) fn kept_product(
    before: &Plane<Rgb>,
    differences: &Plane<f32>,
    recolored: Surface<'_>,
    scope: Scope,
) -> Option<KeptProduct> {
    let region = recolored.area;
    if scope == Scope::Part || weight_of_others(before, differences, region) < recolored.weight() {
        return None;
    }
    let unchanged = unchanged(differences, region, MAX_MIXED);
    let longer = before.width.max(before.height);
    let scaled = |side: usize| (side * SEARCHED_SIDE.min(longer) / longer).max(side.min(8));
    let (width, height) = (scaled(before.width), scaled(before.height));
    let picture = shrink(before, width, height);
    let [region, unchanged] = [region, &unchanged].map(|mask| enlarge(mask, width, height));
    let product = find_foreground(&picture).product;
    let main = material(&picture, &product, None);
    let is_apart = |meant: &Plane<bool>| {
        let color = dominant_color(&sampled(&picture, meant));
        color.is_some_and(|color| Oklab::from(color).distance(recolored.color.into()) > MIN_PART_DISTANCE)
    };
    let is_kept = |meant: &Plane<bool>| {
        2 * meant.count_both(&unchanged) > meant.count()
            && (2 * region.count_both(meant) < region.count() || is_apart(meant))
    };
    let is_other_kept = match scope {
        Scope::Material(color) => is_kept(&material(&picture, &product, Some(color))),
        _ => true,
    };
    let color = dominant_color(&sampled(&picture, &main))?;
    let ratio = Surface { area: &region, color: recolored.color }.weight() / Surface { area: &main, color }.weight();
    let recolored = region.count() as f64 / main.count() as f64;
    let size = ratio.max(recolored);
    (is_kept(&main) && is_other_kept && size < 1.0)
        .then_some(KeptProduct { recolored, is_certain: size < MAX_CERTAIN_SIZE && scope != Scope::Unclear })
}

fn weight_of(color: Oklab) -> f64 {
    if color.saturation() > Oklab::NEUTRAL_SATURATION { COLORFUL_WEIGHT } else { 1.0 }
}

/// Returns the pixels that did not change and are farther than `distance` from the region.
fn unchanged(differences: &Plane<f32>, region: &Plane<bool>, distance: usize) -> Plane<bool> {
    differences.zip(&dilate(region, distance), |off, is_near| off < MAX_UNCHANGED && !is_near)
}

/// Returns the weight of all unchanged objects in front of the background, in pixels of `picture`.
fn weight_of_others(picture: &Plane<Rgb>, differences: &Plane<f32>, region: &Plane<bool>) -> f64 {
    let step = (picture.width.max(picture.height) / GLANCED_SIDE).max(1);
    let colors = thinned(picture, step).map(Oklab::from);
    let background = Background::fit(&colors);
    let mut objects = unchanged(&thinned(differences, step), &thinned(region, step), MAX_MIXED.div_ceil(step));
    for (index, is_object) in objects.data.iter_mut().enumerate().filter(|(_, is_unchanged)| **is_unchanged) {
        let (x, y) = (index % colors.width, index / colors.width);
        *is_object = background.distance(x, y, colors.data[index]) > MIN_OBJECT_DISTANCE;
    }
    let objects = open(&objects, 1);
    let weights = colors.data.iter().zip(&objects.data).filter(|(_, is_object)| **is_object);
    weights.map(|(color, _)| weight_of(*color)).sum::<f64>() * (step * step) as f64
}

/// Returns every `step`-th pixel of every `step`-th row.
fn thinned<T: Copy>(plane: &Plane<T>, step: usize) -> Plane<T> {
    let (width, height) = (plane.width.div_ceil(step), plane.height.div_ceil(step));
    let data = (0..width * height).map(|index| plane.at(index % width * step, index / width * step)).collect();
    Plane { width, height, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Rgb = [0.5, 0.02, 0.02];
    const BLACK: Rgb = [0.015; 3];
    const WHITE: Rgb = [0.85; 3];

    /// A place in a picture of a jar.
    #[derive(Clone, Copy, PartialEq)]
    enum Place {
        Body,
        Lid,
        Wall,
    }

    /// Returns what is found if one place was recolored. The jar has a black lid and stands in front of a grey
    /// wall. The rows of the lid are `lid`.
    fn found(body: Rgb, lid: std::ops::Range<usize>, recolored: Place, scope: Scope) -> Option<KeptProduct> {
        let place = |index: usize| match (index % 200, index / 200) {
            (60..140, y) if lid.contains(&y) => Place::Lid,
            (60..140, y) if (lid.end..170).contains(&y) => Place::Body,
            _ => Place::Wall,
        };
        let own = |place: Place| match place {
            Place::Body => body,
            Place::Lid => BLACK,
            Place::Wall => [0.35; 3],
        };
        let color = |index: usize| {
            let shade = 0.75 + 0.25 * (index / 200) as f32 / 200.0;
            own(place(index)).map(|channel| channel * shade)
        };
        let before = Plane { width: 200, height: 200, data: (0..40_000).map(color).collect() };
        let region =
            Plane { width: 200, height: 200, data: (0..40_000).map(|index| place(index) == recolored).collect() };
        kept_product(
            &before,
            &region.map(|is_set| if is_set { 30.0 } else { 0.1 }),
            Surface { area: &region, color: own(recolored) },
            scope,
        )
    }

    #[test]
    fn a_product_whose_lid_was_recolored_kept_its_color() {
        for body in [RED, WHITE] {
            let kept = found(body, 30..50, Place::Lid, Scope::Product).unwrap();
            assert!(kept.is_certain && (kept.recolored - 20.0 / 120.0).abs() < 0.03, "{kept:?}");
            assert_eq!(found(body, 30..50, Place::Body, Scope::Product), None);
        }
    }

    #[test]
    fn legs_of_wood_are_another_part_than_the_yellow_above_them() {
        let (yellow, wood) = ([0.9, 0.56, 0.02], [0.22, 0.12, 0.045]);
        let color = |index: usize| match (index % 200, index / 200) {
            (50..150, 40..140) => yellow.map(|channel| channel * (0.7 + (index % 200) as f32 / 600.0)),
            (55..65 | 135..145, 140..170) => wood,
            _ => [0.8; 3],
        };
        let before = Plane { width: 200, height: 200, data: (0..40_000).map(color).collect() };
        let region = before.map(|pixel| pixel == wood);
        let differences = region.map(|is_set| if is_set { 30.0 } else { 0.1 });
        let kept = kept_product(&before, &differences, Surface { area: &region, color: wood }, Scope::Product);
        assert!(kept.is_some_and(|kept| kept.is_certain), "{kept:?}");
    }

    #[test]
    fn a_lid_that_was_meant_is_no_other_part() {
        assert_eq!(found(RED, 30..50, Place::Lid, Scope::Part), None);
        assert_eq!(found(RED, 30..50, Place::Lid, Scope::Material(BLACK)), None);
        assert!(found(RED, 30..50, Place::Lid, Scope::Material(RED)).is_some());
    }

    #[test]
    fn nothing_is_certain_if_a_prompt_is_unclear_or_two_surfaces_are_nearly_as_important() {
        assert!(!found(RED, 30..50, Place::Lid, Scope::Unclear).unwrap().is_certain);
        for body in [RED, WHITE] {
            let kept = found(body, 30..90, Place::Lid, Scope::Product).unwrap();
            assert!(!kept.is_certain, "{body:?}: {kept:?}");
        }
        assert_eq!(found(WHITE, 30..120, Place::Lid, Scope::Product), None);
        assert_eq!(found(RED, 30..105, Place::Lid, Scope::Product), None);
        assert_eq!(found(BLACK, 30..50, Place::Wall, Scope::Product), None);
    }
}
