use crate::color::dominant_color::percentile;
use crate::color::filter::box_blur;
use crate::color::region::{Unmix, norm};
use crate::color::{Oklab, Plane, Rgb, dominant_color, luminance};

/// The share of light beside shade and veil from which on a pixel starts to count as a fine print.
const MIN_PRINT_SHARE: f32 = 0.24;

/// The share from which on it counts as print alone.
const FULL_PRINT_SHARE: f32 = 0.40;

/// How much lighter than the body the lightest tenth of a matte surface is at most, as a factor.
const MAX_MATTE_CONTRAST: f32 = 1.5;

/// How much lighter than the body the lightest tenth of a glossy surface is at least, as a factor.
const MIN_GLOSSY_CONTRAST: f32 = 1.8;

/// How much of the slow variation on a dark, neutral and matte surface is its own shading, as a power.
const MATTE_SLOW_POWER: f32 = 0.8;

/// The same for a glossy surface: nearly all light of black lacquer is reflected.
const GLOSSY_SLOW_POWER: f32 = 0.05;

/// Pixels darker than this share of the body lie in a crevice.
const MAX_CREVICE_LIGHT: f32 = 0.7;

/// How much of that darkness is shading, as a power.
const CREVICE_POWER: f32 = 0.5;

/// The light below which something black and glossy shows no shading: where it reflects nothing, a photograph is
/// black, and any light would be many times as much.
const BLACK_FLOOR: f32 = 0.004;

/// How much of the slow variation on a dark and colorful surface is its own shading: its color tells what is not
/// reflected.
const COLORFUL_SLOW_POWER: f32 = 0.6;

/// How much of the fast variation on a dark and matte surface is its own shading, as a power; the rest is reflected.
const FAST_POWER: f32 = 0.4;

/// The linear light of a white surface in all channels (#F1F1F1), which leaves room for highlights.
const MAX_WHITE: f32 = 0.88;

/// The share of the error by which a paint is adjusted in each round; less at the end, so that it converges.
const GAINS: [f32; 5] = [1.0, 1.0, 1.0, 0.5, 0.5];

/// The regularization that prefers gloss over a lighter body as the explanation of a veil.
const RIDGE: f32 = 0.04;

/// How many pixels are processed at once.
const BLOCK: usize = 32;

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
    /// How much of what varies slowly and of what varies fast is the surface's own shade where it is dark, as powers.
    slow_power: f32,
    fast_power: f32,
    /// Less light than this tells no shade.
    floor: f32,
    /// The color that makes it show what is asked for.
    pub(super) paint: Rgb,
}

impl Surface {
    /// Reads a surface off `pixels`, which show it free of what is around it. `None` where there are none.
    pub(super) fn read(pixels: &[Rgb]) -> Option<Surface> {
        let body = dominant_color(pixels)?;
        let light = luminance(body);
        let mut lights: Vec<f32> = pixels.iter().map(|pixel| luminance(*pixel) / light.max(1e-4)).collect();
        let lightest = percentile(&mut lights, 0.90)?;
        let glossy = ((lightest - MAX_MATTE_CONTRAST) / (MIN_GLOSSY_CONTRAST - MAX_MATTE_CONTRAST)).clamp(0.0, 1.0);
        let colorful = ((Oklab::from(body).saturation() - 0.05) / 0.07).clamp(0.0, 1.0);
        // What is glossy may be black and look grey for what it mirrors: its darker parts tell.
        let darker = 1.0 + glossy * (1.0 - colorful) * (percentile(&mut lights, 0.20)? - 1.0);
        Some(Surface {
            body,
            colorful,
            dark: ((0.10 - light * darker) / 0.07).clamp(0.0, 1.0),
            light,
            unmix: Unmix::new(body, RIDGE),
            cap: lightest.max(1.3),
            slow_power: if colorful > 0.5 {
                COLORFUL_SLOW_POWER
            } else {
                MATTE_SLOW_POWER + glossy * (GLOSSY_SLOW_POWER - MATTE_SLOW_POWER)
            },
            fast_power: FAST_POWER * (1.0 - glossy),
            floor: BLACK_FLOOR * glossy,
            paint: body,
        })
    }

    /// What of the light varies slowly, as the shade that it is on something dark: there, gloss is most of the light,
    /// and all that varies fast is mirrored. `weights` say where the surface is, and `near` where the shade is needed.
    /// `None` where it is not dark.
    pub(super) fn slow(&self, front: &Plane<Rgb>, weights: &Plane<f32>, near: &Plane<bool>) -> Option<Plane<f32>> {
        if self.dark == 0.0 {
            return None;
        }
        let is_colorful = self.colorful > 0.5;
        let source = front.map(|pixel| if is_colorful { self.unmix.split(pixel).0 } else { luminance(pixel) });
        let sums =
            box_blur(&source.zip(weights, |value, weight| [value * weight, weight]), if is_colorful { 1 } else { 2 });
        let slow = sums.map(|[sum, weight]| sum / weight.max(1e-6));
        let median = if is_colorful {
            1.0
        } else {
            let sure = slow.data.iter().zip(&weights.data).filter(|(_, weight)| **weight > 0.97);
            percentile(&mut sure.map(|(value, _)| *value).collect::<Vec<_>>(), 0.5).unwrap_or(1.0).max(1e-4)
        };
        let shade = |value: f32| {
            let light = (value + self.floor) / (median + self.floor);
            let crevice = (light / MAX_CREVICE_LIGHT).min(1.0).powf((CREVICE_POWER - self.slow_power).max(0.0));
            (light.powf(self.slow_power) * crevice).clamp(0.35, 1.25)
        };
        Some(slow.zip(near, |value, is_near| if is_near { shade(value) } else { 1.0 }))
    }

