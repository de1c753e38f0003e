use crate::color::region::{Unmix, is_of_another_hue};
use crate::color::spaces::length;
use crate::color::{Oklab, Plane, Rgb, luminance};

/// The luminance below which a pixel shows no color of its own.
const MAX_BLACK: f32 = 0.02;

/// The largest share of the body's color, relative to the white in a pixel, in pixels that certainly do not show the
/// body.
const MAX_FOREIGN_BODY: f32 = 0.25;

/// The smallest such share in pixels that certainly show the body.
const MIN_OWN_BODY: f32 = 1.0;

/// The largest distance that a print may have moved, in pixels.
const MAX_SHIFT: usize = 4;

/// The largest distance between the color of a moved print and the old color, in OKLab.
const MAX_SHIFTED_DISTANCE: f32 = 0.1;

/// The largest distance between a pixel in both pictures and the surface under one light.
pub(super) const MAX_OWN: f32 = 0.07;

/// The smallest number of pixels that is not noise.
const MIN_PIXELS: usize = 6;

/// The share of its old luminance below which a pixel has lost its light rather than its color.
const LOST_LIGHT_FACTOR: f32 = 0.5;

/// The difference in OKLab lightness above the body from which on a neutral pixel does not belong to the body.
const MIN_LIGHTER: f32 = 0.2;

/// The distance from a neutral body's tint above which a pixel has a hue, in OKLab a and b.
const MIN_HUE_DISTANCE: f32 = 0.055;

/// The luminance below which a neutral body reveals too little about dark pixels on it.
const MIN_NEUTRAL_LUMINANCE: f32 = 0.15;

/// The same luminance for a colorful body.
const MIN_COLORFUL_LUMINANCE: f32 = 0.08;

/// The factor by which a newly lit pixel must exceed its old light.
const NEW_LIGHT_FACTOR: f32 = 3.0;

/// The amount by which it must exceed that product, as a share of the body's light.
const NEW_LIGHT_SHARE: f32 = 0.3;

/// The largest factor by which the lighting of a neutral body can make a pixel lighter.
const MAX_LIGHTING_FACTOR: f32 = 1.4;

/// The smallest amount of white light, in linear light, of a print or a part on a dark surface.
const MIN_WHITE: f32 = 0.15;

/// The share of that light that must remain if it was gloss.
const MIN_WHITE_LEFT: f32 = 0.4;

/// Returns the share of the `region`, 0 to 1, that differed from the rest and now has the color of the rest. Examples
/// are a print or a handle. The `colors` are those of the region before and after.
///
/// Shade and gloss are the same before and after. A pixel that showed none of the body's color shows none of its new
/// color. A pixel that was too dark to be lit is not lit. Gloss on a dark surface is still gloss. A pixel counts only
/// if no pixel near it still has its old color, because a print that merely moved is not lost. White on white and black
/// on black cannot be distinguished from light and shade.
///
/// Colored surroundings and their reflections give a surface other colors, but in both pictures alike. What shows such a
/// surface in both has not lost its color. `others` are the pixels of the region that are farther than [`MAX_OWN`] from
/// all of them.
pub(super) fn painted_over(
    [before, after]: [&Plane<Rgb>; 2],
    colors: [Rgb; 2],
    others: &[usize],
    region: &Plane<bool>,
) -> f64 {
    let [old, new] = colors.map(Body::new);
    let is_painted = |index: &usize| {
        let (one, other) = (before.data[*index], after.data[*index]);
        let color = Oklab::from(one);
        new.is_all_of(other)
            && (has_changed_color([&old, &new], [one, other], color)
                || is_newly_lit([&old, &new], [one, other])
                || has_lost_its_white([&old, &new], [one, other]))
            && !is_near(after, *index, color, &new)
    };
    let painted = others.iter().copied().filter(is_painted).count();
    if painted < MIN_PIXELS { 0.0 } else { painted as f64 / region.count() as f64 }
}

/// Whether a pixel that showed none of the old body shows the new one. `color` is that of the pixel before.
fn has_changed_color([old, new]: [&Body; 2], [one, other]: [Rgb; 2], color: Oklab) -> bool {
    luminance(one) > MAX_BLACK
        && old.has_no_part_in(one, color)
        && (new.is_colorful || luminance(other) < LOST_LIGHT_FACTOR * luminance(one) || old.differs_in_hue(color))
}

