use crate::color::dominant_color::percentile;
use crate::color::filter::box_blur;
use crate::color::region::{Unmix, norm};
use crate::color::spaces::{logarithm, power, power_of_two};
use crate::color::{Oklab, Plane, Rgb, dominant_color, luminance};

/// The share of light other than shade and veil from which on a pixel starts to count as a fine print.
const MIN_PRINT_SHARE: f32 = 0.24;

/// The share from which on it counts as print alone.
const FULL_PRINT_SHARE: f32 = 0.40;

/// The largest factor by which the lightest tenth of a matte surface is lighter than the body.
const MAX_MATTE_CONTRAST: f32 = 1.5;

/// The smallest factor by which the lightest tenth of a glossy surface is lighter than the body.
const MIN_GLOSSY_CONTRAST: f32 = 1.8;

/// The share of the slow variation on a dark, neutral and matte surface that is its own shading, as a power.
const MATTE_SLOW_POWER: f32 = 0.8;

/// The same for a glossy surface. Nearly all light from black lacquer is reflected.
const GLOSSY_SLOW_POWER: f32 = 0.05;

/// The share of the body's light below which a pixel lies in a crevice.
const MAX_CREVICE_LIGHT: f32 = 0.7;

/// The share of that darkness that is shading, as a power.
const CREVICE_POWER: f32 = 0.5;

/// The light below which a black and glossy surface shows no shading. A photograph is black where the surface reflects
/// nothing, and any light would be many times as much.
const BLACK_FLOOR: f32 = 0.004;

/// The share of the slow variation on a dark and colorful surface that is its own shading, as a power. Its color shows
/// which light is not reflected.
const COLORFUL_SLOW_POWER: f32 = 0.6;

/// The share of the fast variation on a dark and matte surface that is its own shading, as a power. The rest is
/// reflected.
const FAST_POWER: f32 = 0.4;

/// The smallest and the largest fast variation of light, as logarithms of 0.3 and 1.6 to the base of 2.
const MIN_DETAIL: f32 = -1.736_965_6;
const MAX_DETAIL: f32 = 0.678_071_9;

/// The linear light of a white surface in all channels (#F1F1F1), which leaves room for highlights.
const MAX_WHITE: f32 = 0.88;

/// The shares of the error by which a paint is adjusted in each round. They are smaller at the end for convergence.
const GAINS: [f32; 5] = [1.0, 1.0, 1.0, 0.5, 0.5];

/// The additional light that the brightest channel of a dark surface needs, compared with a neutral surface, before its
/// hue is relied on. Noise and compression change the hue of something nearly black.
const HUE_MARGIN: f32 = 0.07;

/// The luminance of a body below which its share in a pixel at the outline is not read by itself. A slight tint of a
/// lighter ground would look like much of it.
const MIN_OUTLINE_LIGHT: f32 = 0.065;

/// The largest amount of a channel in a paint, in linear light. It is negative if the veil alone is lighter than what the
/// surface is to show. Part of that veil then follows the shade and is no gloss: light in another tint, such as that of
/// a wooden floor, looks like a veil on a matte surface.
const MAX_PAINT: f32 = 1.5;

/// The regularization that prefers gloss over a lighter body as the explanation of a veil.
const RIDGE: f32 = 0.04;

/// The number of pixels that are processed at once.
pub(super) const BLOCK: usize = 32;

/// Returns the color of one of the pixels whose channels are stored separately.
#[inline(always)]
pub(super) fn color(channels: &[[f32; BLOCK]; 3], lane: usize) -> Rgb {
    [channels[0][lane], channels[1][lane], channels[2][lane]]
}

/// Sets that color.
#[inline(always)]
pub(super) fn put(channels: &mut [[f32; BLOCK]; 3], lane: usize, [red, green, blue]: Rgb) {
    (channels[0][lane], channels[1][lane], channels[2][lane]) = (red, green, blue);
}

/// A surface of one color under light. Each of its pixels is a shade of the body's color plus reflected light.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surface {
    pub(super) body: Rgb,
    /// The degree from neutral to colorful, 0 to 1. Neither it nor `dark` has a step: each way of reading has its
    /// share.
    pub(super) colorful: f32,
    dark: f32,
    light: f32,
    unmix: Unmix,
    /// The multiple of the body's light above which light on a neutral surface is a highlight.
    cap: f32,
    /// The shares of the slow and of the fast variation on a dark surface that are its own shade, as powers.
    slow_power: f32,
    fast_power: f32,
    /// The light below which no shade can be read.
    floor: f32,
    /// The paint with which the surface shows the requested color.
    pub(super) paint: Rgb,
}

