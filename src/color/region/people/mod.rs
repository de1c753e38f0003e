//! The skin and the hair of people who wear or hold a product.

mod faces;
mod hair;
mod tilted_heads;

use crate::color::dominant_color::percentile;
use crate::color::filter::keep_parts;
use crate::color::{Oklab, Plane, Rgb};

use super::clusters::chroma_distance;
use faces::{Face, faces};
use hair::hair;

pub(super) use tilted_heads::without_turned_heads;

/// The tangent of the smallest OKLCH hue of skin, 10 degrees; the largest is 90.
const MIN_HUE_TANGENT: f32 = 0.176_326_98;

/// The smallest saturation of skin.
const MIN_SATURATION: f32 = 0.03;

/// The smallest share of pixels with such a hue in a face's middle.
const MIN_SKIN_SHARE: f32 = 0.5;

/// The radius of the middle of a face, in face sides.
const MIDDLE_RADIUS: f32 = 0.3;

/// The radius of a face, in face sides.
const FACE_RADIUS: f32 = 0.55;

/// The largest distance of skin from the face's color in chroma over lightness, as a share of its saturation.
const SKIN_DISTANCE: f32 = 0.6;

/// The lower limit of that distance.
const MIN_SKIN_DISTANCE: f32 = 0.02;

/// The upper limit of that distance.
const MAX_SKIN_DISTANCE: f32 = 0.06;

/// The lightness of skin relative to that of the face, in OKLab.
const SKIN_LIGHTNESS: std::ops::Range<f32> = 0.4..1.35;

/// The amount by which red exceeds the smallest other channel in the palest skin, as a share of red.
const MIN_WARMTH: f32 = 0.1;

/// The smallest share of such pixels in a picture that is searched for faces.
const MIN_WARM_SHARE: f32 = 0.002;

/// The smallest share of the product that must be left after a person is removed. With less, there is nothing else in
/// the product.
const MIN_LEFT_SHARE: f32 = 0.12;

/// The share of the rest below which a piece is a remainder of a face, or a ring on a finger.
const MIN_PIECE_SHARE: f32 = 0.01;

/// Returns the product without the skin and the hair of the people who wear or hold it.
///
/// A face determines the color of the skin, and the area above the eyes that of the hair. Without a face, nothing is
/// removed: wood and leather have the colors of skin, and hair may have any color.
pub(super) fn without_people(product: Plane<bool>, colors: &Plane<Oklab>) -> Plane<bool> {
    let people = people(colors, &product);
    if people.count() == 0 {
        return product;
    }
    let rest = product.zip(&people, |is_product, is_person| is_product && !is_person);
    let least = rest.count() as f32 * MIN_PIECE_SHARE;
    let rest = keep_parts(&rest, |size, _| size as f32 > least);
    if (rest.count() as f32) < MIN_LEFT_SHARE * product.count() as f32 { product } else { rest }
}

/// Returns the share of `region`, in a picture of linear light, that is skin or hair of people with visible faces, 0 to
/// 1.
pub(crate) fn share_of_people(picture: &Plane<Rgb>, region: &Plane<bool>) -> f64 {
    // Most pictures have no colors as warm as skin and need no closer analysis.
    let is_warm = |[red, green, blue]: &Rgb| *red > *green && *red - green.min(*blue) > MIN_WARMTH * red;
    let warm = picture.data.iter().filter(|color| is_warm(color)).count();
    if warm as f32 <= MIN_WARM_SHARE * picture.data.len() as f32 {
        return 0.0;
    }
    people(&picture.map(Oklab::from), region).count() as f64 / region.count().max(1) as f64
}

/// Returns the pixels of `within` that are skin or hair of people with visible faces.
fn people(colors: &Plane<Oklab>, within: &Plane<bool>) -> Plane<bool> {
    let mut people = within.map(|_| false);
    let middles = colors.map(may_be_skin);
    if middles.count() == 0 {
        return people;
    }
    let grey = colors.map(|color| (color.l * 255.0).clamp(0.0, 255.0) as u8);
    for face in faces(&grey, &middles) {
        let Some(tone) = tone(face, colors) else { continue };
        let skin = skin(face, tone, colors, within);
        let hair = hair(face, &skin, colors, within);
        let parts = skin.data.iter().zip(&hair.data);
        people.data.iter_mut().zip(parts).for_each(|(is_person, (is_skin, is_hair))| *is_person |= is_skin | is_hair);
    }
    people
}

/// Returns the color of a face, if it is a color of skin.
fn tone(face: Face, colors: &Plane<Oklab>) -> Option<Oklab> {
    let is_middle = |index: &usize| {
        let (across, down) = face.away(colors.width, *index);
        across.hypot(down) < MIDDLE_RADIUS
    };
    let middle: Vec<Oklab> = (0..colors.data.len()).filter(is_middle).map(|index| colors.data[index]).collect();
    let skin: Vec<Oklab> = middle.iter().copied().filter(|color| may_be_skin(*color)).collect();
    if (skin.len() as f32) < MIN_SKIN_SHARE * middle.len() as f32 { None } else { median(&skin) }
}

