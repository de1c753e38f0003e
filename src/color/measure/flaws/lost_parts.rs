use super::lit_surface::LitSurface;
use crate::color::filter::open;
use crate::color::{Plane, Rgb};

/// The smallest distance between a pixel and the best that one light makes of the surface in both pictures, from which
/// on the pixel is not that surface. Light that a product throws on itself reaches 0.1 in its folds.
const MIN_FOREIGN: f32 = 0.12;

/// The largest such distance in the picture after, at which a pixel has the new color.
const MAX_OWN: f32 = 0.04;

/// Returns the share of a recolored `region`, 0 to 1, that belongs to parts of another color before and has the new
/// color now. Examples are a handle or a wheel. Smaller things, such as prints, are those of
/// [`painted_over`](super::lost_prints::painted_over).
///
/// A pixel of the recolored surface is `shade * old + gloss` before and `shade * new + gloss` after, with one shade and
/// one gloss. For a part of another color, no two such numbers suit both pictures.
///
/// In colored surroundings, the same thing shows several `surfaces`. `others` are the pixels of the region that are not
/// close to any of them. `main` is the color of most of it in the picture after.
pub(super) fn lost_parts(
    [before, after]: [&Plane<Rgb>; 2],
    surfaces: &[LitSurface<2>],
    main: Rgb,
    others: &[usize],
    region: &Plane<bool>,
) -> f64 {
    let alone = LitSurface::new([main]);
    let is_lost = |index: usize| {
        let (old, new) = (before.data[index], after.data[index]);
        surfaces.iter().all(|surface| surface.is_beyond([old, new], MIN_FOREIGN)) && !alone.is_beyond([new], MAX_OWN)
    };
    let mut lost = region.map(|_| false);
    others.iter().for_each(|index| lost.data[*index] = is_lost(*index));
    open(&lost, 1).count() as f64 / region.count().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Rgb = [0.56, 0.02, 0.02];
    const BLUE: Rgb = [0.02, 0.2, 0.9];
    const GREY: Rgb = [0.3; 3];
    const BLACK: Rgb = [0.012; 3];
    const WHITE: Rgb = [0.85; 3];
    const WOOD: Rgb = [0.35, 0.19, 0.08];

    fn all(region: &Plane<bool>) -> Vec<usize> {
        (0..region.data.len()).collect()
    }

    /// Returns the share of a surface that is lost when its color changes from `old` to `new`. It is shaded, and has a
    /// highlight. A tenth of it is a part with the colors `part` before and after.
    fn lost(old: Rgb, new: Rgb, part: [Rgb; 2]) -> f64 {
        let picture = |body: Rgb, part: Rgb| {
            let color = |index: usize| {
                let (x, y) = (index % 60, index / 60);
                let gloss = if (40..50).contains(&x) && (40..50).contains(&y) { 0.4 } else { 0.0 };
                let shade = 0.5 + 0.5 * y as f32 / 60.0;
                let color = if y >= 54 { part } else { body };
                color.map(|channel| (channel * shade + gloss).min(1.0))
            };
            Plane { width: 60, height: 60, data: (0..3600).map(color).collect() }
        };
        let region = Plane::filled(60, 60, true);
        let pictures = [&picture(old, part[0]), &picture(new, part[1])];
        lost_parts(pictures, &[LitSurface::new([old, new])], new, &all(&region), &region)
    }

    #[test]
    fn a_part_that_took_on_the_new_color_is_lost() {
        for (old, new, part) in
            [(RED, BLUE, WOOD), (RED, BLUE, WHITE), (WHITE, RED, BLACK), (BLACK, RED, WOOD), (WHITE, BLACK, WOOD)]
        {
            let share = lost(old, new, [part, new]);
            assert!((share - 0.1).abs() < 0.02, "{part:?} on {old:?} that is {new:?} now: {share}");
        }
    }

    #[test]
    fn a_side_that_a_colored_floor_does_not_light_is_no_part() {
        let tint = [1.35f32, 0.95, 0.6];
        let lit = |color: Rgb| -> Rgb { std::array::from_fn(|channel| color[channel] * tint[channel]) };
        let picture = |color: Rgb| Plane {
            width: 60,
            height: 60,
            data: (0..3600).map(|index| if index / 60 < 12 { color } else { lit(color) }).collect(),
        };
        let (old, new) = ([0.02, 0.25, 0.85], [0.72, 0.68, 0.55]);
        let (pictures, region) = ([&picture(old), &picture(new)], Plane::filled(60, 60, true));
        let most = [lit(old), lit(new)];
        let lost = |pairs: &[[Rgb; 2]]| {
            let surfaces: Vec<_> = pairs.iter().copied().map(LitSurface::new).collect();
            lost_parts(pictures, &surfaces, most[1], &all(&region), &region)
        };
        assert!(lost(&[most]) > 0.1);
        assert!(lost(&[most, [old, new]]) < 1e-9);
    }

    #[test]
    fn shade_and_gloss_are_no_part_and_neither_is_one_that_got_a_third_color() {
        for (old, new) in [(RED, BLUE), (WHITE, RED), (GREY, BLACK), (BLACK, WHITE), (BLACK, BLACK)] {
            assert!(lost(old, new, [old, new]) < 1e-9, "{old:?} that is {new:?} now");
        }
        assert!(lost(RED, BLUE, [BLACK, WOOD]) < 1e-9);
    }
}
