use std::borrow::Cow;

use crate::color::elimination::solved;
use crate::color::filter::{Sample, gaussian, interpolate, shrink};
use crate::color::{Plane, Rgb};

/// The longer sides of the pictures that are compared, in pixels, from coarse to fine.
const SIDES: [usize; 3] = [64, 128, 256];

/// The largest shares of the cost of no motion that may remain at these sides. At a coarse one, a motion makes less of a
/// difference.
const MAX_COST_SHARES: [f64; 3] = [0.95, 0.85, 0.75];

/// The smallest side of a picture whose edges can be compared, in pixels.
const MIN_SIDE: usize = 16;

/// The largest number of steps at one size.
const MAX_STEPS: usize = 6;

/// The smallest step after which another one follows, as a share of the sides.
const MIN_STEP: f64 = 0.0005;

/// The smallest motion that matters, as a share of the sides: half a compared pixel.
const MIN_MOTION: f64 = 0.002;

/// The largest motion that is searched, as a share of the sides. Beyond it, the picture shows something else.
const MAX_MOTION: f64 = 0.06;

/// The strength at which an edge counts half as much as the strongest one. Recoloring changes how strong an edge is, but
/// hardly where it is.
const HALF_EDGE: f32 = 0.08;

/// The standard deviation of the blur of the edges, in pixels. Edges that do not overlap do not attract each other.
const BLUR: f32 = 1.0;

/// The difference between two edges, 0 to 1, from which on one of them most likely exists in one picture only.
const FOREIGN_EDGE: f32 = 0.2;

/// The share of the equations' trace that is added to their diagonal. It keeps what the edges do not determine at 0, such
/// as a shift along a line.
const DAMPING: f64 = 0.003;

/// Returns the picture `before` in the frame of the picture `after`, which has the same size. Generated pictures are often
/// framed slightly differently.
pub(super) fn registered<'p>(before: Cow<'p, Plane<Rgb>>, after: &Plane<Rgb>) -> Cow<'p, Plane<Rgb>> {
    match motion(&before, after) {
        Some(motion) => Cow::Owned(motion.applied(&before)),
        None => before,
    }
}

/// A motion between two pictures: a shift, and a stretch about the center.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Motion {
    /// The distances across and down, as shares of the sides.
    shift: [f64; 2],
    /// The relative growth across and down.
    stretch: [f64; 2],
}

/// Returns how `before` moves to `after`. `None` if it stays, or shows something else.
///
/// The edges of both pictures match best under this motion. It is found by the method of Lucas and Kanade (1981), from
/// coarse to fine. Edges in only one of the pictures have little weight, as in the estimate of Geman and McClure (1985).
fn motion(before: &Plane<Rgb>, after: &Plane<Rgb>) -> Option<Motion> {
    let [coarse, middle, fine] = SIDES;
    let (shorter, longer) = (before.width.min(before.height), before.width.max(before.height));
    // At the coarse size, a pixel needs neighbors on both sides.
    if shorter < MIN_SIDE || shorter * coarse < 3 * longer {
        return None;
    }
    let middle = [before, after].map(|picture| edges(picture, middle));
    let coarse = middle.each_ref().map(|edges| gaussian(&resized(edges, coarse), BLUR));
    let motion = Motion::default().refined(&coarse, MAX_COST_SHARES[0])?.refined(&middle, MAX_COST_SHARES[1])?;
    let fine = [before, after].map(|picture| edges(picture, fine));
    motion.refined(&fine, MAX_COST_SHARES[2])
}

impl Motion {
    /// Returns a picture after the motion. Beyond its border, it continues as it is there.
    fn applied<T: Sample>(self, before: &Plane<T>) -> Plane<T> {
        let positions = |axis: usize, length: usize| -> Vec<f32> {
            let position = |at: usize| {
                let source = centered(at, length) * (1.0 + self.stretch[axis]) + self.shift[axis];
                ((source + 0.5) * length as f64 - 0.5) as f32
            };
            (0..length).map(position).collect()
        };
        interpolate(before, &positions(0, before.width), &positions(1, before.height))
    }

    /// Returns the motion between the edges of two pictures, starting from this one. `None` if it is none, too large, or
    /// leaves more than `max_cost_share` of the cost without it.
    fn refined(self, [before, after]: &[Plane<f32>; 2], max_cost_share: f64) -> Option<Motion> {
        let mut motion = self;
        for _step in 0..MAX_STEPS {
            let step = motion.step(before, after)?;
            motion = motion.plus(step);
            if step.size() < MIN_STEP {
                break;
            }
        }
        let [without, with] = [Motion::default(), motion].map(|motion| motion.cost(before, after));
        let is_distinct = (MIN_MOTION..MAX_MOTION).contains(&motion.size()) && with < max_cost_share * without;
        is_distinct.then_some(motion)
    }

    fn plus(self, step: Motion) -> Motion {
        let sum = |one: [f64; 2], other: [f64; 2]| [one[0] + other[0], one[1] + other[1]];
        Motion { shift: sum(self.shift, step.shift), stretch: sum(self.stretch, step.stretch) }
    }

