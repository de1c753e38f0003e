//! What an edit did to a picture: whether it shows the requested color where it was to, and nothing else was harmed.
//! The steps, in order: [`registration`] brings both pictures to the same place, [`compare`] finds the region that differs,
//! [`illumination`] and [`specular`] leave the color of the product itself, and [`flaws`] looks for what a color cannot tell.

mod compare;
mod flaws;
mod illumination;
mod registration;
mod specular;
mod verdict;

use std::borrow::Cow;

pub use compare::COMPARED_SIDE;
use compare::{Comparison, Kept, aligned, compare};
use flaws::Edit;
pub use flaws::Scope;
use illumination::Illumination;
use registration::registered;
use specular::unveiled;
pub use verdict::{Check, Tolerance, Verdict, VerdictCounts};

use crate::color::filter::erode;
use crate::color::region::{foreground, material};
use crate::color::{Hex, Lab, Oklab, Plane, Rgb, ciede2000, dominant_color, encode, luminance};

/// A picture in the form in which it is compared: its colors in linear light, and its opacity if not all pixels are
/// opaque.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The colors.
    pub colors: Plane<Rgb>,
    /// The opacity, 0 to 1. `None` if all pixels are opaque.
    pub opacity: Option<Plane<f32>>,
}

/// The result of a measurement: the check, and its region if that is certain.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The result of the check.
    pub check: Check,
    /// The recolored region, in the size that was compared. `None` if it is uncertain.
    pub region: Option<Plane<bool>>,
}

/// The smallest number of pixels from which a color is measured.
const MIN_PIXELS: usize = 20;

/// The mean ΔE00 from which on a picture without a distinct region counts as completely changed.
const MIN_WHOLE_CHANGE: f64 = 5.0;

/// The largest share of a picture that compression may change in a picture that was returned as it was.
const MAX_NOISE_SHARE: f64 = 0.03;

/// The smallest size of an answer, as a share of the picture before in the size that is compared. It has hardly more
/// details than a thumbnail below.
const MIN_SIZE_SHARE: f64 = 0.5;

/// The largest difference of a channel within a picture of one color, in levels of 256.
const MAX_BLANK_STEP: u8 = 3;

/// The luminance below which light reflected within a surface is negligible compared with its gloss.
const MAX_DARK_LUMINANCE: f32 = 0.06;

/// The smallest share of a region that counts as one of its colors.
const MIN_COLOR_SHARE: f64 = 0.02;