    /// The surface painted so that `samples`, pixels with their slow shade, show `target`: shade and gloss change what
    /// is seen, so it takes some rounds.
    ///
    /// Of a white that is all light a little less is aimed at, or no shade would be left of folds and edges.
    pub(super) fn painted(mut self, target: Rgb, samples: &[(Rgb, f32)]) -> Surface {
        let least = target.into_iter().fold(1.0, f32::min);
        let target = target.map(|channel| channel * (MAX_WHITE / least.max(MAX_WHITE)));
        self.paint = target;
        for gain in GAINS {
            let mut pixels: Vec<Rgb> = samples.iter().map(|(pixel, _)| *pixel).collect();
            self.light(&mut pixels, |at| samples[at].1);
            if let Some(seen) = dominant_color(&pixels) {
                let step = |channel: usize| self.paint[channel] + gain * (target[channel] - seen[channel]);
                self.paint = std::array::from_fn(|channel| step(channel).clamp(0.0, 1.5));
            }
        }
        self
    }

    /// Turns pixels of the surface into what they show once it is painted; `slow` tells the slow shade of each.
    ///
    /// The same as [`Surface::lit`] for each of them, in loops over plain arrays where it is not dark, which are vectorized.
    pub(super) fn light(&self, pixels: &mut [Rgb], slow: impl Fn(usize) -> f32) {
        if self.dark > 0.0 {
            return pixels.iter_mut().enumerate().for_each(|(at, pixel)| *pixel = self.lit(*pixel, slow(at)));
        }
        let bright = Surface { dark: 0.0, ..*self };
        for block in pixels.chunks_mut(BLOCK) {
            let (mut channels, mut lit) = ([[0.0; BLOCK]; 3], [[0.0; BLOCK]; 3]);
            for (lane, pixel) in block.iter().enumerate() {
                (0..3).for_each(|channel| channels[channel][lane] = pixel[channel]);
            }
            for lane in 0..BLOCK {
                let color = bright.lit(std::array::from_fn(|channel| channels[channel][lane]), 1.0);
                (0..3).for_each(|channel| lit[channel][lane] = color[channel]);
            }
            for (lane, pixel) in block.iter_mut().enumerate() {
                *pixel = std::array::from_fn(|channel| lit[channel][lane]);
            }
        }
    }

    /// The color of a pixel of the surface, once it is painted.
    #[inline(always)]
    pub(super) fn lit(&self, pixel: Rgb, slow: f32) -> Rgb {
        let light = luminance(pixel) / self.light.max(1e-4);
        let (by_body, veil) = self.unmix.split(pixel);
        let astray = self.unmix.residual(pixel, (by_body, veil)) / (norm(pixel) + 0.03);
        let own = ((FULL_PRINT_SHARE - astray) / (FULL_PRINT_SHARE - MIN_PRINT_SHARE)).clamp(0.0, 1.0);
        let by_light = light.min(self.cap);
        let highlight = (light - by_light) * self.light;
        let mut shade = by_light + self.colorful * (by_body - by_light);
        let mut mirrored = [highlight + self.colorful * (veil - highlight); 3];
        if self.dark > 0.0 {
            shade += self.dark * (slow * self.detail(light, slow) - shade);
            for ((mirrored, pixel), body) in mirrored.iter_mut().zip(pixel).zip(self.body) {
                let rest = pixel - (0.8 * slow * body).min(pixel);
                *mirrored += self.dark * (rest - *mirrored);
            }
        }
        std::array::from_fn(|channel| {
            let lit = shade * self.paint[channel] + mirrored[channel];
            (pixel[channel] + own * (lit - pixel[channel])).clamp(0.0, 1.0)
        })
    }