impl Surface {
    /// Reads a surface from `pixels`, which show it without its surroundings. Returns `None` if there are none.
    pub(super) fn read(pixels: &[Rgb]) -> Option<Surface> {
        let body = dominant_color(pixels)?;
        let light = luminance(body);
        let mut lights: Vec<f32> = pixels.iter().map(|pixel| luminance(*pixel) / light.max(1e-4)).collect();
        let lightest = percentile(&mut lights, 0.90)?;
        let glossy = ((lightest - MAX_MATTE_CONTRAST) / (MIN_GLOSSY_CONTRAST - MAX_MATTE_CONTRAST)).clamp(0.0, 1.0);
        let colorful = ((Oklab::from(body).saturation() - 0.05) / 0.07).clamp(0.0, 1.0);
        // A glossy surface may be black and look grey because of its reflections. Its darker parts reveal its color.
        let darker = 1.0 + glossy * (1.0 - colorful) * (percentile(&mut lights, 0.20)? - 1.0);
        // A deep red or purple has little luminance, but its brightest channel distinguishes shade from gloss well.
        let brightest = body.into_iter().fold(0.0, f32::max);
        let brightness = light.max(brightest - HUE_MARGIN);
        Some(Surface {
            body,
            colorful,
            dark: ((0.10 - brightness * darker) / 0.07).clamp(0.0, 1.0),
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

    /// Returns the slowly varying light of a dark surface as its shade. On such a surface, gloss is most of the light,
    /// and all fast variation is reflected. `weights` mark the surface, and `near` marks the pixels where the shade is
    /// needed. Returns `None` if the surface is not dark.
    pub(super) fn slow(&self, front: &Plane<Rgb>, weights: &Plane<f32>, near: &Plane<bool>) -> Option<Plane<f32>> {
        if self.dark == 0.0 {
            return None;
        }
        let is_colorful = self.colorful > 0.5;
        let source = front.map(|pixel| if is_colorful { self.unmix.split(pixel).0 } else { luminance(pixel) });
        let sums =
            box_blur(&source.zip(weights, |value, weight| [value * weight, weight]), if is_colorful { 1 } else { 2 });
        let mut slow = sums.map(|[sum, weight]| sum / weight.max(1e-6));
        let median = if is_colorful {
            1.0
        } else {
            let sure = slow.data.iter().zip(&weights.data).filter(|(_, weight)| **weight > 0.97);
            percentile(&mut sure.map(|(value, _)| *value).collect::<Vec<_>>(), 0.5).unwrap_or(1.0).max(1e-4)
        };
        let shade = |value: f32| {
            let light = (value + self.floor) / (median + self.floor);
            let crevice = power((light / MAX_CREVICE_LIGHT).min(1.0), (CREVICE_POWER - self.slow_power).max(0.0));
            (power(light, self.slow_power) * crevice).clamp(0.35, 1.25)
        };
        for (value, is_near) in slow.data.iter_mut().zip(&near.data) {
            let shade = shade(*value);
            *value = if *is_near { shade } else { 1.0 };
        }
        Some(slow)
    }

    /// Returns the surface with the paint that makes `samples`, pixels with their slow shade, show `target`. Shade and
    /// gloss change the visible color, and several rounds are needed.
    ///
    /// A target that is nearly full white is made slightly darker. Otherwise folds and edges would have no shade.
    pub(super) fn painted(mut self, target: Rgb, samples: &[(Rgb, f32)]) -> Surface {
        let least = target.into_iter().fold(1.0, f32::min);
        let target = target.map(|channel| channel * (MAX_WHITE / least.max(MAX_WHITE)));
        self.paint = target;
        for gain in GAINS {
            let mut pixels: Vec<Rgb> = samples.iter().map(|(pixel, _)| *pixel).collect();
            self.light(&mut pixels, |at| samples[at].1);
            if let Some(seen) = dominant_color(&pixels) {
                let step = |channel: usize| self.paint[channel] + gain * (target[channel] - seen[channel]);
                self.paint = std::array::from_fn(|channel| step(channel).clamp(-MAX_PAINT, MAX_PAINT));
            }
        }
        self
    }

    /// Turns pixels of the surface into the colors that they show after painting. `slow` returns the slow shade of
    /// each.
    ///
    /// The result is that of [`Surface::lit`] for each pixel.
    pub(super) fn light(&self, pixels: &mut [Rgb], slow: impl Fn(usize) -> f32) {
        for (first, block) in (0..).step_by(BLOCK).zip(pixels.chunks_mut(BLOCK)) {
            let (mut channels, mut slows) = ([[0.0; BLOCK]; 3], [1.0; BLOCK]);
            for (lane, pixel) in block.iter().enumerate() {
                put(&mut channels, lane, *pixel);
                slows[lane] = slow(first + lane);
            }
            let lit = self.lit_block(&channels, &slows);
            for (lane, pixel) in block.iter_mut().enumerate() {
                *pixel = color(&lit, lane);
            }
        }
    }

    /// Returns [`Surface::lit`] of many pixels. The loops run over plain arrays and are vectorized.
    pub(super) fn lit_block(&self, channels: &[[f32; BLOCK]; 3], slows: &[f32; BLOCK]) -> [[f32; BLOCK]; 3] {
        match self.dark > 0.0 {
            true => self.lit_lanes(channels, slows),
            false => Surface { dark: 0.0, ..*self }.lit_lanes(channels, slows),
        }
    }

    #[inline(always)]
    fn lit_lanes(&self, channels: &[[f32; BLOCK]; 3], slows: &[f32; BLOCK]) -> [[f32; BLOCK]; 3] {
        let mut lit = [[0.0; BLOCK]; 3];
        for (lane, slow) in slows.iter().enumerate() {
            put(&mut lit, lane, self.lit(color(channels, lane), *slow));
        }
        lit
    }

    /// Returns the color of a pixel of the surface after painting.
    #[inline(always)]
    pub(super) fn lit(&self, pixel: Rgb, slow: f32) -> Rgb {
        // In a loop over pixels, the reciprocals are computed once.
        let light = luminance(pixel) * (1.0 / self.light.max(1e-4));
        let (by_body, veil) = self.unmix.split_relative(pixel);
        let astray = self.unmix.residual(pixel, (by_body, veil)) / (norm(pixel) + 0.03);
        let own = ((FULL_PRINT_SHARE - astray) * (1.0 / (FULL_PRINT_SHARE - MIN_PRINT_SHARE))).clamp(0.0, 1.0);
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

    /// Returns the factor by which a pixel of a dark surface is lighter than the slow variation around it, due to its
    /// own shade.
    #[inline(always)]
    fn detail(&self, light: f32, slow: f32) -> f32 {
        let lighter = logarithm(light) - logarithm(slow) * (1.0 / self.slow_power);
        power_of_two(self.fast_power * lighter.clamp(MIN_DETAIL, MAX_DETAIL))
    }

    /// Returns the painted color of a pixel at the outline of a colorful surface, if it can be read by itself. It then
    /// shows how much of the body is in it, whatever neutral color is next to it.
    #[inline(always)]
    pub(super) fn lit_at_outline(&self, pixel: Rgb) -> Option<Rgb> {
        if self.colorful <= 0.5 || self.light < MIN_OUTLINE_LIGHT {
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

    /// Returns how much lighter a fold is than the rest after a black surface with these lights is painted white. The
    /// fold was twice as light as the rest.
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
    fn where_a_blue_surface_mirrors_less_than_elsewhere_it_is_darker_once_it_is_black() {
        // The paint is [0.02, 0.13, 0.4], and nine tenths of the surface mirror a light of 0.04.
        let pixel = |veil: f32| [0.02, 0.13, 0.4].map(|channel| channel + veil);
        let pixels: Vec<Rgb> = (0..1000).map(|step| pixel(if step % 10 == 0 { 0.01 } else { 0.04 })).collect();
        let samples: Vec<(Rgb, f32)> = pixels.iter().map(|pixel| (*pixel, 1.0)).collect();
        let surface = Surface::read(&pixels).unwrap().painted([0.05; 3], &samples);
        let [less, most] = [0.01, 0.04].map(|veil| luminance(surface.lit(pixel(veil), 1.0)));
        assert!((0.01..0.03).contains(&(most - less)), "{less} {most}");
    }

    /// Returns a surface that is read from `pixels` and is to show `target`, and the color that it shows.
    fn shown(pixels: &[Rgb], target: Rgb) -> (Surface, Rgb) {
        let samples: Vec<(Rgb, f32)> = pixels.iter().map(|pixel| (*pixel, 1.0)).collect();
        let surface = Surface::read(pixels).unwrap().painted(target, &samples);
        let lit: Vec<Rgb> = pixels.iter().map(|pixel| surface.lit(*pixel, 1.0)).collect();
        (surface, dominant_color(&lit).unwrap())
    }

    #[test]
    fn the_gloss_on_a_deep_red_is_told_from_its_shade_by_the_red_channel() {
        // The luminance of the body is 0.06. Every tenth pixel mirrors a lamp.
        let pixel = |step: usize| {
            let (shade, gloss) =
                (0.5 + 0.08 * (step / 10 % 10) as f32, if step.is_multiple_of(10) { 0.2 } else { 0.0 });
            [0.25, 0.008, 0.01].map(|channel| channel * shade + gloss)
        };
        let pixels: Vec<Rgb> = (0..1000).map(pixel).collect();
        let (surface, _) = shown(&pixels, [0.02; 3]);
        let [lit, lamp] = [91, 90].map(|step| surface.lit(pixel(step), 1.0));
        assert!(lit.iter().all(|channel| (0.02..0.03).contains(channel)), "no red is left: {lit:?}");
        assert!(lamp.iter().all(|channel| (0.2..0.25).contains(channel)), "{lamp:?}");
    }

    #[test]
    fn a_tint_of_the_light_that_looks_like_a_veil_leaves_no_haze_on_black() {
        // The light from the floor has another tint, and the whole blue surface is a little paler than its lit parts.
        let pixel = |step: usize| {
            let floor = 0.04 * (step % 10) as f32 / 10.0;
            [0.12 + floor, 0.3 + 0.7 * floor, 0.55 + 0.4 * floor]
                .map(|channel| channel * (0.6 + 0.04 * (step / 100) as f32))
        };
        let pixels: Vec<Rgb> = (0..1000).map(pixel).collect();
        let (_, shown) = shown(&pixels, [0.005; 3]);
        assert!(shown.iter().all(|channel| *channel < 0.008), "{shown:?}");
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
