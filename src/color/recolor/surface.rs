use crate::color::filter::box_blur;
use crate::color::region::Unmix;
use crate::color::shown::percentile;
use crate::color::{Oklab, Plane, Rgb, luminance, shown};

/// How strongly a veil is held to be gloss rather than a lighter body.
const RIDGE: f32 = 0.04;

/// A surface of one color under light: each of its pixels is a shade of the body's color, and light that it mirrors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surface {
    pub(super) body: Rgb,
    /// From neutral to colorful, and from light to dark, there is no step: each way of reading has its share.
    pub(super) colorful: f32,
    dark: f32,
    light: f32,
    unmix: Unmix,
    /// On something neutral, what is lighter than this multiple of the body is a highlight.
    cap: f32,
    /// The color that makes it show what is asked for.
    pub(super) paint: Rgb,
}

impl Surface {
    /// Reads a surface off `pixels`, which show it free of what is around it. `None` where there are none.
    pub(super) fn read(pixels: &[Rgb]) -> Option<Surface> {
        let body = shown(pixels)?;
        let light = luminance(body);
        let mut lights: Vec<f32> = pixels.iter().map(|pixel| luminance(*pixel) / light.max(1e-4)).collect();
        Some(Surface {
            body,
            colorful: ((Oklab::from(body).saturation() - 0.05) / 0.07).clamp(0.0, 1.0),
            dark: ((0.10 - light) / 0.07).clamp(0.0, 1.0),
            light,
            unmix: Unmix::new(body, RIDGE),
            cap: percentile(&mut lights, 0.90)?.max(1.3),
            paint: body,
        })
    }

    /// What of the light varies slowly, as the shade that it is on something dark: there, gloss is most of the light,
    /// and all that varies fast is mirrored. `weights` say where the surface is. `None` where it is not dark.
    pub(super) fn slow(&self, front: &Plane<Rgb>, weights: &Plane<f32>) -> Option<Plane<f32>> {
        if self.dark == 0.0 {
            return None;
        }
        let is_colorful = self.colorful > 0.5;
        let source = front.map(|pixel| if is_colorful { self.unmix.split(pixel).0 } else { luminance(pixel) });
        let (radius, power) = if is_colorful { (1, 0.6) } else { (2, 0.4) };
        let sums = box_blur(&source.zip(weights, |value, weight| [value * weight, weight]), radius);
        let slow = sums.map(|[sum, weight]| sum / weight.max(1e-6));
        let median = if is_colorful {
            1.0
        } else {
            let sure = slow.data.iter().zip(&weights.data).filter(|(_, weight)| **weight > 0.97);
            percentile(&mut sure.map(|(value, _)| *value).collect::<Vec<_>>(), 0.5).unwrap_or(1.0).max(1e-4)
        };
        Some(slow.map(|value| (value / median).max(1e-3).powf(power).clamp(0.35, 1.25)))
    }

    /// The surface painted so that `samples`, pixels with their slow shade, show `target`: shade and gloss change what
    /// is seen, so it takes some rounds.
    pub(super) fn painted(mut self, target: Rgb, samples: &[(Rgb, f32)]) -> Surface {
        self.paint = target;
        for _round in 0..3 {
            let pixels: Vec<Rgb> = samples.iter().map(|(pixel, slow)| self.lit(*pixel, *slow)).collect();
            if let Some(seen) = shown(&pixels) {
                let step = |channel: usize| self.paint[channel] + target[channel] - seen[channel];
                self.paint = std::array::from_fn(|channel| step(channel).clamp(0.0, 1.5));
            }
        }
        self
    }

    /// The color of a pixel of the surface, once it is painted.
    pub(super) fn lit(&self, pixel: Rgb, slow: f32) -> Rgb {
        let light = luminance(pixel) / self.light.max(1e-4);
        let (by_body, veil) = if self.colorful > 0.0 { self.unmix.split(pixel) } else { (0.0, 0.0) };
        let by_light = light.min(self.cap);
        let highlight = (light - by_light) * self.light;
        let mut shade = by_light + self.colorful * (by_body - by_light);
        let mut mirrored = [highlight + self.colorful * (veil - highlight); 3];
        if self.dark > 0.0 {
            shade += self.dark * (slow - shade);
            for ((mirrored, pixel), body) in mirrored.iter_mut().zip(pixel).zip(self.body) {
                let rest = pixel - (0.8 * slow * body).min(pixel);
                *mirrored += self.dark * (rest - *mirrored);
            }
        }
        std::array::from_fn(|channel| (shade * self.paint[channel] + mirrored[channel]).clamp(0.0, 1.0))
    }

    /// How far a pixel at the outline of something colorful can be read by itself, 0 to 1, and its color then: it
    /// tells how much of the body is in it, whatever neutral is beside.
    pub(super) fn lit_at_outline(&self, pixel: Rgb) -> Option<Rgb> {
        if self.colorful <= 0.5 || self.dark > 0.5 {
            return None;
        }
        let split = self.unmix.split(pixel);
        let is_mixture = self.unmix.is_mixture(pixel, split, 0.10);
        is_mixture.then(|| {
            let shade = split.0.min(1.3);
            std::array::from_fn(|channel| {
                (pixel[channel] + shade * (self.paint[channel] - self.body[channel])).clamp(0.0, 1.0)
            })
        })
    }
}
