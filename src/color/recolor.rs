use super::filter::{box_blur, dilate};
use super::region::{Unmix, foreground, material, matte, norm};
use super::shown::percentile;
use super::{Oklab, Plane, Rgb, luminance, shown};

/// A change of color.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The color to change, where one is named; otherwise that of the product's main material.
    pub from: Option<Rgb>,
    /// The color to reach: what the region is to show, not its albedo.
    pub to: Rgb,
}

/// No region could be told from the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no product could be told from the background")]
pub struct NoProduct;

/// The fewest pixels that make a region.
const FEWEST: usize = 50;

/// How strongly a veil is held to be gloss rather than a lighter body.
const RIDGE: f32 = 0.04;

/// Recolors the product in `picture`, or the part of it whose color is named, and keeps the rest as it is.
///
/// `opacity` is the picture's own, 0 to 1: where its border is transparent, what is opaque is the product.
pub fn recolor(picture: &Plane<Rgb>, opacity: Option<&Plane<f32>>, change: Change) -> Result<Plane<Rgb>, NoProduct> {
    let product = match opacity.filter(|opacity| is_cut_out(opacity)) {
        Some(opacity) => opacity.map(|share| share > 0.95),
        None => foreground(picture),
    };
    let region = material(picture, &product, change.from);
    if region.count() < FEWEST {
        return Err(NoProduct);
    }
    let mut share = matte(picture, &region);
    if let Some(opacity) = opacity {
        share = share.zip(opacity, |share, opacity| share * opacity);
    }
    Surface::read(picture, share).map(|surface| surface.painted(change.to)).ok_or(NoProduct)
}

/// Whether the picture is a product cut out: most of its border is transparent.
fn is_cut_out(opacity: &Plane<f32>) -> bool {
    let ring: Vec<bool> = opacity.ring(1).map(|(x, y)| opacity.at(x, y) < 0.1).collect();
    ring.iter().filter(|is_clear| **is_clear).count() * 10 > ring.len() * 6
}

/// A region taken apart: each of its pixels is a shade of the body's color, and light that it mirrors.
struct Surface<'p> {
    picture: &'p Plane<Rgb>,
    /// The share of each pixel that the region covers.
    share: Plane<f32>,
    body: Rgb,
    /// The color of the region at each pixel, free of what is behind its edges.
    front: Plane<Rgb>,
    shade: Plane<f32>,
    mirrored: Plane<Rgb>,
    core: Vec<usize>,
    is_colorful: bool,
    is_dark: bool,
}