    /// Returns the largest distance by which it moves a corner, as a share of the sides.
    fn size(self) -> f64 {
        let along = |axis: usize| self.shift[axis].abs() + 0.5 * self.stretch[axis].abs();
        along(0).max(along(1))
    }

    /// Returns the sum of the differences that remain between the edges.
    fn cost(self, before: &Plane<f32>, after: &Plane<f32>) -> f64 {
        let moved = self.applied(before);
        let cost = |(one, other): (&f32, &f32)| (one - other) * (one - other) * share_of_same(one - other);
        moved.data.iter().zip(&after.data).map(|pair| f64::from(cost(pair))).sum()
    }

    /// Returns the next step of the method of Gauss and Newton. `None` if there are no edges.
    fn step(self, before: &Plane<f32>, after: &Plane<f32>) -> Option<Motion> {
        let moved = self.applied(before);
        let Plane { width, height, .. } = moved;
        let across: Vec<f32> = (1..width - 1).map(|x| centered(x, width) as f32).collect();
        let mut equations = Equations::default();
        for y in 1..height - 1 {
            let [above, row, below] = [y - 1, y, y + 1].map(|y| &moved.data[y * width..][..width]);
            equations.add_row([above, row, below], &after.data[y * width..][..width], &across, centered(y, height));
        }
        let [x, wider, y, taller] = equations.solution()?;
        let (width, height) = (width as f64, height as f64);
        Some(Motion { shift: [x / width, y / height], stretch: [wider / width, taller / height] })
    }
}

/// Returns the position of a pixel in a line, -0.5 to 0.5.
fn centered(at: usize, length: usize) -> f64 {
    (at as f64 + 0.5) / length as f64 - 0.5
}

/// The linear equations of a step, with the right side as the last column. The unknowns are, in pixels, the shift and
/// the growth across, and those down.
#[derive(Default)]
struct Equations([[f64; 5]; 4]);

impl Equations {
    /// Adds the inner pixels of the middle one of three rows, at the position `down`; those of its pixels are `across`.
    fn add_row(&mut self, [above, row, below]: [&[f32]; 3], after: &[f32], across: &[f32], down: f64) {
        let inner = 1..row.len() - 1;
        let x = of_pairs(&row[2..], row, |right, left| 0.5 * (right - left));
        let y = of_pairs(&below[inner.clone()], &above[inner.clone()], |lower, upper| 0.5 * (lower - upper));
        let off = of_pairs(&after[inner.clone()], &row[inner], |after, before| after - before);
        let weights: Vec<f32> = off.iter().map(|off| weight(*off)).collect();
        let product = |one: &[f32], other: &[f32]| of_pairs(one, other, |one, other| one * other);
        let (weighted_x, weighted_y, wider) = (product(&weights, &x), product(&weights, &y), product(&x, across));
        let weighted_wider = product(&weights, &wider);
        let taller = |sum: f64| sum * down;
        let (xx, xy, yy) = (dot(&weighted_x, &x), dot(&weighted_x, &y), dot(&weighted_y, &y));
        let (xw, ww, yw) = (dot(&weighted_x, &wider), dot(&weighted_wider, &wider), dot(&weighted_wider, &y));
        let [x_off, wider_off, y_off] = [&weighted_x, &weighted_wider, &weighted_y].map(|values| dot(values, &off));
        let sums = [
            [xx, xw, xy, taller(xy), x_off],
            [xw, ww, yw, taller(yw), wider_off],
            [xy, yw, yy, taller(yy), y_off],
            [taller(xy), taller(yw), taller(yy), taller(taller(yy)), taller(y_off)],
        ];
        self.0.as_flattened_mut().iter_mut().zip(sums.as_flattened()).for_each(|(sum, value)| *sum += value);
    }

    /// Returns the solution of the damped equations. `None` if all pixels are alike.
    fn solution(self) -> Option<[f64; 4]> {
        let Equations(mut rows) = self;
        let trace: f64 = (0..4).map(|at| rows[at][at]).sum();
        if trace < f64::from(f32::EPSILON) {
            return None;
        }
        (0..4).for_each(|at| rows[at][at] += DAMPING * trace);
        Some(solved(rows).map(|row| row[4]))
    }
}

fn of_pairs(one: &[f32], other: &[f32], value: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    one.iter().zip(other).map(|(one, other)| value(*one, *other)).collect()
}

/// Returns the weight of a pixel with a difference between its edges.
fn weight(off: f32) -> f32 {
    share_of_same(off) * share_of_same(off)
}

/// Returns the probability, 0 to 1, that two edges that differ by `off` are the same one.
fn share_of_same(off: f32) -> f32 {
    1.0 / (1.0 + off * off / (FOREIGN_EDGE * FOREIGN_EDGE))
}

