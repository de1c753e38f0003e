use crate::color::filter::{dilate, erode, gaussian};
use crate::color::{Plane, Rgb};

use super::matte::{Rim, gathered};

/// The largest distance by which an outline may move, in pixels.
const MAX_MOVE: usize = 4;

/// The distance from a pixel within which the colors of both sides are gathered, in pixels.
const GATHER_RADIUS: usize = 9;

/// The smallest certainty at which a pixel's color decides its side, 0 to 1.
const MIN_CERTAINTY: f32 = 0.5;

/// The standard deviation of the blur that weighs the sides of neighbors, in pixels.
const SMOOTHING_SIGMA: f32 = 1.2;

/// The number of times the sides are smoothed.
const SMOOTHING_ROUNDS: usize = 3;

/// Returns the region with its outline moved to the end of its colors.
///
/// A region made of basins and of matching colors has notches and bumps if its rim is darker or lighter than the rest.
/// Each pixel near the outline is compared with pixels deeper inside and farther outside, and with the sides of its
/// neighbors. If colors are uncertain, or if there are no pixels deep inside, the outline remains unchanged.
pub(crate) fn redrawn(picture: &Plane<Rgb>, region: &Plane<bool>) -> Plane<bool> {
    let (inner, near) = (erode(region, MAX_MOVE), dilate(region, MAX_MOVE));
    let share = |is_there: bool| if is_there { 1.0 } else { 0.0 };
    let front = gathered(picture, &near, GATHER_RADIUS, |index| share(inner.data[index]));
    let back = gathered(picture, &near, GATHER_RADIUS, |index| share(!near.data[index]));
    let told = |index: usize| {
        let ((front, front_noise), (back, back_noise)) = (front(index)?, back(index)?);
        let rim = Rim { front, back, prior: 0.5, front_noise, back_noise };
        let (share, trust) = rim.share_by_color(picture.data[index]);
        (trust > MIN_CERTAINTY).then_some((index, trust * (share - 0.5)))
    };
    let is_near = |index: &usize| near.data[*index] && !inner.data[*index];
    let told: Vec<(usize, f32)> = (0..region.data.len()).filter(is_near).filter_map(told).collect();
    let mut drawn = region.clone();
    for _round in 0..SMOOTHING_ROUNDS {
        let around = gaussian(&drawn.map(share), SMOOTHING_SIGMA);
        for (index, own) in &told {
            drawn.data[*index] = around.data[*index] - 0.5 + own > 0.0;
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUND: Rgb = [0.7, 0.68, 0.62];

    /// Returns the redrawn mask of a box of `color` on the ground, whose right side was found with a notch and a bump,
    /// and the true mask of the box.
    fn redrawn_box(color: Rgb) -> (Plane<bool>, Plane<bool>) {
        let is_box = |x: usize, y: usize| (20..60).contains(&x) && (20..80).contains(&y);
        let box_there = Plane {
            width: 100,
            height: 100,
            data: (0..10_000).map(|index| is_box(index % 100, index / 100)).collect(),
        };
        let picture = box_there.map(|is_box| if is_box { color } else { GROUND });
        let mut found = box_there.clone();
        for y in 30..36 {
            (57..60).for_each(|x| found.data[y * 100 + x] = false);
            (60..63).for_each(|x| found.data[(y + 20) * 100 + x] = true);
        }
        (redrawn(&picture, &found), box_there)
    }

    #[test]
    fn notches_and_bumps_go_where_colors_tell_the_sides_apart() {
        let (drawn, box_there) = redrawn_box([0.02; 3]);
        let wrong = drawn.zip(&box_there, |is_drawn, is_box| is_drawn != is_box).count();
        assert!(wrong <= 4, "{wrong} pixels, at the corners");
    }

    #[test]
    fn what_looks_like_the_ground_stays_as_it_was_found() {
        let (drawn, _) = redrawn_box(GROUND.map(|channel| channel + 0.001));
        assert!(!drawn.at(58, 32) && drawn.at(61, 52));
    }

    #[test]
    fn a_thin_handle_stays() {
        let is_there = |x: usize, y: usize| x < 60 || (48..52).contains(&y);
        let found =
            Plane { width: 100, height: 100, data: (0..10_000).map(|at| is_there(at % 100, at / 100)).collect() };
        let picture = found.map(|is_set| if is_set { [0.02; 3] } else { GROUND });
        assert!(redrawn(&picture, &found).at(90, 50));
    }
}
