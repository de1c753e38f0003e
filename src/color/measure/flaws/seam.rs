use crate::color::filter::{dilate, erode, shrink};
use crate::color::region::Background;
use crate::color::{Oklab, Plane, Rgb};

/// The distances from the outline at which its two sides are compared, in pixels. The pixels in between are mixed.
const INSIDE: usize = 2;
const OUTSIDE: usize = 3;

/// The largest difference in OKLab between the sides of one surface.
const MAX_SAME: f32 = 0.03;

/// The smallest difference in OKLab between the sides of a surface of which one was recolored.
const MIN_TORN: f32 = 0.1;

/// The smallest ratio of that difference to the one in the picture before.
const MIN_GROWTH: f32 = 3.0;

/// The smallest distance of a product from the background, in OKLab.
const MIN_PRODUCT_DISTANCE: f32 = 0.06;

/// The number of pixels, across and down, from which one of the background is estimated.
const BACKGROUND_STEP: usize = 4;

/// Returns the share of the outline of a recolored `region`, 0 to 1, along which the new color ends in the middle of a
/// surface: both sides were alike in the picture `before`, and they differ in the picture `after`.
///
/// Such is the outline of a part that was left out. The outline of a product has few such places, for example where it
/// is as dark as its shadow.
pub(super) fn torn_share([before, after]: [&Plane<Rgb>; 2], region: &Plane<bool>) -> f64 {
    let outline = region.zip(&erode(region, 1), |is_set, is_inner| is_set && !is_inner);
    let (deep, near) = (erode(region, INSIDE), dilate(region, OUTSIDE - 1));
    let is_torn = |[inside, outside]: [usize; 2]| {
        let step = |picture: &Plane<Rgb>| Oklab::from(picture.data[inside]).distance(picture.data[outside].into());
        let is_across = deep.data[inside] && !near.data[outside];
        is_across && step(before) < MAX_SAME && step(after) > MIN_TORN.max(MIN_GROWTH * step(before))
    };
    let torn: Vec<[usize; 2]> = (0..region.data.len())
        .filter(|index| outline.data[*index])
        .filter_map(|index| sides(region, index).find(|pair| is_torn(*pair)))
        .collect();
    if torn.is_empty() {
        return 0.0;
    }
    let small = |length: usize| (length / BACKGROUND_STEP).max(1);
    let background = Background::fit(&shrink(before, small(region.width), small(region.height)).map(Oklab::from));
    let is_product = |[_, outside]: &&[usize; 2]| {
        let [x, y] = [outside % region.width, outside / region.width];
        let (x, y) =
            ((x / BACKGROUND_STEP).min(small(region.width) - 1), (y / BACKGROUND_STEP).min(small(region.height) - 1));
        background.distance(x, y, before.data[*outside].into()) > MIN_PRODUCT_DISTANCE
    };
    torn.iter().filter(is_product).count() as f64 / outline.count() as f64
}

/// Returns the pixels inside and outside of the outline at one of its pixels, for each of four directions outwards.
fn sides<T>(plane: &Plane<T>, index: usize) -> impl Iterator<Item = [usize; 2]> + use<T> {
    let (width, height) = (plane.width, plane.height);
    let (x, y) = (index % width, index / width);
    let along = |at: usize, length: usize, step: usize| {
        let forth = (at >= INSIDE && at + OUTSIDE < length).then(|| [index - INSIDE * step, index + OUTSIDE * step]);
        let back = (at >= OUTSIDE && at + INSIDE < length).then(|| [index + INSIDE * step, index - OUTSIDE * step]);
        [forth, back]
    };
    [along(x, width, 1), along(y, height, width)].into_iter().flatten().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Rgb = [0.5, 0.02, 0.02];
    const WHITE: Rgb = [0.8; 3];
    const BLUE: Rgb = [0.02, 0.1, 0.6];

    /// Returns the share that is torn if a striped square of `color` becomes blue up to the column `until`, where its
    /// light changes by `step`.
    fn torn(color: Rgb, until: usize, step: f32) -> f64 {
        let is_product = |index: usize| (20..60).contains(&(index % 80)) && (20..60).contains(&(index / 80));
        let is_changed = |index: &usize| is_product(*index) && index % 80 < until;
        let lit = |index: usize, color: Rgb| {
            let stripe = if index / 80 % 8 < 4 { 0.1 } else { 0.0 };
            let shade = 0.6 + stripe + if index % 80 < until { 0.0 } else { step };
            color.map(|channel| channel * shade)
        };
        let picture = |new: Rgb| {
            let pixel = |index: usize| match (is_changed(&index), is_product(index)) {
                (true, _) => lit(index, new),
                (_, true) => lit(index, color),
                _ => [0.78; 3],
            };
            Plane { width: 80, height: 80, data: (0..6400).map(pixel).collect() }
        };
        let region = Plane { width: 80, height: 80, data: (0..6400).map(|index| is_changed(&index)).collect() };
        torn_share([&picture(color), &picture(BLUE)], &region)
    }

    #[test]
    fn what_ends_in_the_middle_of_a_surface_is_torn_there() {
        for color in [RED, [0.02; 3], WHITE] {
            let (side, outline) = (40.0, 2.0 * (40.0 + 30.0));
            assert!((torn(color, 50, 0.0) - side / outline).abs() < 0.1, "{color:?}: {}", torn(color, 50, 0.0));
        }
    }

    #[test]
    fn what_ends_at_an_edge_or_with_the_product_is_not_torn() {
        for color in [RED, [0.02; 3], WHITE] {
            assert!(torn(color, 60, 0.0) < 1e-9, "{color:?}: it is the whole product");
        }
        assert!(torn(RED, 50, 0.3) < 1e-9, "it was a part of its own");
        assert!(torn([0.78; 3], 60, 0.6) < 1e-9, "white on white");
    }
}
