use super::{Oklab, Plane, Rgb};

/// Returns the color that a shaded region shows. It is not the mean, which shadows darken. It is also not pulled to
/// white by gloss.
///
/// The pixels whose OKLab lightness lies between the 45th and the 80th percentile are selected. The half of these with
/// less gloss is kept. The result is the median of that half, channel by channel. It is `None` if there are no pixels.
pub fn dominant_color(pixels: &[Rgb]) -> Option<Rgb> {
    let mut lightness: Vec<f32> = pixels.iter().map(|pixel| Oklab::from(*pixel).l).collect();
    let by_lightness = lightness.clone();
    let (low, high) = (percentile(&mut lightness, 0.45)?, percentile(&mut lightness, 0.80)?);
    let lit: Vec<Rgb> = pixels
        .iter()
        .zip(by_lightness)
        .filter(|(_, lightness)| (low..=high).contains(lightness))
        .map(|(pixel, _)| *pixel)
        .collect();
    let mut purities: Vec<f32> = lit.iter().map(purity).collect();
    let least = percentile(&mut purities, 0.5)?;
    let clear: Vec<Rgb> = lit.into_iter().filter(|pixel| purity(pixel) >= least).collect();
    let mut median = [0.0; 3];
    for (channel, value) in median.iter_mut().enumerate() {
        let mut values: Vec<f32> = clear.iter().map(|pixel| pixel[channel]).collect();
        *value = percentile(&mut values, 0.5)?;
    }
    Some(median)
}

/// The approximate number of pixels that are sampled. It suffices if no decision depends on the last digit.
const MAX_SAMPLES: usize = 3_000;

/// Returns an even sample of the pixels of a `region`.
pub(super) fn sampled(picture: &Plane<Rgb>, region: &Plane<bool>) -> Vec<Rgb> {
    let step = (region.count() / MAX_SAMPLES).max(1);
    let indices = (0..region.data.len()).filter(|index| region.data[*index]).step_by(step);
    indices.map(|index| picture.data[index]).collect()
}

/// Returns how little white is mixed into a pixel. The result is 1 if a channel is dark relative to the brightest one.
fn purity(pixel: &Rgb) -> f32 {
    let brightest = pixel[0].max(pixel[1]).max(pixel[2]);
    1.0 - pixel[0].min(pixel[1]).min(pixel[2]) / brightest.max(1e-4)
}

/// Returns the value below which a `share` (0 to 1) of `values` lies. The order of `values` is lost.
pub(super) fn percentile(values: &mut [f32], share: f32) -> Option<f32> {
    let last = values.len().checked_sub(1)?;
    let index = ((last as f32 * share).round() as usize).min(last);
    Some(*values.select_nth_unstable_by(index, f32::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shade_and_gloss_do_not_pull_the_color_shown() {
        let body = [0.02, 0.28, 1.0];
        let mut pixels = Vec::new();
        for step in 0..1000 {
            let shade = 0.3 + 0.7 * (step as f32 / 1000.0).min(0.7) / 0.7;
            pixels.push(body.map(|channel| channel * shade));
        }
        pixels.extend((0..100).map(|_| [1.0, 1.0, 1.0]));
        let found = dominant_color(&pixels).unwrap();
        assert!((found[2] - 0.9).abs() < 0.12 && found[0] < 0.03, "{found:?}");
        assert_eq!(dominant_color(&[]), None);
    }
}
