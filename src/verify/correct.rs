use crate::color::{COMPARED_SIDE, Hex, Plane, Shift, Tolerance, Verdict, decode, measure};
use crate::photo::Photo;

use super::Correction;

/// How near a correction must come to count, in ΔE00.
pub const LANDING: f64 = 1.0;

/// How often what a correction left is corrected again.
const ROUNDS: usize = 4;

/// Corrects `after`, which nearly shows `color` where it differs from `before`, so that it shows it within [`LANDING`].
///
/// # Errors
///
/// Why it is left as it is: the region is not certain, it is not near, or a check of the correction does not bear it
/// out.
pub fn correct(before: &Photo, after: &Photo, color: Hex, tolerance: Tolerance) -> Result<Correction, String> {
    let before = before.reduced(COMPARED_SIDE);
    let measured = measure(Some(&before), &after.reduced(COMPARED_SIDE), &[color], tolerance);
    let region: Plane<bool> = measured.region.ok_or("what was recolored is not certain")?;
    let shown = measured.check.shown.ok_or("what was recolored shows no color of its own")?;
    if measured.check.verdict != Verdict::Near {
        return Err(format!("it is {}, and only what is near is corrected", measured.check.verdict.as_str()));
    }
    let (shift, target) = (Shift::new(&region, shown.linear()), color.linear());
    let (width, height) = after.dimensions();
    let size = (width as usize, height as usize);
    let (mut aim, mut last) = (target, f64::INFINITY);
    for _round in 0..ROUNDS {
        let mut corrected = after.clone();
        corrected.paint_rows(|_| Some(0..size.0), |y, _, pixels| shift.row(size, y, pixels, aim));
        let check = measure(Some(&before), &corrected.reduced(COMPARED_SIDE), &[color], tolerance).check;
        let (Some(seen), Some(difference)) = (check.shown, check.delta_e_plain) else { break };
        if difference <= LANDING && check.verdict == Verdict::On {
            return Ok(Correction { png: corrected.to_png()?, check });
        }
        last = difference;
        let seen = decode(seen.0);
        aim = std::array::from_fn(|channel| (aim[channel] + target[channel] - seen[channel]).clamp(0.0, 1.5));
    }
    Err(format!("a correction came within ΔE00 {last:.1} only"))
}
