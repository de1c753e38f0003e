use super::dominant_color::sampled;
use super::region::{Unmix, is_of_another_hue};
use super::spaces::length;
use super::{Oklab, Plane, Rgb, dominant_color, luminance};

/// The saturation below which a color has no usable hue.
const NEUTRAL_SATURATION: f32 = 0.09;

/// The luminance below which a pixel shows no color of its own.
const MAX_BLACK: f32 = 0.02;

/// The largest share of the body's color, relative to the white in a pixel, in pixels that are certainly not of the
/// body.
const MAX_FOREIGN_BODY: f32 = 0.25;

/// The smallest such share in pixels that certainly are.
const MIN_OWN_BODY: f32 = 1.0;

/// How far a print may have moved, in pixels.
const MAX_SHIFT: usize = 4;

/// How far the color of a moved print may be from the old one, in OKLab.
const MAX_SHIFTED_DISTANCE: f32 = 0.1;

/// The fewest pixels that are not noise.
const MIN_PIXELS: usize = 6;

/// Below this share of its old luminance a pixel has lost its light rather than its color.
const LOST_LIGHT_FACTOR: f32 = 0.5;

/// How much lighter than the body a neutral pixel must be not to belong to it, in OKLab lightness.
const MIN_LIGHTER: f32 = 0.2;

/// How far from a neutral body's tint a pixel must be to have a hue, in OKLab a and b.
const MIN_HUE_DISTANCE: f32 = 0.055;

/// The luminance below which a neutral body reveals too little about dark pixels on it.
const MIN_NEUTRAL_LUMINANCE: f32 = 0.15;

/// The same luminance for a colorful body.
const MIN_COLORFUL_LUMINANCE: f32 = 0.08;

/// How many times the old light a newly lit pixel must have.
const NEW_LIGHT_FACTOR: f32 = 3.0;

/// How much more than that it must have, as a share of the body's light.
const NEW_LIGHT_SHARE: f32 = 0.3;

/// How much lighter than a neutral body its lighting can make a pixel, as a factor.
const MAX_LIGHTING_FACTOR: f32 = 1.4;

/// The least white light, linear, of a print or a part on something dark.
const MIN_WHITE: f32 = 0.15;

/// The share of that light that must be left if it was gloss.
const MIN_WHITE_LEFT: f32 = 0.4;

/// The share of the `region` that was something else than the rest, such as a print or a handle, and now has the color
/// of the rest, 0 to 1.
///
/// Shade and gloss are the same before and after: what had none of the body's color has none of its new one, what was
/// too dark to be lit is not lit, and what was gloss on something dark is still gloss. A pixel counts where nothing near
/// it has its old color any more, for a print that was merely moved is not lost. White on white and black on black
/// cannot be told from light and shade.
pub(super) fn painted_over(before: &Plane<Rgb>, after: &Plane<Rgb>, region: &Plane<bool>) -> f64 {
    let body = |picture: &Plane<Rgb>| dominant_color(&sampled(picture, region)).map(Body::new);
    let (Some(old), Some(new)) = (body(before), body(after)) else { return 0.0 };
    let is_painted = |index: &usize| {
        let (one, other) = (before.data[*index], after.data[*index]);
        region.data[*index]
            && new.is_all_of(other)
            && (has_changed_color([&old, &new], [one, other])
                || is_newly_lit([&old, &new], [one, other])
                || has_lost_its_white([&old, &new], [one, other]))
            && !is_near(after, *index, Oklab::from(one), &new)
    };
    let painted = (0..region.data.len()).filter(is_painted).count();
    if painted < MIN_PIXELS { 0.0 } else { painted as f64 / region.count() as f64 }
}

/// Whether a pixel that was of none of the old body is of the new one.
fn has_changed_color([old, new]: [&Body; 2], [one, other]: [Rgb; 2]) -> bool {
    luminance(one) > MAX_BLACK
        && old.has_no_part_in(one)
        && (new.is_colorful || luminance(other) < LOST_LIGHT_FACTOR * luminance(one) || old.differs_in_hue(one))
}

/// Whether a pixel that was too dark for any shade on the old body is as lit as the new one.
fn is_newly_lit([old, new]: [&Body; 2], [one, other]: [Rgb; 2]) -> bool {
    old.is_bright()
        && new.is_bright()
        && new.shade(other) > NEW_LIGHT_FACTOR * luminance(one) / old.luminance + NEW_LIGHT_SHARE
}