/// Returns the sum of the products. Its eight partial sums are one vector.
fn dot(one: &[f32], other: &[f32]) -> f64 {
    let ((one, one_rest), (other, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (one, other) in one.iter().zip(other) {
        sums.iter_mut().zip(one.iter().zip(other)).for_each(|(sum, (one, other))| *sum += one * other);
    }
    let rest: f32 = one_rest.iter().zip(other_rest).map(|(one, other)| one * other).sum();
    f64::from(sums.iter().sum::<f32>() + rest)
}

/// Returns how distinct the edges of a picture are, 0 to 1, at a size with the longer `side` in pixels.
fn edges(picture: &Plane<Rgb>, side: usize) -> Plane<f32> {
    let mut small = resized(picture, side);
    // Square roots are about as uniform as what is seen.
    small.data.as_flattened_mut().iter_mut().for_each(|channel| *channel = channel.max(0.0).sqrt());
    let Plane { width, height, .. } = small;
    let mut edges = Plane::filled(width, height, 0.0);
    for y in 1..height - 1 {
        let [above, row, below] = [y - 1, y, y + 1].map(|y| small.data[y * width..][..width].as_flattened());
        let [above, below] = [above, below].map(|row| &row[3..]);
        let steps = row[6..].iter().zip(row).zip(below.iter().zip(above));
        let squares: Vec<f32> = steps
            .map(|((right, left), (below, above))| (right - left) * (right - left) + (below - above) * (below - above))
            .collect();
        for (edge, [red, green, blue]) in edges.data[y * width + 1..].iter_mut().zip(squares.as_chunks().0) {
            let strength = (0.5 * (red + green + blue)).sqrt();
            *edge = strength / (strength + HALF_EDGE);
        }
    }
    gaussian(&edges, BLUR)
}

/// Returns a picture whose longer side is at most `side` pixels.
fn resized<T: Sample>(picture: &Plane<T>, side: usize) -> Plane<T> {
    let longer = picture.width.max(picture.height);
    let scaled = |length: usize| (length * side.min(longer) / longer).max(1);
    shrink(picture, scaled(picture.width), scaled(picture.height))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RED: Rgb = [0.5, 0.02, 0.03];
    const BLUE: Rgb = [0.02, 0.15, 0.7];
    const WHITE: Rgb = [0.85; 3];

    /// Returns a picture, 200 by 160 pixels, after a motion. It shows a disc of a color with a black print, on a ground
    /// with a horizon.
    fn disc(color: Rgb, motion: Motion) -> Plane<Rgb> {
        let place = |at: usize, axis: usize| {
            let length = [200, 160][axis];
            (centered(at, length) * (1.0 + motion.stretch[axis]) + motion.shift[axis]) * length as f64
        };
        let pixel = |index: usize| {
            let (x, y) = (place(index % 200, 0) as f32, place(index / 200, 1) as f32);
            // Edges are one pixel wide, so that motions of parts of a pixel show.
            let inside = |distance: f32| (0.5 - distance).clamp(0.0, 1.0);
            let over = |below: Rgb, above: Rgb, share: f32| -> Rgb {
                std::array::from_fn(|channel| below[channel] * (1.0 - share) + above[channel] * share)
            };
            let ground = over([0.6, 0.58, 0.55], [0.4; 3], inside(y - 30.0));
            let body = over(ground, color, inside(x.hypot(y) - 50.0));
            over(body, [0.02; 3], inside((x - 10.0).abs() - 12.0).min(inside((y + 5.0).abs() - 8.0)))
        };
        Plane { width: 200, height: 160, data: (0..200 * 160).map(pixel).collect() }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_recolored_picture_with_another_frame_tells_its_motion(
            (across, down) in (-0.025..0.025, -0.025..0.025),
            (wider, taller) in (-0.04..0.04, -0.04..0.04),
            color in prop_oneof![Just(BLUE), Just(WHITE), Just([0.02; 3])],
        ) {
            let known = Motion { shift: [across, down], stretch: [wider, taller] };
            prop_assume!(known.size() > 2.0 * MIN_MOTION);
            let after = disc(color, known);
            let found = motion(&disc(RED, Motion::default()), &after);
            let off = found.map(|found| found.plus(Motion { shift: [-across, -down], stretch: [-wider, -taller] }));
            prop_assert!(off.is_some_and(|off| off.size() < MIN_MOTION), "{found:?} instead of {known:?}");
        }
    }

    #[test]
    fn a_picture_that_stays_or_shows_something_else_has_no_motion() {
        let before = disc(RED, Motion::default());
        assert_eq!(motion(&before, &disc(BLUE, Motion::default())), None);
        let noise = |index: usize| [(index * 7919 % 251) as f32 / 251.0; 3];
        let other = Plane { width: 200, height: 160, data: (0..200 * 160).map(|index| noise(index / 37)).collect() };
        assert_eq!(motion(&before, &other), None);
        for side in [1, 2, 15, 16, 100] {
            assert_eq!(motion(&Plane::filled(side, side, RED), &Plane::filled(side, side, BLUE)), None);
        }
    }
}