impl<'p> Surface<'p> {
    fn read(picture: &'p Plane<Rgb>, share: Plane<f32>) -> Option<Surface<'p>> {
        let covered =
            |least: f32| -> Vec<usize> { (0..share.data.len()).filter(|place| share.data[*place] > least).collect() };
        let core = Some(covered(0.97)).filter(|core| core.len() >= FEWEST).unwrap_or_else(|| covered(0.5));
        let body = shown(&core.iter().map(|place| picture.data[*place]).collect::<Vec<_>>())?;
        let light = luminance(body);
        // From neutral to colorful, and from light to dark, there is no step: each way of reading has its share.
        let colorful = ((Oklab::from(body).saturation() - 0.05) / 0.07).clamp(0.0, 1.0);
        let dark = ((0.10 - light) / 0.07).clamp(0.0, 1.0);
        let front = front(picture, &share, &core);
        let unmix = Unmix::new(body, RIDGE);
        let lights = front.map(|color| luminance(color) / light.max(1e-4));
        let cap = percentile(&mut core.iter().map(|place| lights.data[*place]).collect::<Vec<_>>(), 0.90)?;
        let mut shade = Plane::filled(picture.width, picture.height, 0.0f32);
        let mut mirrored = Plane::filled(picture.width, picture.height, [0.0f32; 3]);
        for place in 0..front.data.len() {
            if share.data[place] <= 0.0 {
                continue;
            }
            let (by_body, veil) = unmix.split(front.data[place]);
            let by_light = lights.data[place].min(cap);
            let highlight = (lights.data[place] - cap).max(0.0) * light;
            shade.data[place] = colorful * by_body + (1.0 - colorful) * by_light;
            mirrored.data[place] = [colorful * veil + (1.0 - colorful) * highlight; 3];
        }
        let (is_colorful, is_dark) = (colorful > 0.5, dark > 0.5);
        let mut surface = Surface { picture, share, body, front, shade, mirrored, core, is_colorful, is_dark };
        if dark > 0.0 {
            surface.read_as_dark(dark);
        }
        Some(surface)
    }

    /// On something dark, gloss is most of the light: the shade is the light's slow part, compressed, and all else is
    /// mirrored.
    fn read_as_dark(&mut self, dark: f32) {
        let weights = self.share.map(|share| share.max(1e-3));
        let (source, radius, power) = if self.is_colorful {
            let unmix = Unmix::new(self.body, RIDGE);
            (self.front.map(|color| unmix.split(color).0), 2, 0.6)
        } else {
            let shorter = self.front.width.min(self.front.height);
            (self.front.map(luminance), (shorter / 250).max(2), 0.4)
        };
        let sums = box_blur(&source.zip(&weights, |value, weight| value * weight), radius);
        let mut slow = sums.zip(&box_blur(&weights, radius), |sum, weight| sum / weight);
        if !self.is_colorful {
            let mut values: Vec<f32> = self.core.iter().map(|place| slow.data[*place]).collect();
            let median = percentile(&mut values, 0.5).unwrap_or(1.0).max(1e-4);
            slow = slow.map(|value| value / median);
        }
        for place in 0..slow.data.len() {
            let shade = slow.data[place].max(1e-3).powf(power).clamp(0.35, 1.25);
            let front = self.front.data[place];
            self.shade.data[place] += dark * (shade - self.shade.data[place]);
            for ((mirrored, front), body) in self.mirrored.data[place].iter_mut().zip(front).zip(self.body) {
                let in_body = (0.8 * shade * body).min(front);
                *mirrored += dark * (front - in_body - *mirrored);
            }
        }
    }

    /// The picture with the region painted so that it shows `target`.
    fn painted(&self, target: Rgb) -> Plane<Rgb> {
        let paint = self.anchored(target);
        let mut out = self.picture.clone();
        let edge = self.edge();
        let unmix = Unmix::new(self.body, RIDGE);
        for place in 0..out.data.len() {
            let pixel = self.picture.data[place];
            if edge.data[place] {
                // A pixel at the edge of something colorful tells by itself how much of the body is in it.
                let split = unmix.split(pixel);
                if unmix.residual(pixel, split) < 0.10 * (norm(pixel) + 0.03) {
                    out.data[place] = std::array::from_fn(|channel| {
                        (pixel[channel] + split.0.min(1.3) * (paint[channel] - self.body[channel])).clamp(0.0, 1.0)
                    });
                    continue;
                }
            }
            let share = self.share.data[place];
            if share > 0.0 {
                let color = self.lit(place, paint);
                let front = self.front.data[place];
                out.data[place] = std::array::from_fn(|channel| {
                    (pixel[channel] + share * (color[channel] - front[channel])).clamp(0.0, 1.0)
                });
            }
        }
        out
    }

    /// The paint under which the region shows `target`: shade and gloss change what is seen, so it takes some rounds.
    fn anchored(&self, target: Rgb) -> Rgb {
        let mut paint = target;
        for _round in 0..3 {
            let pixels: Vec<Rgb> = self.core.iter().map(|place| self.lit(*place, paint)).collect();
            if let Some(seen) = shown(&pixels) {
                paint =
                    std::array::from_fn(|channel| (paint[channel] + target[channel] - seen[channel]).clamp(0.0, 1.5));
            }
        }
        paint
    }

    fn lit(&self, place: usize, paint: Rgb) -> Rgb {
        let (shade, mirrored) = (self.shade.data[place], self.mirrored.data[place]);
        std::array::from_fn(|channel| (shade * paint[channel] + mirrored[channel]).clamp(0.0, 1.0))
    }

    /// The pixels at the region's edge that are read by themselves.
    fn edge(&self) -> Plane<bool> {
        if !self.is_colorful || self.is_dark {
            return self.share.map(|_| false);
        }
        let mut edge = dilate(&self.share.map(|share| share > 0.02), 2);
        self.core.iter().for_each(|place| edge.data[*place] = false);
        edge
    }
}

/// The region's color at its mixed edge pixels: pushed out from the core.
fn front(picture: &Plane<Rgb>, share: &Plane<f32>, core: &[usize]) -> Plane<Rgb> {
    const REACH: usize = 3;
    let mut weights = Plane::filled(picture.width, picture.height, 0.0f32);
    core.iter().for_each(|place| weights.data[*place] = 1.0);
    let sums = box_blur(&picture.zip(&weights, |color, weight| color.map(|channel| channel * weight)), REACH);
    let near = box_blur(&weights, REACH);
    let mut front = picture.clone();
    for place in 0..front.data.len() {
        if share.data[place] > 0.003 && weights.data[place] == 0.0 && near.data[place] > 1e-3 {
            front.data[place] = sums.data[place].map(|sum| sum / near.data[place]);
        }
    }
    front
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::{Hex, Lab, ciede2000};

    /// A shaded disc of `color` with a white highlight on a light ground, and the pixels of its body.
    fn disc(color: &str) -> (Plane<Rgb>, Vec<usize>) {
        let body = color.parse::<Hex>().unwrap().linear();
        let mut picture = Plane::filled(160, 160, [0.82; 3]);
        let mut inside = Vec::new();
        for place in 0..picture.data.len() {
            let (x, y) = ((place % 160) as f32 - 80.0, (place / 160) as f32 - 80.0);
            let radius = x.hypot(y) / 50.0;
            if radius < 1.0 {
                let shade = 0.55 + 0.45 * (1.0 - radius * radius).sqrt() + 0.1 * x / 50.0;
                let gloss = if (x + 18.0).hypot(y + 18.0) < 6.0 { 0.6 } else { 0.0 };
                picture.data[place] = body.map(|channel| (channel * shade + gloss).min(1.0));
                if radius < 0.9 {
                    inside.push(place);
                }
            }
        }
        (picture, inside)
    }

    fn difference(one: Rgb, other: Rgb) -> f64 {
        ciede2000(Lab::from(one), Lab::from(other))
    }

    #[test]
    fn the_region_shows_the_color_asked_for_and_the_ground_stays() {
        for from in ["#C62828", "#2E7D4F", "#1E90FF", "#F5C518", "#8A8A8A", "#1B1B1D"] {
            for to in ["#1E90FF", "#B22222", "#F4F1EA", "#20242A"] {
                let (picture, inside) = disc(from);
                let target = to.parse::<Hex>().unwrap().linear();
                let done = recolor(&picture, None, Change { from: None, to: target }).unwrap();
                let seen = shown(&inside.iter().map(|place| done.data[*place]).collect::<Vec<_>>()).unwrap();
                let off = difference(seen, target);
                assert!(off < 3.0, "{from} to {to} shows {seen:?}, off by {off:.1}");
                assert_eq!(done.data[0], picture.data[0]);
                let shade = |plane: &Plane<Rgb>| luminance(plane.at(110, 80)) / luminance(plane.at(60, 95)).max(1e-3);
                assert!(to == "#20242A" || shade(&done) > 0.0);
            }
        }
    }

    #[test]
    fn a_named_color_picks_its_part() {
        let (mut picture, _) = disc("#C62828");
        let blue = "#1E90FF".parse::<Hex>().unwrap().linear();
        for place in 0..picture.data.len() {
            let (x, y) = (place % 160, place / 160);
            if (70..90).contains(&x) && (100..125).contains(&y) {
                picture.data[place] = blue;
            }
        }
        let green = "#2E7D4F".parse::<Hex>().unwrap().linear();
        let done = recolor(&picture, None, Change { from: Some(blue), to: green }).unwrap();
        assert!(difference(done.at(80, 112), green) < 3.0);
        assert_eq!(done.at(80, 60), picture.at(80, 60), "the red part stays");
    }

    #[test]
    fn a_swatch_is_recolored_as_a_whole_and_a_speck_is_no_product() {
        let wall = Plane::filled(64, 64, [0.8, 0.8, 0.8]);
        let change = Change { from: None, to: [1.0, 0.0, 0.0] };
        assert!(recolor(&wall, None, change).is_ok());
        assert_eq!(recolor(&Plane::filled(4, 4, [0.8; 3]), None, change), Err(NoProduct));
    }
}