/// Whether a pixel that was too bright to be anything but gloss on the old body has none over the new color.
fn has_lost_its_white([old, new]: [&Body; 2], [one, other]: [Rgb; 2]) -> bool {
    let gloss = luminance(one) - MAX_LIGHTING_FACTOR * old.luminance;
    !old.is_colorful && new.is_colorful && gloss > MIN_WHITE && new.unmix.split(other).1 < MIN_WHITE_LEFT * gloss
}

/// Whether a picture has a color near a place that is none of the body, nor mixed with it.
fn is_near(picture: &Plane<Rgb>, index: usize, color: Oklab, body: &Body) -> bool {
    let is_colorful = body.is_colorful && color.saturation() > NEUTRAL_SATURATION;
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

/// The color of a surface, and how to tell what is of it.
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
        let is_colorful = color.saturation() > NEUTRAL_SATURATION;
        Body { color, luminance: luminance(body), sum: body.iter().sum(), is_colorful, unmix: Unmix::new(body, 0.0) }
    }

    fn is_bright(&self) -> bool {
        self.luminance > if self.is_colorful { MIN_COLORFUL_LUMINANCE } else { MIN_NEUTRAL_LUMINANCE }
    }

    /// How lit the body is in a pixel: 1 is as lit as most of it.
    fn shade(&self, pixel: Rgb) -> f32 {
        if self.is_colorful { self.unmix.split(pixel).0 } else { luminance(pixel) / self.luminance.max(1e-4) }
    }

    /// Whether a pixel shows hardly anything of the surface: it is white or grey, or has another hue.
    fn has_no_part_in(&self, pixel: Rgb) -> bool {
        if !self.is_colorful {
            return self.differs_in_hue(pixel);
        }
        let (shade, veil) = self.unmix.split(pixel);
        shade * self.sum < MAX_FOREIGN_BODY * 3.0 * veil || self.differs_in_hue(pixel)
    }

    /// Whether a pixel is the body under white, or mixed with what is white or grey.
    fn has_some_part_in(&self, pixel: Rgb) -> bool {
        let (shade, veil) = self.unmix.split(pixel);
        self.unmix.is_of_body(pixel, (shade, veil)) && shade * self.sum > MAX_FOREIGN_BODY * 3.0 * veil
    }

    fn differs_in_hue(&self, pixel: Rgb) -> bool {
        let color = Oklab::from(pixel);
        match self.is_colorful {
            true => is_of_another_hue(color, self.color),
            false => length(color.a - self.color.a, color.b - self.color.b) > MIN_HUE_DISTANCE,
        }
    }

    fn is_all_of(&self, pixel: Rgb) -> bool {
        if !self.is_colorful {
            return !self.differs_in_hue(pixel) && Oklab::from(pixel).l < self.color.l + MIN_LIGHTER;
        }
        let (shade, veil) = self.unmix.split(pixel);
        self.unmix.is_of_body(pixel, (shade, veil)) && shade * self.sum > MIN_OWN_BODY * 3.0 * veil
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Rgb = [0.56, 0.02, 0.02];
    const BLUE: Rgb = [0.02, 0.2, 0.9];
    const GREEN: Rgb = [0.03, 0.21, 0.08];
    const WOOD: Rgb = [0.35, 0.19, 0.08];
    const WHITE: Rgb = [0.9; 3];
    const BLACK: Rgb = [0.011; 3];

    /// What is lost of a shaded surface of the color `old` with a `print` and a highlight, once it is `new`: the print stays,
    /// moved by `shift` pixels, or is painted over.
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
        painted_over(&picture(old, Some(10)), &picture(new, shift.map(|by| 10 + by)), &region)
    }

    fn is_told(old: Rgb, new: Rgb, print: Rgb) {
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
        is_told(RED, BLUE, WHITE);
        is_told(RED, BLACK, WHITE);
        is_told(WHITE, RED, BLUE);
        is_told(BLACK, WHITE, RED);
    }

    #[test]
    fn wood_that_took_on_the_new_color_of_something_white_or_black_is_lost() {
        is_told(WHITE, BLUE, WOOD);
        is_told(BLACK, GREEN, WOOD);
    }

    #[test]
    fn a_black_part_that_is_as_lit_as_the_new_color_is_lost() {
        is_told(WHITE, RED, BLACK);
        is_told(RED, BLUE, BLACK);
    }

    #[test]
    fn white_on_something_black_that_is_no_gloss_on_the_new_color_is_lost() {
        is_told(BLACK, RED, WHITE);
        is_told(BLACK, BLUE, WHITE);
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
        assert!(painted_over(&before, &after, &region) > 0.02, "{}", painted_over(&before, &after, &region));
        assert!(painted_over(&before, &picture(RED, WOOD), &region) < 1e-9);
    }
}