    /// How much lighter a pixel of something dark is for its own shade than what varies slowly around it.
    fn detail(&self, light: f32, slow: f32) -> f32 {
        if self.fast_power == 0.0 {
            return 1.0;
        }
        (light / slow.powf(1.0 / self.slow_power)).clamp(0.3, 1.6).powf(self.fast_power)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a black surface with pixels of these lights makes of one twice as light as the rest, painted white.
    fn fold(lights: impl Fn(usize) -> f32) -> f32 {
        let pixels: Vec<Rgb> = (0..1000).map(|step| [lights(step); 3]).collect();
        let samples: Vec<(Rgb, f32)> = pixels.iter().map(|pixel| (*pixel, 1.0)).collect();
        let surface = Surface::read(&pixels).unwrap().painted([0.8; 3], &samples);
        luminance(surface.lit([0.04; 3], 1.0)) - luminance(surface.lit([0.02; 3], 1.0))
    }

    #[test]
    fn many_pixels_are_lit_as_each_of_them_is() {
        for body in [[0.5, 0.03, 0.03], [0.6; 3], [0.02, 0.018, 0.016]] {
            let pixel = |step: usize| body.map(|channel: f32| (channel * (step % 9) as f32 / 5.0 + 0.01).min(1.0));
            let pixels: Vec<Rgb> = (0..2 * BLOCK + 7).map(pixel).collect();
            let surface = Surface { paint: [0.1, 0.3, 0.9], ..Surface::read(&pixels).unwrap() };
            let slow = |at: usize| 0.9 + 0.01 * (at % 7) as f32;
            let mut many = pixels.clone();
            surface.light(&mut many, slow);
            let each: Vec<Rgb> = pixels.iter().enumerate().map(|(at, pixel)| surface.lit(*pixel, slow(at))).collect();
            assert_eq!(many, each);
        }
    }

    #[test]
    fn the_folds_of_black_cloth_show_in_white_and_the_gloss_on_black_lacquer_is_no_fold() {
        let cloth = fold(|step| 0.018 + 0.004 * (step % 10) as f32 / 10.0);
        let lacquer = fold(|step| if step % 4 == 0 { 0.12 } else { 0.02 });
        assert!(cloth > 0.1, "{cloth}");
        assert!(lacquer < 0.04, "{lacquer}");
    }

    #[test]
    fn lacquer_that_looks_grey_for_what_it_mirrors_is_black_and_as_red_everywhere_once_it_is_painted() {
        let pixels: Vec<Rgb> =
            (0..1000).map(|step| [[0.02, 0.02, 0.03, 0.07, 0.07, 0.07, 0.07, 0.08, 0.3, 0.3][step % 10]; 3]).collect();
        let samples: Vec<(Rgb, f32)> = pixels.iter().map(|pixel| (*pixel, 1.0)).collect();
        let surface = Surface::read(&pixels).unwrap().painted([0.56, 0.02, 0.02], &samples);
        let [dark, grey] = [0.02, 0.07].map(|light| surface.lit([light; 3], 1.0));
        assert!(dark[0] > 0.85 * grey[0] && dark[0] > 0.4, "{dark:?} {grey:?}");
    }

    #[test]
    fn lacquer_that_mirrors_nothing_in_one_place_is_no_crevice_there() {
        let pixels: Vec<Rgb> = (0..1000).map(|step| [[0.0, 0.008, 0.008, 0.009, 0.2][step % 5]; 3]).collect();
        let surface = Surface::read(&pixels).unwrap();
        let mut front = Plane::filled(60, 60, [0.008; 3]);
        (0..60 * 60).filter(|index| index % 60 >= 30).for_each(|index| front.data[index] = [0.0; 3]);
        let slow = surface.slow(&front, &Plane::filled(60, 60, 1.0), &Plane::filled(60, 60, true)).unwrap();
        let (lit, unlit) = (slow.at(10, 30), slow.at(50, 30));
        assert!(unlit > 0.75 * lit && unlit < lit, "{unlit} {lit}");
    }

    #[test]
    fn a_print_that_is_finer_than_the_outline_keeps_its_color() {
        let body = [0.03, 0.024, 0.07];
        let surface = Surface::read(&[body; 100]).unwrap().painted([0.9; 3], &[(body, 1.0); 100]);
        let print = [0.05, 0.5, 0.1];
        let lit = surface.lit(print, 1.0);
        assert!(lit.iter().zip(print).all(|(lit, print)| (lit - print).abs() < 0.2), "{lit:?}");
        assert!(luminance(surface.lit(body, 1.0)) > 0.6);
    }

    #[test]
    fn what_is_painted_white_keeps_room_for_its_folds() {
        let pixels: Vec<Rgb> = (0..1000).map(|step| [0.2 + 0.02 * (step % 10) as f32; 3]).collect();
        let samples: Vec<(Rgb, f32)> = pixels.iter().map(|pixel| (*pixel, 1.0)).collect();
        let surface = Surface::read(&pixels).unwrap().painted([1.0; 3], &samples);
        let lit: Vec<f32> = [0.30, 0.32, 0.34].map(|light| luminance(surface.lit([light; 3], 1.0))).into();
        assert!(lit[0] > 0.75 && lit[0] < lit[1] - 0.02 && lit[1] < 1.0, "{lit:?}");
        let shown = dominant_color(&pixels.iter().map(|pixel| surface.lit(*pixel, 1.0)).collect::<Vec<_>>()).unwrap();
        assert!(shown.iter().all(|channel| (channel - MAX_WHITE).abs() < 0.03), "{shown:?}");
    }
}