/// Whether a pixel that was too dark for any shade on the old body is as lit as the new body.
fn is_newly_lit([old, new]: [&Body; 2], [one, other]: [Rgb; 2]) -> bool {
    old.is_bright()
        && new.is_bright()
        && new.shade(other) > NEW_LIGHT_FACTOR * luminance(one) / old.luminance + NEW_LIGHT_SHARE
}

/// Whether a pixel that was too bright for anything but gloss on the old body has too little gloss over the new color.
fn has_lost_its_white([old, new]: [&Body; 2], [one, other]: [Rgb; 2]) -> bool {
    let gloss = luminance(one) - MAX_LIGHTING_FACTOR * old.luminance;
    !old.is_colorful && new.is_colorful && gloss > MIN_WHITE && new.unmix.split(other).1 < MIN_WHITE_LEFT * gloss
}

/// Whether a picture shows a color near a pixel. Pixels of the body, or mixed with it, do not count.
fn is_near(picture: &Plane<Rgb>, index: usize, color: Oklab, body: &Body) -> bool {
    let is_colorful = body.is_colorful && color.saturation() > Oklab::NEUTRAL_SATURATION;
    let (x, y) = (index % picture.width, index / picture.width);
    let rows = y.saturating_sub(MAX_SHIFT)..(y + MAX_SHIFT + 1).min(picture.height);
    let columns = x.saturating_sub(MAX_SHIFT)..(x + MAX_SHIFT + 1).min(picture.width);
    rows.flat_map(|y| columns.clone().map(move |x| (x, y))).any(|(x, y)| {
        let pixel = picture.at(x, y);
        let own = Oklab::from(pixel);
        let off = (own.l - color.l).powi(2) + (own.a - color.a).powi(2) + (own.b - color.b).powi(2);
        off < MAX_SHIFTED_DISTANCE * MAX_SHIFTED_DISTANCE && !(is_colorful && body.has_some_part_in(pixel))
    })
}

/// The color of a surface, and the values that identify pixels of that surface.
struct Body {
    color: Oklab,
    luminance: f32,
    sum: f32,
    is_colorful: bool,
    unmix: Unmix,
}

impl Body {
    fn new(body: Rgb) -> Body {
        let color = Oklab::from(body);
        let is_colorful = color.saturation() > Oklab::NEUTRAL_SATURATION;
        Body { color, luminance: luminance(body), sum: body.iter().sum(), is_colorful, unmix: Unmix::new(body, 0.0) }
    }

    fn is_bright(&self) -> bool {
        self.luminance > if self.is_colorful { MIN_COLORFUL_LUMINANCE } else { MIN_NEUTRAL_LUMINANCE }
    }

    /// Returns how lit the body is in a pixel. A value of 1 is as lit as most of the body.
    fn shade(&self, pixel: Rgb) -> f32 {
        if self.is_colorful { self.unmix.split(pixel).0 } else { luminance(pixel) / self.luminance.max(1e-4) }
    }

    /// Whether a pixel shows hardly any of the surface: it is white or grey, or has another hue.
    fn has_no_part_in(&self, pixel: Rgb, color: Oklab) -> bool {
        if !self.is_colorful {
            return self.differs_in_hue(color);
        }
        let (shade, veil) = self.unmix.split(pixel);
        shade * self.sum < MAX_FOREIGN_BODY * 3.0 * veil || self.differs_in_hue(color)
    }

    /// Whether a pixel shows the body under white light, or mixed with white or grey.
    fn has_some_part_in(&self, pixel: Rgb) -> bool {
        let (shade, veil) = self.unmix.split(pixel);
        self.unmix.is_of_body(pixel, (shade, veil)) && shade * self.sum > MAX_FOREIGN_BODY * 3.0 * veil
    }

    fn differs_in_hue(&self, color: Oklab) -> bool {
        match self.is_colorful {
            true => is_of_another_hue(color, self.color),
            false => length(color.a - self.color.a, color.b - self.color.b) > MIN_HUE_DISTANCE,
        }
    }

