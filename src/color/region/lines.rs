use crate::color::filter::{Connected, close, components, dilate, flooded, open};
use crate::color::{Plane, Rgb};

use super::unmix::{Unmix, norm};

/// The smallest share of body, relative to veil, in a pixel of a line. Most of the pixel may be its surroundings.
const MIN_BODY_SHARE: f32 = 0.2;

/// The smallest number of pixels in a line.
const MIN_PIXELS: usize = 8;

/// Adds the thin lines of the color `body` that continue from `region`, such as the far rim of a mug. The product's
/// outline is found with a brush that is wider than such lines.
///
/// Wide areas are not added, because color cast on the floor is not a line.
pub(super) fn with_lines(picture: &Plane<Rgb>, region: Plane<bool>, body: Rgb) -> Plane<bool> {
    let unmix = Unmix::new(body, 0.0);
    let length = norm(body);
    let is_of_body = |pixel: Rgb| {
        let split = unmix.split(pixel);
        split.0 * length > MIN_BODY_SHARE * split.1 && unmix.is_of_body(pixel, split)
    };
    let grown = flooded(&region, |_, neighbor| is_of_body(picture.data[neighbor]));
    // All pixels next to the region are mixtures. Only mixtures that lead further from there make lines.
    let near = dilate(&region, 1);
    let beyond = grown.zip(&near, |is_grown, is_near| is_grown && !is_near);
    // Noise on a wall of the body's hue is a web that fills an area, and no line either.
    let wide = open(&close(&grown, 1), 2);
    let (parts, sizes) = components(&beyond, Connected::Corners);
    let mut wides = vec![0usize; sizes.len()];
    for (part, is_wide) in parts.data.iter().zip(&wide.data) {
        wides[*part as usize] += usize::from(*is_wide);
    }
    let lines = parts.map(|part| {
        let part = part as usize;
        part != 0 && sizes[part] >= MIN_PIXELS && wides[part] * 10 <= sizes[part]
    });
    if lines.count() == 0 {
        return region;
    }
    let joined = dilate(&lines, 1).zip(&grown, |is_near, is_grown| is_near && is_grown);
    region.zip(&joined, |is_set, is_line| is_set || is_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thin_rim_belongs_to_its_product_and_the_color_on_the_floor_does_not() {
        let (body, ground) = ([0.55, 0.03, 0.03], [0.8, 0.8, 0.8]);
        let half: Rgb = std::array::from_fn(|channel| (body[channel] + ground[channel]) / 2.0);
        let mut picture = Plane::filled(80, 80, ground);
        let mut region = Plane::filled(80, 80, false);
        for (x, y) in (20..60).flat_map(|x| (30..60).map(move |y| (x, y))) {
            picture.data[y * 80 + x] = body;
            region.data[y * 80 + x] = true;
        }
        // A handle one pixel wide, half covered, and a wide patch of the body's light below.
        for (x, y) in (10..30).map(|y| (30, y)).chain((30..50).map(|x| (x, 10))) {
            picture.data[y * 80 + x] = half;
        }
        for (x, y) in (20..60).flat_map(|x| (60..75).map(move |y| (x, y))) {
            picture.data[y * 80 + x] = half;
        }
        let found = with_lines(&picture, region.clone(), body);
        assert!(found.at(30, 20) && found.at(45, 10), "the line");
        assert!(!found.at(40, 70) && !found.at(70, 20), "the floor");
        assert_eq!(found.count(), region.count() + 39);
    }

    #[test]
    fn noise_on_a_wall_of_nearly_the_bodys_hue_is_no_line() {
        let (body, wall) = ([0.55, 0.3, 0.12], [0.5, 0.5, 0.5]);
        let mut picture = Plane::filled(80, 80, wall);
        let mut region = Plane::filled(80, 80, false);
        for (x, y) in (20..60).flat_map(|x| (40..70).map(move |y| (x, y))) {
            picture.data[y * 80 + x] = body;
            region.data[y * 80 + x] = true;
        }
        // A web of pixels that look like the body in half shade.
        for (x, y) in (10..70).flat_map(|x| (5..40).map(move |y| (x, y))).filter(|(x, y)| x % 3 == 0 || y % 3 == 0) {
            picture.data[y * 80 + x] = body.map(|channel| 0.5 * channel);
        }
        assert_eq!(with_lines(&picture, region.clone(), body), region);
    }
}
