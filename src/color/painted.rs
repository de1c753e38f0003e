use super::region::{Unmix, is_of_another_hue};
use super::shown::sampled;
use super::{Oklab, Plane, Rgb, luminance, shown};

/// Below this saturation a color has no hue to go by.
const NEUTRAL: f32 = 0.09;

/// What has less light than this shows no color of its own.
const DARK: f32 = 0.02;

/// How much of the body's color is in what is none of it, and in what surely is, beside the white in it.
const BODY: (f32, f32) = (0.25, 1.0);

/// How far a print may have moved, in pixels, and how far its color then is from what it was, in OKLab.
const NEAR: usize = 4;
const ALIKE: f32 = 0.1;

/// The fewest pixels that are no speck.
const FEWEST: usize = 6;

/// How much darker than it was something must be to have lost its light rather than its color.
const DARKER: f32 = 0.5;

/// How much lighter than the rest something neutral must be to be none of it, in OKLab.
const LIGHTER: f32 = 0.2;

/// The share of the `region` that had a color of its own, such as a print, and now has that of the rest, 0 to 1.
///
/// Shade and gloss are the same before and after: what had none of the body's color has none of its new one. A pixel
/// counts where nothing near it has its old color any more, for a print that was merely moved is not lost. On something
/// neutral, white or black print cannot be told from light and shade.
pub(super) fn painted_over(before: &Plane<Rgb>, after: &Plane<Rgb>, region: &Plane<bool>) -> f64 {
    let body = |picture: &Plane<Rgb>| shown(&sampled(picture, region)).map(Body::new);
    let (Some(old), Some(new)) = (body(before), body(after)) else { return 0.0 };
    let is_painted = |place: &usize| {
        let (one, other) = (before.data[*place], after.data[*place]);
        region.data[*place]
            && luminance(one) > DARK
            && old.has_no_part_in(one)
            && new.is_all_of(other)
            && (new.is_colorful || luminance(other) < DARKER * luminance(one) || old.differs_in_hue(one))
            && !is_near(after, *place, Oklab::from(one))
    };
    let painted = (0..region.data.len()).filter(is_painted).count();
    if painted < FEWEST { 0.0 } else { painted as f64 / region.count() as f64 }
}

/// Whether a picture has a color near a place.
fn is_near(picture: &Plane<Rgb>, place: usize, color: Oklab) -> bool {
    let (x, y) = (place % picture.width, place / picture.width);
    let rows = y.saturating_sub(NEAR)..(y + NEAR + 1).min(picture.height);
    let columns = x.saturating_sub(NEAR)..(x + NEAR + 1).min(picture.width);
    rows.flat_map(|y| columns.clone().map(move |x| (x, y))).any(|(x, y)| {
        let own = Oklab::from(picture.at(x, y));
        (own.l - color.l).powi(2) + (own.a - color.a).powi(2) + (own.b - color.b).powi(2) < ALIKE * ALIKE
    })
}

/// The color of a surface, and how to tell what is of it.
struct Body {
    color: Oklab,
    sum: f32,
    is_colorful: bool,
    unmix: Unmix,
}

impl Body {
    fn new(body: Rgb) -> Body {
        let color = Oklab::from(body);
        let is_colorful = color.saturation() > NEUTRAL;
        Body { color, sum: body.iter().sum(), is_colorful, unmix: Unmix::new(body, 0.0) }
    }

    /// Whether a pixel shows hardly anything of the surface: it is white or grey, or has another hue.
    fn has_no_part_in(&self, pixel: Rgb) -> bool {
        if !self.is_colorful {
            return self.differs_in_hue(pixel);
        }
        let (shade, veil) = self.unmix.split(pixel);
        shade * self.sum < BODY.0 * 3.0 * veil || self.differs_in_hue(pixel)
    }

    fn differs_in_hue(&self, pixel: Rgb) -> bool {
        is_of_another_hue(Oklab::from(pixel), self.color)
    }

    fn is_all_of(&self, pixel: Rgb) -> bool {
        if !self.is_colorful {
            return !self.differs_in_hue(pixel) && Oklab::from(pixel).l < self.color.l + LIGHTER;
        }
        let (shade, veil) = self.unmix.split(pixel);
        self.unmix.is_of_body(pixel, (shade, veil)) && shade * self.sum > BODY.1 * 3.0 * veil
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is lost of a shaded surface of the color `old` with a `print` and a highlight, once it is `new`: the print stays,
    /// moved by `shift` pixels, or is painted over.
    fn lost(old: Rgb, new: Rgb, print: Rgb, shift: Option<usize>) -> f64 {
        let picture = |body: Rgb, print_from: Option<usize>| {
            let color = |place: usize| {
                let (x, y) = (place % 60, place / 60);
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

    #[test]
    fn a_print_that_took_on_the_new_color_is_lost_and_a_highlight_or_a_shifted_print_is_not() {
        let (red, blue, white, black) = ([0.56, 0.02, 0.02], [0.02, 0.2, 0.9], [0.9; 3], [0.011; 3]);
        for (old, new, print) in [(red, blue, white), (red, black, white), (white, red, blue), (black, white, red)] {
            assert!((lost(old, new, print, None) - 48.0 / 3600.0).abs() < 0.002, "{old:?} to {new:?}");
            assert!(lost(old, new, print, Some(0)) < 1e-9, "{old:?} to {new:?}");
            assert!(lost(old, new, print, Some(3)) < 1e-9, "{old:?} to {new:?}");
        }
    }
}
