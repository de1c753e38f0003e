use crate::color::{COMPARED_SIDE, Check, Hex, Plane, Scope, Shift, Tolerance, Verdict, decode, measure};
use crate::photo::Photo;

use super::error::Uncorrected;
use super::verifier::Correction;

/// The maximum difference after a correction, in ΔE00.
pub const CORRECTION_TOLERANCE: f64 = 1.0;

/// The longer side, in pixels, at which the region is outlined.
const OUTLINED: usize = 2 * COMPARED_SIDE;

/// The maximum number of rounds of correction.
const ROUNDS: usize = 4;

/// Corrects `after`, whose changed region is near `color`, to within [`CORRECTION_TOLERANCE`].
///
/// # Errors
///
/// The region is uncertain, its color is not near, something else than its color is wrong, or the corrected picture
/// fails its check.
pub fn correct(
    before: &Photo,
    after: &Photo,
    color: Hex,
    tolerance: Tolerance,
    scope: Scope,
) -> Result<Correction, Uncorrected> {
    let measured = measure(Some(&before.reduced(OUTLINED)), &after.reduced(OUTLINED), &[color], tolerance, scope);
    let before = before.reduced(COMPARED_SIDE);
    let region: Plane<bool> = measured.region.ok_or(Uncorrected::Uncertain)?;
    let shown = measured.check.shown.ok_or(Uncorrected::Colorless)?;
    if measured.check.verdict != Verdict::Near {
        return Err(Uncorrected::NotNear(measured.check.verdict));
    }
    // A picture can be near although its color is right, which another color does not mend.
    if measured.check.delta_e.is_some_and(|difference| difference <= tolerance.on) {
        return Err(Uncorrected::ColorIsRight { wrong: measured.check.reason });
    }
    let (shift, target) = (Shift::new(&region, shown.linear()), color.linear());
    let (width, height) = after.dimensions();
    let size = (width as usize, height as usize);
    let (mut adjusted_target, mut last): (_, Option<Check>) = (target, None);
    for _round in 0..ROUNDS {
        let mut corrected = after.clone();
        corrected.paint_rows(|_| Some(0..size.0), |y, _, pixels| shift.row(size, y, pixels, adjusted_target));
        let check = measure(Some(&before), &corrected.reduced(COMPARED_SIDE), &[color], tolerance, scope).check;
        let Some(seen) = check.shown else { break };
        if is_reached(&check) && check.verdict == Verdict::On {
            return Ok(Correction { png: corrected.to_png()?, check });
        }
        last = Some(check);
        let seen = decode(seen.0);
        adjusted_target =
            std::array::from_fn(|channel| (adjusted_target[channel] + target[channel] - seen[channel]).clamp(0.0, 1.5));
    }
    Err(last.map_or(Uncorrected::Colorless, failed))
}

/// Whether the color is within [`CORRECTION_TOLERANCE`].
fn is_reached(check: &Check) -> bool {
    check.delta_e_plain.is_some_and(|difference| difference <= CORRECTION_TOLERANCE)
}

/// Returns why the correction with this check is not used.
fn failed(check: Check) -> Uncorrected {
    match check.delta_e_plain {
        Some(nearest) if !is_reached(&check) => Uncorrected::TooFar { nearest },
        Some(_) => Uncorrected::ColorIsRight { wrong: check.reason },
        None => Uncorrected::Colorless,
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    const GROUND: [u8; 3] = [235, 235, 235];

    /// Returns a disc of `color` under light from above, 160 pixels a side, with a print in the color of `GROUND`.
    fn disc(color: [u8; 3]) -> Photo {
        let picture = RgbImage::from_fn(160, 160, |x, y| {
            let (x, y) = (x as f32 - 80.0, y as f32 - 80.0);
            let is_print = x.abs() < 6.0 && (y - 20.0).abs() < 6.0;
            let shade = (0.95 - 0.1 * y / 55.0).min(1.0);
            Rgb(if x.hypot(y) > 55.0 || is_print {
                GROUND
            } else {
                color.map(|channel| (f32::from(channel) * shade) as u8)
            })
        });
        Photo::from_image(picture.into())
    }

    #[test]
    fn a_near_miss_is_corrected_within_the_landing_and_the_rest_stays() {
        let (before, after) = (disc([198, 40, 40]), disc([50, 125, 255]));
        let asked: Hex = "#1E90FF".parse().unwrap();
        let tolerance = Tolerance::default();
        let view = |photo: &Photo| photo.reduced(COMPARED_SIDE);
        let missed = measure(Some(&view(&before)), &view(&after), &[asked], tolerance, Scope::Product).check;
        assert_eq!(missed.verdict, Verdict::Near, "{missed:?}");
        let correction = correct(&before, &after, asked, tolerance, Scope::Product).unwrap();
        assert_eq!(correction.check.verdict, Verdict::On);
        assert!(correction.check.delta_e_plain.unwrap() <= CORRECTION_TOLERANCE, "{:?}", correction.check);
        let done = Photo::decode(&correction.png).unwrap().image().to_rgb8();
        assert_eq!((done.get_pixel(3, 3).0, done.get_pixel(80, 100).0), (GROUND, GROUND), "ground and print");
        assert_ne!(done.get_pixel(60, 60), after.image().to_rgb8().get_pixel(60, 60));
    }

    #[test]
    fn a_right_color_is_not_corrected_and_what_is_wrong_is_told() {
        // The lower part kept its color.
        let part = |below: [u8; 3]| {
            let (above, below) = (disc([30, 144, 255]), disc(below));
            let (above, below) = (above.image().to_rgb8(), below.image().to_rgb8());
            let whole = RgbImage::from_fn(160, 160, |x, y| *if y < 80 { &above } else { &below }.get_pixel(x, y));
            Photo::from_image(whole.into())
        };
        let before = disc([198, 40, 40]);
        let (asked, tolerance) = (Hex([30, 144, 255]), Tolerance::default());
        let left = correct(&before, &part([198, 40, 40]), asked, tolerance, Scope::Product).unwrap_err();
        let told = left.to_string();
        assert!(told.starts_with("its color is right, but ") && told.ends_with(" was not changed"), "{told}");
    }

    #[test]
    fn a_correction_that_fails_says_why() {
        let check = |delta_e_plain| Check { delta_e_plain, ..Check::unmeasurable(Hex([0; 3]), "the rest changed") };
        let told = [Some(3.42), Some(0.1), None].map(|difference| failed(check(difference)).to_string());
        insta::assert_snapshot!(told.join("\n"), @r"
        the correction only came within ΔE00 3.4
        its color is right, but the rest changed
        the recolored area has no measurable color
        ");
    }

    #[test]
    fn what_is_on_or_off_its_color_is_left_as_it_is() {
        let before = disc([198, 40, 40]);
        for (shown, verdict) in [([30, 144, 255], "it is on"), ([46, 125, 79], "it is off")] {
            let left =
                correct(&before, &disc(shown), Hex([30, 144, 255]), Tolerance::default(), Scope::Product).unwrap_err();
            assert!(left.to_string().starts_with(verdict), "{left}");
        }
    }
}
