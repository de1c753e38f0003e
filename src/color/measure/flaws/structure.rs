use crate::color::filter::{dilate, enlarge, gaussian, shrink};
use crate::color::{Plane, Rgb};

/// The longer side of the pictures whose edges are compared, in pixels. At this size, edges that are off by 3 % of the
/// picture still overlap.
const SIDE: usize = 64;

/// The standard deviation of the blur of the edges, in pixels of that size.
const BLUR: f32 = 1.0;

/// The strength at which an edge counts half as much as the strongest one, in square roots of linear light. The edges of
/// a black product are weak, but they are where they were.
const HALF_EDGE: f32 = 0.03;

/// The width of the surroundings that belong to a region, as a share of the longer side. Its outline is in them.
const MARGIN: f64 = 1.0 / 32.0;

/// Returns the share of the edges in and around a `region` that both pictures have in common: 1 if all edges of one
/// picture are in the other, and about 0 if the two show different things.
///
/// Recoloring makes edges stronger or weaker, and some appear or vanish, but they stay where they are and keep their
/// direction. Of the two pictures, the one more of whose edges are in the other counts, because a white product on white
/// ground shows fewer edges than the same product in black.
pub(super) fn common_structure(pictures: [&Plane<Rgb>; 2], region: &Plane<bool>) -> f64 {
    let longer = region.width.max(region.height);
    let scaled = |side: usize| (side * SIDE.min(longer) / longer).max(1);
    let (width, height) = (scaled(region.width), scaled(region.height));
    let near = enlarge(&dilate(region, (longer as f64 * MARGIN) as usize), width, height);
    let [old, new] = pictures.map(|picture| directions(&shrink(picture, width, height)));
    share_found(&old, &new, &near).max(share_found(&new, &old, &near))
}

/// Returns the share of the edges of `one` within `area` that are in `other` and have the same direction there. Edges at
/// right angles count against it.
fn share_found(one: &Plane<[f32; 2]>, other: &Plane<[f32; 2]>, area: &Plane<bool>) -> f64 {
    let (mut found, mut all) = (0.0, 0.0);
    let edges = one.data.iter().zip(&other.data).zip(&area.data).filter(|(_, is_set)| **is_set);
    for ((one, other), _) in edges {
        let product = one[0] * other[0] + one[1] * other[1];
        found += f64::from(product / (other[0].hypot(other[1]) + HALF_EDGE));
        all += f64::from(one[0].hypot(one[1]));
    }
    found / f64::max(all, f64::from(f32::EPSILON))
}

/// Returns the edges of a picture as vectors: twice their angle, and how distinct they are, 0 to 1. With doubled angles,
/// an edge from dark to light has the same direction as one from light to dark.
fn directions(picture: &Plane<Rgb>) -> Plane<[f32; 2]> {
    let roots = picture.map(|color| color.map(|channel| channel.max(0.0).sqrt()));
    let mut edges = Plane::filled(picture.width, picture.height, [0.0; 2]);
    for y in 1..picture.height.saturating_sub(1) {
        for x in 1..picture.width.saturating_sub(1) {
            let (mut cosine, mut sine, mut square) = (0.0, 0.0, 0.0);
            for channel in 0..3 {
                let across = roots.at(x + 1, y)[channel] - roots.at(x - 1, y)[channel];
                let down = roots.at(x, y + 1)[channel] - roots.at(x, y - 1)[channel];
                cosine += across * across - down * down;
                sine += 2.0 * across * down;
                square += across * across + down * down;
            }
            let strength: f32 = square.sqrt();
            if strength > f32::EPSILON {
                let scale = 1.0 / (strength * (strength + HALF_EDGE));
                edges.data[y * picture.width + x] = [cosine * scale, sine * scale];
            }
        }
    }
    gaussian(&edges, BLUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 128;
    const RED: Rgb = [0.5, 0.02, 0.02];
    const BLUE: Rgb = [0.02, 0.1, 0.6];

    /// Returns a picture of something of a color on a white ground.
    fn picture(color: Rgb, is_product: impl Fn(f32, f32) -> bool) -> Plane<Rgb> {
        let pixel = |index: usize| {
            let (x, y) = ((index % SIDE) as f32 - 64.0, (index / SIDE) as f32 - 64.0);
            if is_product(x, y) { color.map(|channel| channel * (0.8 + x / 320.0)) } else { [0.85; 3] }
        };
        Plane { width: SIDE, height: SIDE, data: (0..SIDE * SIDE).map(pixel).collect() }
    }

    fn ball(x: f32, y: f32) -> bool {
        x.hypot(y) < 40.0 && x.hypot(y - 10.0) > 10.0
    }

    /// Returns what two pictures have in common where they differ.
    fn common(before: &Plane<Rgb>, after: &Plane<Rgb>) -> f64 {
        let region = before.zip(after, |one, other| (one[0] - other[0]).abs() + (one[2] - other[2]).abs() > 0.1);
        common_structure([before, after], &region)
    }

    #[test]
    fn a_recolored_product_stays_where_it_is_even_if_it_moves_or_grows_a_bit() {
        let before = picture(RED, ball);
        for color in [BLUE, [0.02; 3], [0.75; 3]] {
            for moved in [0.0, 1.5] {
                let after = picture(color, |x, y| ball((x - moved) * 0.985, y * 0.985));
                let share = common(&before, &after);
                assert!(share > 0.6, "{color:?}, moved by {moved}: {share}");
            }
        }
    }

    #[test]
    fn another_product_has_nothing_in_common_with_it() {
        let before = picture(RED, ball);
        let others: [fn(f32, f32) -> bool; 2] = [
            |x, y| x.abs() < 12.0 && y.abs() < 55.0,
            |x, y| x.abs() < 55.0 && (y.abs() < 6.0 || (y > 0.0 && (x.abs() - 45.0).abs() < 5.0)),
        ];
        for (number, other) in others.into_iter().enumerate() {
            for color in [BLUE, [0.02; 3]] {
                let share = common(&before, &picture(color, other));
                assert!(share < 0.35, "{number} in {color:?}: {share}");
            }
        }
    }
}