    fn is_all_of(&self, pixel: Rgb) -> bool {
        if !self.is_colorful {
            let color = Oklab::from(pixel);
            return !self.differs_in_hue(color) && color.l < self.color.l + MIN_LIGHTER;
        }
        let (shade, veil) = self.unmix.split(pixel);
        self.unmix.is_of_body(pixel, (shade, veil)) && shade * self.sum > MIN_OWN_BODY * 3.0 * veil
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::measure::flaws::lit_surface::{LitSurface, pixels_beyond};

    const RED: Rgb = [0.56, 0.02, 0.02];
    const BLUE: Rgb = [0.02, 0.2, 0.9];
    const GREEN: Rgb = [0.03, 0.21, 0.08];
    const WOOD: Rgb = [0.35, 0.19, 0.08];
    const WHITE: Rgb = [0.9; 3];
    const BLACK: Rgb = [0.011; 3];

    /// Returns the share that is lost of a shaded surface with a `print` and a highlight if its color changes from
    /// `old` to `new`. The print moves by `shift` pixels, or is painted over if that is `None`.
    fn lost(old: Rgb, new: Rgb, print: Rgb, shift: Option<usize>) -> f64 {
        let picture = |body: Rgb, print_from: Option<usize>| {
            let color = |index: usize| {
                let (x, y) = (index % 60, index / 60);
                let is_print = print_from.is_some_and(|from| (from..from + 12).contains(&x)) && (20..24).contains(&y);
                let gloss = if (40..46).contains(&x) && (40..46).contains(&y) { 0.6 } else { 0.0 };
                let shade = 0.6 + 0.4 * y as f32 / 60.0;
                if is_print { print } else { body.map(|channel| (channel * shade + gloss).min(1.0)) }
            };
            Plane { width: 60, height: 60, data: (0..3600).map(color).collect() }
        };
        let region = Plane::filled(60, 60, true);
        let pictures = [&picture(old, Some(10)), &picture(new, shift.map(|by| 10 + by))];
        painted(pictures, [old, new], &region)
    }

    fn painted(pictures: [&Plane<Rgb>; 2], colors: [Rgb; 2], region: &Plane<bool>) -> f64 {
        let others = pixels_beyond(pictures, &[LitSurface::new(colors)], MAX_OWN, region);
        painted_over(pictures, colors, &others, region)
    }

    fn assert_reported(old: Rgb, new: Rgb, print: Rgb) {
        assert!(
            (lost(old, new, print, None) - 48.0 / 3600.0).abs() < 0.002,
            "{print:?} on {old:?} that is {new:?} now"
        );
        for shift in [0, 3] {
            assert!(lost(old, new, print, Some(shift)) < 1e-9, "{print:?} on {old:?} that is {new:?} now");
        }
    }

    #[test]
    fn a_print_that_took_on_the_new_color_is_lost_and_a_highlight_or_a_shifted_print_is_not() {
        assert_reported(RED, BLUE, WHITE);
        assert_reported(RED, BLACK, WHITE);
        assert_reported(WHITE, RED, BLUE);
        assert_reported(BLACK, WHITE, RED);
    }

    #[test]
    fn wood_that_took_on_the_new_color_of_something_white_or_black_is_lost() {
        assert_reported(WHITE, BLUE, WOOD);
        assert_reported(BLACK, GREEN, WOOD);
    }

    #[test]
    fn a_black_part_that_is_as_lit_as_the_new_color_is_lost() {
        assert_reported(WHITE, RED, BLACK);
        assert_reported(RED, BLUE, BLACK);
    }

    #[test]
    fn white_on_something_black_that_is_no_gloss_on_the_new_color_is_lost() {
        assert_reported(BLACK, RED, WHITE);
        assert_reported(BLACK, BLUE, WHITE);
    }

    #[test]
    fn a_thin_part_that_took_on_the_new_color_is_not_found_again_at_its_own_edge() {
        let grounds = [0.62, 0.62, 0.62];
        let leg = |color: Rgb| {
            let mixed: Rgb = std::array::from_fn(|channel| (color[channel] + grounds[channel]) / 2.0);
            move |x: usize| if x == 9 || x == 12 { mixed } else { color }
        };
        let picture = |body: Rgb, part: Rgb| {
            let color = |index: usize| match (index % 60, index / 60) {
                (_, 0..30) => body,
                (x @ 9..=12, _) => leg(part)(x),
                _ => grounds,
            };
            Plane { width: 60, height: 60, data: (0..3600).map(color).collect() }
        };
        let (before, after) = (picture(BLUE, WOOD), picture(RED, RED.map(|channel| channel * 0.7)));
        let region = Plane {
            width: 60,
            height: 60,
            data: (0..3600).map(|index| index / 60 < 30 || (9..=12).contains(&(index % 60))).collect(),
        };
        let share = painted([&before, &after], [BLUE, RED], &region);
        assert!(share > 0.02, "{share}");
        assert!(painted([&before, &picture(RED, WOOD)], [BLUE, RED], &region) < 1e-9);
    }
}
