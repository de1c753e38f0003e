use crate::color::{COMPARED_SIDE, Hex, Plane, Shift, Tolerance, Verdict, decode, measure};
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
/// The region is uncertain, its color is not near, or the corrected picture fails its check.
pub fn correct(before: &Photo, after: &Photo, color: Hex, tolerance: Tolerance) -> Result<Correction, Uncorrected> {
    let measured = measure(Some(&before.reduced(OUTLINED)), &after.reduced(OUTLINED), &[color], tolerance);
    let before = before.reduced(COMPARED_SIDE);
    let region: Plane<bool> = measured.region.ok_or(Uncorrected::Uncertain)?;
    let shown = measured.check.shown.ok_or(Uncorrected::Colorless)?;
    if measured.check.verdict != Verdict::Near {
        return Err(Uncorrected::NotNear(measured.check.verdict));
    }
    let (shift, target) = (Shift::new(&region, shown.linear()), color.linear());
    let (width, height) = after.dimensions();
    let size = (width as usize, height as usize);
    let (mut adjusted_target, mut last) = (target, f64::INFINITY);
    for _round in 0..ROUNDS {
        let mut corrected = after.clone();
        corrected.paint_rows(|_| Some(0..size.0), |y, _, pixels| shift.row(size, y, pixels, adjusted_target));
        let check = measure(Some(&before), &corrected.reduced(COMPARED_SIDE), &[color], tolerance).check;
        let (Some(seen), Some(difference)) = (check.shown, check.delta_e_plain) else { break };
        if difference <= CORRECTION_TOLERANCE && check.verdict == Verdict::On {
            return Ok(Correction { png: corrected.to_png()?, check });
        }
        last = difference;
        let seen = decode(seen.0);
        adjusted_target =
            std::array::from_fn(|channel| (adjusted_target[channel] + target[channel] - seen[channel]).clamp(0.0, 1.5));
    }
    Err(Uncorrected::TooFar { nearest: last })
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
        let missed = measure(Some(&view(&before)), &view(&after), &[asked], tolerance).check;
        assert_eq!(missed.verdict, Verdict::Near, "{missed:?}");
        let correction = correct(&before, &after, asked, tolerance).unwrap();
        assert_eq!(correction.check.verdict, Verdict::On);
        assert!(correction.check.delta_e_plain.unwrap() <= CORRECTION_TOLERANCE, "{:?}", correction.check);
        let done = Photo::decode(&correction.png).unwrap().image().to_rgb8();
        assert_eq!((done.get_pixel(3, 3).0, done.get_pixel(80, 100).0), (GROUND, GROUND), "ground and print");
        assert_ne!(done.get_pixel(60, 60), after.image().to_rgb8().get_pixel(60, 60));
    }

    #[test]
    fn what_is_on_or_off_its_color_is_left_as_it_is() {
        let before = disc([198, 40, 40]);
        for (shown, verdict) in [([30, 144, 255], "it is on"), ([46, 125, 79], "it is off")] {
            let left = correct(&before, &disc(shown), Hex([30, 144, 255]), Tolerance::default()).unwrap_err();
            assert!(left.to_string().starts_with(verdict), "{left}");
        }
    }
}
