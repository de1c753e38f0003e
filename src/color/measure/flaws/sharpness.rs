use crate::color::dominant_color::percentile;
use crate::color::filter::gaussian;
use crate::color::spaces::length;
use crate::color::{Plane, Rgb, luminance};

/// The steepness of the sharpest edges, relative to the same edges after a blur, below which a picture is blurred. Right
/// edits reach 2.2 only if the picture before was as soft, or if the product became nearly black.
const MIN_SHARPNESS: f32 = 2.2;

/// The share of the sharpness before that a right edit keeps, also if it is compressed or reduced to 320 pixels.
const MIN_KEPT_SHARE: f32 = 0.75;

/// The share of the edges that are less sharp than those measured. Shadows and folds are never sharp.
const SOFT_SHARE: f32 = 0.95;

/// The standard deviation of the blur that removes noise, in pixels.
const FINE: f32 = 0.5;

/// The standard deviation of the blur that removes details, in pixels.
const COARSE: f32 = 2.0;

/// The weakest edge after that blur, in square roots of linear light.
const MIN_EDGE: f32 = 0.02;

/// The share of horizontal and vertical edges from which on a picture consists of squares. Mosaics have at least 0.88.
const MIN_SQUARE_SHARE: f64 = 0.87;

/// The smallest rise of that share in a mosaic. A suitcase has nearly as many such edges itself.
const MIN_SQUARE_RISE: f64 = 0.04;

/// The strength at which an edge has half of the largest weight, in square roots of linear light.
const HALF_EDGE: f32 = 0.05;

/// Returns what became of the details of the picture before, if they are not in the picture after. Both have the same
/// size.
pub(super) fn lost_detail(pictures: [&Plane<Rgb>; 2]) -> Option<&'static str> {
    let lightness = pictures.map(|picture| picture.map(|color| luminance(color).max(0.0).sqrt()));
    if is_blurred(&lightness) {
        return Some("details were lost: the picture is blurred");
    }
    let [old, new] = lightness.each_ref().map(square_share);
    (new > MIN_SQUARE_SHARE && new - old > MIN_SQUARE_RISE).then_some("details were lost: the picture is a mosaic")
}

/// Whether the edges that both pictures have are less sharp in the second one.
///
/// Each edge is compared with itself after a blur. How strong it is, which recoloring changes, makes no difference then.
fn is_blurred(pictures: &[Plane<f32>; 2]) -> bool {
    let [old, new] = pictures.each_ref().map(|lightness| {
        let fine = gaussian(lightness, FINE);
        [steepness(&gaussian(&fine, COARSE)), steepness(&fine)]
    });
    let common: Vec<usize> =
        (0..old[0].data.len()).filter(|at| old[0].data[*at].min(new[0].data[*at]) > MIN_EDGE).collect();
    let sharpness = |[coarse, fine]: &[Plane<f32>; 2]| {
        let mut ratios: Vec<f32> = common.iter().map(|at| fine.data[*at] / coarse.data[*at]).collect();
        percentile(&mut ratios, SOFT_SHARE)
    };
    sharpness(&new)
        .is_some_and(|new| new < MIN_SHARPNESS && sharpness(&old).is_some_and(|old| new < MIN_KEPT_SHARE * old))
}

/// Returns the slopes at each pixel, across and down.
fn slopes(plane: &Plane<f32>) -> impl Iterator<Item = (usize, [f32; 2])> {
    let (width, height) = (plane.width, plane.height);
    let inner = (1..height.saturating_sub(1)).flat_map(move |y| (1..width.saturating_sub(1)).map(move |x| (x, y)));
    inner.map(move |(x, y)| {
        let across = plane.at(x + 1, y) - plane.at(x - 1, y);
        (y * width + x, [across, plane.at(x, y + 1) - plane.at(x, y - 1)])
    })
}

fn steepness(plane: &Plane<f32>) -> Plane<f32> {
    let mut steepness = plane.map(|_| 0.0);
    slopes(plane).for_each(|(at, [across, down])| steepness.data[at] = length(across, down));
    steepness
}

/// Returns the share of the edges, 0 to 1, that are horizontal or vertical. It is 0.64 if all directions are as frequent.
fn square_share(plane: &Plane<f32>) -> f64 {
    let (mut square, mut all) = (0.0, 0.0);
    for (_, [across, down]) in slopes(plane) {
        let strength = length(across, down);
        if strength > f32::EPSILON {
            let weight = 1.0 / (strength + HALF_EDGE);
            square += f64::from((across * across - down * down).abs() / strength * weight);
            all += f64::from(strength * weight);
        }
    }
    square / f64::max(all, f64::from(f32::EPSILON))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 128;

    /// Returns a picture of a ring with a print on a ground.
    fn picture(color: Rgb) -> Plane<Rgb> {
        let pixel = |index: usize| {
            let (x, y) = ((index % SIDE) as f32 - 64.0, (index / SIDE) as f32 - 60.0);
            let is_print = (x + y).abs() < 2.0 && x.abs() < 12.0;
            match x.hypot(y) {
                ..20.0 if is_print => [0.6, 0.5, 0.1],
                ..40.0 => color,
                _ => [0.5; 3],
            }
        };
        gaussian(&Plane { width: SIDE, height: SIDE, data: (0..SIDE * SIDE).map(pixel).collect() }, 0.4)
    }

    fn mosaic(picture: &Plane<Rgb>, side: usize) -> Plane<Rgb> {
        let data = (0..SIDE * SIDE).map(|at| picture.at(at % SIDE / side * side, at / SIDE / side * side)).collect();
        Plane { width: SIDE, height: SIDE, data }
    }

    #[test]
    fn a_blurred_picture_and_a_mosaic_have_lost_their_details_and_a_recolored_picture_has_not() {
        let before = picture([0.5, 0.02, 0.02]);
        for color in [[0.02, 0.1, 0.6], [0.02; 3], [0.85; 3]] {
            let after = picture(color);
            assert_eq!(lost_detail([&before, &after]), None, "{color:?}");
            assert_eq!(lost_detail([&before, &gaussian(&after, 0.6)]), None, "{color:?}, a bit soft");
            let blurred = lost_detail([&before, &gaussian(&after, 2.5)]);
            assert!(blurred.is_some_and(|reason| reason.contains("blurred")), "{color:?}: {blurred:?}");
            let squares = lost_detail([&before, &mosaic(&after, 7)]);
            assert!(squares.is_some_and(|reason| reason.contains("mosaic")), "{color:?}: {squares:?}");
        }
    }

    #[test]
    fn a_picture_that_was_soft_or_has_no_edges_has_nothing_to_lose() {
        let soft = gaussian(&picture([0.5, 0.02, 0.02]), 2.5);
        assert_eq!(lost_detail([&soft, &gaussian(&picture([0.02, 0.1, 0.6]), 2.5)]), None);
        let plain = soft.map(|_| [0.5; 3]);
        assert_eq!(lost_detail([&plain, &plain]), None);
    }
}