/// Measures whether `after` shows the requested colors, `wanted` (at least one), in the region that differs from
/// `before`. The `scope` tells which region was meant.
///
/// Both have a longer side of [`COMPARED_SIDE`] pixels, or more if a finer region is needed. Without a picture
/// before the edit, the product is searched for in `after` alone. A color can then be confirmed but not refuted,
/// because the search may have found the wrong part.
pub fn measure(before: Option<&View>, after: &View, wanted: &[Hex], tolerance: Tolerance, scope: Scope) -> Measured {
    let first = wanted.first().copied().unwrap_or(Hex([0; 3]));
    let unmeasurable = |reason: &str| Measured { check: Check::unmeasurable(first, reason), region: None };
    let visible = visible(after);
    if visible.count() < MIN_PIXELS {
        let is_clear = after.opacity.is_some() && after.colors.data.len() >= MIN_PIXELS;
        return unmeasurable(if is_clear { "the picture is transparent" } else { "the picture is too small" });
    }
    let Some(before) = before else {
        return without_before(after, &visible, wanted, tolerance, "without the picture before");
    };
    if let Some(because) = unusable(before, after) {
        return without_before(after, &visible, wanted, tolerance, because);
    }
    if is_blank(after) && !is_blank(before) {
        let check = judge(None, &over_grey(after), &visible, wanted, tolerance);
        let reason = Some("nothing is left of the picture but one color".to_owned());
        return Measured { check: Check { verdict: Verdict::Off, reason, ..check }, region: None };
    }
    let Some([old, new]) = aligned(over_grey(before), over_grey(after)) else {
        return without_before(after, &visible, wanted, tolerance, "the picture before has another shape, so");
    };
    let old = registered(old, &new);
    let Comparison { region, kept, differences } = compare(&old, &new);
    let whole = |region: &Plane<bool>| region.ring_share(2, |x, y| region.at(x, y)) > 0.5;
    // If the whole picture changed alike, no region stands out.
    let is_all_changed = region.count() < MIN_PIXELS && kept.mean > MIN_WHOLE_CHANGE;
    let region = if is_all_changed { differences.map(|off| f64::from(off) > MIN_WHOLE_CHANGE) } else { region };
    let region_share = region.count() as f64 / region.data.len() as f64;
    if region.count() < MIN_PIXELS {
        return unchanged(&new, region_share, kept, wanted, tolerance);
    }
    if region_share < MAX_NOISE_SHARE && kept.is_well() {
        let as_before = unchanged(&old, region_share, kept, wanted, tolerance);
        if as_before.check.verdict == Verdict::On {
            return as_before;
        }
    }
    if !whole(&region) {
        let mut check = judge(Some(&old), &new, &region, wanted, tolerance);
        let was_wanted = || judge(None, &old, &region, wanted, tolerance).verdict == Verdict::On;
        let is_of_one_color = wanted.len() == 1;
        let edit =
            Edit { before: &old, after: &new, differences: &differences, region: &region, is_of_one_color, scope };
        edit.add_flaws(&mut check, was_wanted);
        if MIN_SIZE_SHARE * longer_side(before) > longer_side(after) {
            check.worsen("details were lost: the picture is much smaller than before");
        }
        return kept_check(check, region, region_share, kept);
    }
    // The background changed as well. In this case the product is the relevant part, and is found by its edges.
    let product = material(&old, &foreground(&old), None);
    let is_all = whole(&product) || product.count() < MIN_PIXELS;
    let region = if is_all { region } else { product };
    let mut check = judge(Some(&old), &new, &region, wanted, tolerance);
    check.region = Some(rounded(region_share, 4));
    if !is_all {
        check.worsen("the background was changed too");
    }
    Measured { check, region: None }
}

/// Returns why `after` cannot be compared with the picture before the edit, if that is so.
fn unusable(before: &View, after: &View) -> Option<&'static str> {
    if before.colors.data.len() < MIN_PIXELS {
        return Some("the picture before is too small, so");
    }
    if visible(before).count() < MIN_PIXELS {
        return Some("the picture before is transparent, so");
    }
    // A swatch that became another swatch can be compared.
    (is_blank(before) && !is_blank(after)).then_some("the picture before shows no product, so")
}

fn longer_side(view: &View) -> f64 {
    view.colors.width.max(view.colors.height) as f64
}

/// Whether a picture is of one color.
fn is_blank(view: &View) -> bool {
    let colors = over_grey(view);
    let first = colors.data.first().map(|color| encode(*color)).unwrap_or_default();
    let is_first =
        |color: &Rgb| encode(*color).iter().zip(first).all(|(one, other)| one.abs_diff(other) <= MAX_BLANK_STEP);
    colors.data.iter().all(is_first)
}

/// Returns the check with the measures of the rest of the picture.
fn kept_check(check: Check, region: Plane<bool>, share: f64, kept: Kept) -> Measured {
    let mut check = Check { region: Some(rounded(share, 4)), background: Some(rounded(kept.mean, 2)), ..check };
    if !kept.is_well() {
        check.worsen(&format!("the rest of the picture was not kept (ΔE00 {:.1} on average)", kept.mean));
        return Measured { check, region: None };
    }
    Measured { check, region: Some(region) }
}

