use crate::color::filter::{Connected, box_blur, components, dilate, open};
use crate::color::shown::percentile;
use crate::color::spaces::length;
use crate::color::{Oklab, Plane};

use super::background::ground_around;
use super::burnt::BURNT;
use super::clusters::chroma_distance;
use super::edges::Edges;
use super::holes::{rim, windows};

/// How far from the chroma of the ground around a pixel may be that shows the ground, and how far half of them may be, in
/// OKLab: white products are 0.005 and more from it.
const ALIKE: (f32, f32) = (0.004, 0.0025);

/// How much darker or lighter than the ground around it such a pixel may be: shadows fall on it.
const SHADE: (f32, f32) = (-0.05, 0.03);

/// The smallest part that matters, as a share of the product.
const SMALLEST: f32 = 0.006;

/// How much of the line between such a part and the product must lie on edges of which strength: an end shows one, and
/// what only fades is the product's own light. The last is for where the ground is burnt out, as that light is, or much
/// darker than the product, whose shaded parts are as light as it then.
const ON_EDGES: [(f32, f32); 2] = [(0.01, 0.5), (0.02, 0.35)];
const ON_CLEAR_EDGES: (f32, f32) = (0.02, 0.7);

/// How much lighter than the ground most of a product is that is much lighter, in OKLab.
const LIGHTER: f32 = 0.10;

/// How often what is left is looked at again.
const ROUNDS: usize = 3;

/// Drops from a pale product what shows the ground, within a handle or between legs, where the product's lightness is the
/// ground's and its chroma alone is another.
///
/// What is dropped tells more of the ground, and so it is looked at again.
pub(super) fn without_ground_showing(mut mask: Plane<bool>, colors: &Plane<Oklab>, edges: &Edges) -> Plane<bool> {
    let soft = box_blur(&colors.map(|color| [color.l, color.a, color.b]), 1).map(|[l, a, b]| Oklab { l, a, b });
    for _round in 0..ROUNDS {
        let ground = ground_around(&mask, colors).map(|ground| ground.color);
        let Some(left) = with_less_ground(&Scene { mask: &mask, edges, colors: &soft, ground }) else { break };
        mask = left;
    }
    mask
}

/// The product without the parts that show the ground, if there are any.
fn with_less_ground(scene: &Scene<'_>) -> Option<Plane<bool>> {
    let mask = scene.mask;
    let alike = scene.alike();
    let is_lighter = scene.is_much_lighter(&alike);
    let (labels, sizes) = components(&open(&alike, 2), Connected::Sides);
    let windows = windows(&labels, sizes.len());
    let whole = mask.count() as f32;
    let mut places = vec![Vec::new(); sizes.len()];
    for (place, part) in labels.data.iter().enumerate().filter(|(_, part)| **part != 0) {
        places[*part as usize].push(place);
    }
    let mut is_ground = vec![false; sizes.len()];
    for (part, size) in sizes.iter().enumerate().skip(1).filter(|(_, size)| **size as f32 > SMALLEST * whole) {
        let own = &places[part];
        let line: Vec<usize> =
            rim(part, windows[part], &labels).into_iter().filter(|place| mask.data[*place]).collect();
        is_ground[part] = scene.has_ground_color(own)
            && if line.is_empty() { 2.0 * (*size as f32) < whole } else { scene.is_parted(own, &line, is_lighter) };
    }
    let dropped = dilate(&labels.map(|part| is_ground[part as usize]), 1);
    is_ground.contains(&true).then(|| open(&mask.zip(&dropped, |is_set, is_dropped| is_set && !is_dropped), 1))
}

/// A product and the ground behind it.
struct Scene<'s> {
    mask: &'s Plane<bool>,
    edges: &'s Edges,
    /// Without what is finer than a pixel or two.
    colors: &'s Plane<Oklab>,
    /// The color of the ground around each pixel.
    ground: Plane<Oklab>,
}

impl Scene<'_> {
    /// What of the product looks like the ground around it.
    fn alike(&self) -> Plane<bool> {
        let looks_alike = |own: Oklab, ground: Oklab| {
            (SHADE.0..SHADE.1).contains(&(own.l - ground.l)) && chroma_distance(own, ground) < ALIKE.0
        };
        self.colors.zip(&self.ground, looks_alike).zip(self.mask, |is_alike, is_set| is_alike && is_set)
    }

    fn is_much_lighter(&self, alike: &Plane<bool>) -> bool {
        let rest: Vec<usize> =
            (0..alike.data.len()).filter(|place| self.mask.data[*place] && !alike.data[*place]).collect();
        median(&rest, |place| self.colors.data[place].l - self.ground.data[place].l) > LIGHTER
    }

    fn has_ground_color(&self, part: &[usize]) -> bool {
        let off =
            |of: fn(Oklab) -> f32| median(part, |place| of(self.colors.data[place]) - of(self.ground.data[place]));
        length(off(|color| color.a), off(|color| color.b)) < ALIKE.1
    }

    /// Whether a part ends at the `line` between it and the product, and does not just fade there.
    fn is_parted(&self, part: &[usize], line: &[usize], is_much_lighter: bool) -> bool {
        let ends = |(strength, share): (f32, f32)| {
            self.edges.share_of(line.iter().copied(), strength.max(3.0 * self.edges.noise)) >= share
        };
        let is_burnt = median(part, |place| self.ground.data[place].l) > BURNT;
        ON_EDGES.into_iter().all(ends) && (!(is_burnt || is_much_lighter) || ends(ON_CLEAR_EDGES))
    }
}

fn median(places: &[usize], of: impl Fn(usize) -> f32) -> f32 {
    percentile(&mut places.iter().map(|place| of(*place)).collect::<Vec<_>>(), 0.5).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::holes::tests::disc;
    use super::*;

    /// Whether the middle and the rim of a pale disc are left, whose color depends on the distance from its middle, in
    /// radii.
    fn left(color: impl Fn(f32) -> Oklab) -> (bool, bool) {
        let (colors, mask, edges) = disc(Oklab { l: 0.92, a: 0.0, b: 0.0 }, |distance| color(distance / 45.0));
        let found = without_ground_showing(mask, &colors, &edges);
        (found.at(60, 60), found.at(60, 20))
    }

    #[test]
    fn the_ground_within_a_white_handle_is_told_by_its_chroma() {
        let handle = |l: f32| {
            move |radius: f32| {
                if radius < 0.7 { Oklab { l, a: 0.0, b: 0.0 } } else { Oklab { l: 0.9, a: 0.0, b: 0.01 } }
            }
        };
        assert_eq!(left(handle(0.92)), (false, true));
        assert_eq!(left(handle(0.89)), (false, true), "in the handle's shade");
        assert_eq!(left(handle(0.97)), (true, true), "lighter than any ground there");
    }

    #[test]
    fn a_light_that_fades_on_something_white_is_no_ground() {
        let fading = |radius: f32| Oklab { l: 0.9, a: 0.0, b: (0.02 * radius - 0.004).max(0.0) };
        assert_eq!(left(fading), (true, true));
    }
}