/// Returns the whole face, and all other pixels of its color.
fn skin(face: Face, tone: Oklab, colors: &Plane<Oklab>, within: &Plane<bool>) -> Plane<bool> {
    let reach = (SKIN_DISTANCE * tone.saturation()).clamp(MIN_SKIN_DISTANCE, MAX_SKIN_DISTANCE);
    let is_skin = |color: Oklab| {
        may_be_skin(color)
            && chroma_distance(color, tone) < reach
            && SKIN_LIGHTNESS.contains(&(color.l / tone.l.max(0.05)))
    };
    let mut skin = within.clone();
    for index in (0..skin.data.len()).filter(|index| within.data[*index]) {
        let (across, down) = face.away(skin.width, index);
        skin.data[index] = across.hypot(down) < FACE_RADIUS || is_skin(colors.data[index]);
    }
    skin
}

/// Whether a color has a hue of skin.
fn may_be_skin(color: Oklab) -> bool {
    let is_of_its_hues = color.a > 0.0 && color.b >= MIN_HUE_TANGENT * color.a;
    is_of_its_hues && color.l > 0.15 && color.saturation() > MIN_SATURATION
}

/// Returns the median lightness, with the medians of a and b at that lightness.
fn median(colors: &[Oklab]) -> Option<Oklab> {
    let middle = |of: fn(&Oklab) -> f32| percentile(&mut colors.iter().map(of).collect::<Vec<f32>>(), 0.5);
    let l = middle(|color| color.l)?;
    Some(Oklab {
        l,
        a: l * middle(|color| color.a / color.l.max(0.05))?,
        b: l * middle(|color| color.b / color.l.max(0.05))?,
    })
}

#[cfg(test)]
mod tests {
    use super::faces::tests::{HAIR, SKIN, draw_face};
    use super::*;

    const GROUND: Oklab = Oklab { l: 0.92, a: 0.0, b: 0.0 };
    const WHITE: Oklab = Oklab { l: 0.98, a: 0.0, b: 0.0 };

    /// Returns a picture of a person in a shirt, with a neck, two arms of skin and optionally a head. The drawn area is
    /// the product.
    fn someone(shirt: Oklab, has_face: bool) -> (Plane<Oklab>, Plane<bool>) {
        let mut picture = Plane::filled(200, 260, GROUND);
        if has_face {
            draw_face(&mut picture, 100.0, 70.0, 50.0);
        }
        fill(&mut picture, (90..110, 100..125), SKIN);
        fill(&mut picture, (60..140, 120..250), shirt);
        fill(&mut picture, (42..60, 150..250), SKIN);
        fill(&mut picture, (140..158, 150..250), SKIN);
        let product = picture.map(|color| color != GROUND);
        (picture, product)
    }

    fn fill(
        picture: &mut Plane<Oklab>,
        (columns, rows): (std::ops::Range<usize>, std::ops::Range<usize>),
        color: Oklab,
    ) {
        for (x, y) in columns.flat_map(|x| rows.clone().map(move |y| (x, y))) {
            picture.data[y * picture.width + x] = color;
        }
    }

    #[test]
    fn a_shirt_is_told_from_who_wears_it_even_where_it_has_the_color_of_the_hair() {
        for shirt in [HAIR, WHITE, Oklab { l: 0.5, a: -0.05, b: 0.06 }] {
            let (colors, product) = someone(shirt, true);
            let rest = without_people(product, &colors);
            assert!(rest.at(100, 160) && rest.at(65, 240) && rest.at(135, 130), "the shirt stays: {shirt:?}");
            for (what, x, y) in [("hair", 100, 25), ("face", 100, 75), ("an eye", 89, 64), ("an arm", 50, 200)] {
                assert!(!rest.at(x, y), "{what} goes: {shirt:?}");
            }
        }
    }

    #[test]
    fn long_hair_goes_with_the_rest_of_it() {
        let (mut colors, _) = someone(WHITE, true);
        fill(&mut colors, (66..76, 70..170), HAIR);
        let product = colors.map(|color| color != GROUND);
        let rest = without_people(product, &colors);
        assert!(!rest.at(70, 160) && rest.at(90, 160));
    }

    #[test]
    fn hair_is_known_where_it_alone_is_looked_at() {
        let (colors, _) = someone(HAIR, true);
        let black = colors.map(|color| color == HAIR);
        let known = people(&colors, &black);
        assert!(known.at(100, 25) && !known.at(100, 160));
    }

    #[test]
    fn without_a_face_or_with_nothing_else_to_recolor_all_stays() {
        let (colors, product) = someone(WHITE, false);
        assert_eq!(without_people(product.clone(), &colors), product);
        let mut portrait = Plane::filled(200, 260, GROUND);
        draw_face(&mut portrait, 100.0, 120.0, 60.0);
        let head = portrait.map(|color| color != GROUND);
        assert_eq!(without_people(head.clone(), &portrait), head);
    }
}