/// Returns the result for an unchanged picture. The edit is correct if the product had the color before.
fn unchanged(picture: &Plane<Rgb>, share: f64, kept: Kept, wanted: &[Hex], tolerance: Tolerance) -> Measured {
    let product = foreground(picture);
    let named = material(picture, &product, wanted.first().map(|hex| hex.linear()));
    let main = material(picture, &product, None);
    let mut check = judge(None, picture, &named, wanted, tolerance);
    // A part of another color, such as a black handle, is not the product. The ground between its legs is not either.
    let common = named.zip(&main, |is_named, is_main| is_named && is_main);
    if check.verdict == Verdict::On && common.count() * 2 > main.count() {
        check.reason = Some("nothing was changed: the product already had the color".to_owned());
    } else {
        check = judge(None, picture, &main, wanted, tolerance);
        check.verdict = Verdict::Off;
        check.reason = Some("nothing was changed".to_owned());
    }
    check.region = Some(rounded(share, 4));
    check.background = Some(rounded(kept.mean, 2));
    Measured { check, region: None }
}

fn without_before(
    after: &View,
    visible: &Plane<bool>,
    wanted: &[Hex],
    tolerance: Tolerance,
    because: &str,
) -> Measured {
    let picture = over_grey(after);
    let product = match &after.opacity {
        Some(_) => visible.clone(),
        None => foreground(&picture),
    };
    let region = material(&picture, &product, None);
    let mut check = judge(None, &picture, &region, wanted, tolerance);
    check.reason = match check.verdict {
        Verdict::On => Some(format!("{because} the product was searched for in the result alone")),
        _ => {
            check.verdict = Verdict::Unmeasurable;
            Some(format!("{because} what was recolored cannot be determined"))
        }
    };
    Measured { check, region: None }
}

/// Returns the check of a region. If several colors were requested, it is the check of the one that was missed most.
fn judge(
    before: Option<&Plane<Rgb>>,
    picture: &Plane<Rgb>,
    region: &Plane<bool>,
    wanted: &[Hex],
    tolerance: Tolerance,
) -> Check {
    let indices = core(region);
    let is_large =
        |part: &[usize]| part.len() >= MIN_PIXELS && part.len() as f64 >= MIN_COLOR_SHARE * indices.len() as f64;
    let light = Illumination::around(before.unwrap_or(picture), region);
    let mut worst: Option<Check> = None;
    for (number, (hex, mut part)) in wanted.iter().zip(parts(picture, &indices, wanted)).enumerate() {
        if wanted.len() > 1 && !is_large(&part) {
            part = thin_part(picture, region, wanted, number);
        }
        let check = if !is_large(&part) {
            let reason = match wanted.len() {
                1 => "no product could be distinguished from the background",
                _ => "no part shows this color",
            };
            let verdict = if wanted.len() == 1 { Verdict::Unmeasurable } else { Verdict::Off };
            Check { verdict, ..Check::unmeasurable(*hex, reason) }
        } else {
            color_of(before, picture, light, &part, *hex, tolerance)
        };
        if worst.as_ref().is_none_or(|worst| check.badness() > worst.badness()) {
            worst = Some(check);
        }
    }
    worst.unwrap_or_else(|| Check::unmeasurable(Hex([0; 3]), "no color was requested"))
}

fn color_of(
    before: Option<&Plane<Rgb>>,
    picture: &Plane<Rgb>,
    light: Illumination,
    indices: &[usize],
    hex: Hex,
    tolerance: Tolerance,
) -> Check {
    let pixels: Vec<Rgb> = indices.iter().map(|index| picture.data[*index]).collect();
    let Some(seen) = dominant_color(&pixels) else {
        return Check::unmeasurable(hex, "there is nothing to measure");
    };
    let pairs = before.map(|before| indices.iter().map(|index| (before.data[*index], picture.data[*index])).collect());
    let unveiled = pairs.and_then(|pairs: Vec<(Rgb, Rgb)>| unveiled(&pairs));
    let asked = hex.linear();
    let plain = ciede2000(Lab::from(seen), Lab::from(asked));
    let difference = match unveiled {
        // Gloss is most of the light of something dark, but what shows the requested color has it.
        Some(bare) if luminance(bare.color) < MAX_DARK_LUMINANCE => light.difference(bare.color, asked).min(plain),
        // A surface without strong reflections shows its color better than its changes do: its folds light themselves.
        Some(bare) if bare.is_glossy => light.difference(bare.color, asked).min(light.difference(seen, asked)),
        _ => light.difference(seen, asked),
    };
    Check {
        asked: hex,
        shown: Some(Hex(encode(seen))),
        delta_e: Some(rounded(difference, 2)),
        delta_e_plain: Some(rounded(plain, 2)),
        region: None,
        background: None,
        verdict: tolerance.verdict(difference),
        reason: None,
    }
}

/// Returns the pixels of the part with the requested color of this `number` that are not mixed with their surroundings. It
/// may be too thin to have any in the core of the region, such as a leg or a strap.
fn thin_part(picture: &Plane<Rgb>, region: &Plane<bool>, wanted: &[Hex], number: usize) -> Vec<usize> {
    let all: Vec<usize> = set_pixels(region).collect();
    let mut part = region.map(|_| false);
    parts(picture, &all, wanted)[number].iter().for_each(|index| part.data[*index] = true);
    set_pixels(&erode(&part, 1)).collect()
}

/// Returns the pixels of a region that are not mixed with their surroundings.
fn core(region: &Plane<bool>) -> Vec<usize> {
    let inner = [2, 1].into_iter().map(|radius| erode(region, radius));
    let inner = inner.into_iter().find(|inner| inner.count() >= MIN_PIXELS.max(region.count() / 8));
    set_pixels(inner.as_ref().unwrap_or(region)).collect()
}

fn set_pixels(mask: &Plane<bool>) -> impl Iterator<Item = usize> {
    (0..mask.data.len()).filter(|index| mask.data[*index])
}

/// Returns the pixels grouped by the nearest requested color. The groups are found by k-means that starts at those
/// colors.
fn parts(picture: &Plane<Rgb>, indices: &[usize], wanted: &[Hex]) -> Vec<Vec<usize>> {
    if wanted.len() == 1 {
        return vec![indices.to_vec()];
    }
    let mut centers: Vec<Oklab> = wanted.iter().map(|hex| Oklab::from(hex.linear())).collect();
    let mut parts = vec![Vec::new(); centers.len()];
    for _round in 0..4 {
        parts.iter_mut().for_each(Vec::clear);
        let mut sums = vec![[0.0f32; 4]; centers.len()];
        for index in indices {
            let color = Oklab::from(picture.data[*index]);
            let off = |center: &Oklab| {
                (0.45 * (center.l - color.l)).powi(2) + (center.a - color.a).powi(2) + (center.b - color.b).powi(2)
            };
            let nearest = (0..centers.len()).min_by(|one, other| off(&centers[*one]).total_cmp(&off(&centers[*other])));
            let nearest = nearest.unwrap_or(0);
            parts[nearest].push(*index);
            sums[nearest].iter_mut().zip([color.l, color.a, color.b, 1.0]).for_each(|(sum, value)| *sum += value);
        }
        for (center, [l, a, b, count]) in centers.iter_mut().zip(sums) {
            if count > 0.0 {
                *center = Oklab { l: l / count, a: a / count, b: b / count };
            }
        }
    }
    parts
}

fn visible(view: &View) -> Plane<bool> {
    match &view.opacity {
        Some(opacity) => opacity.map(|share| share > 0.5),
        None => view.colors.map(|_| true),
    }
}

/// Returns the colors with middle grey behind transparent pixels. This makes two clear pixels alike.
fn over_grey(view: &View) -> Cow<'_, Plane<Rgb>> {
    const GREY: f32 = 0.2;
    match &view.opacity {
        Some(opacity) => {
            let over = |color: Rgb, share: f32| color.map(|channel| channel * share + GREY * (1.0 - share));
            Cow::Owned(view.colors.zip(opacity, over))
        }
        None => Cow::Borrowed(&view.colors),
    }
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests;
