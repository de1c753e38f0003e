use crate::color::elimination::solved;
use crate::color::filter::{box_blur, dilate};
use crate::color::{Oklab, Plane};

/// The approximate number of border points to which the surface is fitted.
const FIT_POINTS: usize = 2_000;

/// The largest distance between the colors of one background, in OKLab.
const MAX_SPREAD: f64 = 0.15;

/// The radius within which the ground around a pixel is averaged, in pixels.
const GROUND_RADIUS: usize = 45;

/// The ground around a pixel, without the product.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground {
    /// The mean color of the ground.
    pub(super) color: Oklab,
    /// The share of ground in the pixel's surroundings, 0 to 1.
    pub(super) share: f32,
}

/// The ground around each pixel of a picture.
pub(super) struct GroundAround {
    /// The ground's colors times its share, and that share.
    sums: Plane<[f32; 4]>,
}

/// Returns the ground around each pixel of a picture, without the product in `mask` and the pixels within three pixels
/// of it.
pub(super) fn ground_around(mask: &Plane<bool>, colors: &Plane<Oklab>) -> GroundAround {
    let free = colors.zip(&dilate(mask, 3), |color, is_near| {
        let share = if is_near { 1e-5 } else { 1.0 };
        [color.l * share, color.a * share, color.b * share, share]
    });
    GroundAround { sums: box_blur(&free, GROUND_RADIUS) }
}

impl GroundAround {
    /// Returns the ground around a pixel, by its index.
    pub(super) fn at(&self, index: usize) -> Ground {
        let [l, a, b, share] = self.sums.data[index];
        let of = share.max(1e-9);
        Ground { color: Oklab { l: l / of, a: a / of, b: b / of }, share }
    }
}

/// A studio background as a smooth surface in OKLab: a polynomial of the second degree in x and y for each channel. It
/// is fitted to the border; objects on the border have a low weight.
pub(in crate::color) struct Background {
    surface: [[f64; 6]; 3],
    width: usize,
    height: usize,
    /// The median distance of the border's colors from the surface.
    pub(super) noise: f32,
}

impl Background {
    /// Fits the surface to a ring around `picture`, as wide as two percent of the shorter side.
    pub(in crate::color) fn fit(picture: &Plane<Oklab>) -> Background {
        let depth = (picture.width.min(picture.height) / 50).max(2);
        let size = 2 * depth * (picture.width + picture.height);
        // An odd step, because the ring goes around in pairs.
        let step = (size / FIT_POINTS) | 1;
        let point = |(x, y)| (terms(x, y, picture.width, picture.height), picture.at(x, y));
        let ring: Vec<([f64; 6], Oklab)> = picture.ring(depth).step_by(step).map(point).collect();
        // The colors of objects on the border are mostly far from the color of most of the border.
        let middle = middle(&ring);
        let mut weights: Vec<f64> = ring
            .iter()
            .map(|(_, color)| 1.0 / (1.0 + (f64::from(middle.distance(*color)) / MAX_SPREAD).powi(4)))
            .collect();
        let mut background =
            Background { surface: [[0.0; 6]; 3], width: picture.width, height: picture.height, noise: 0.0 };
        for _round in 0..5 {
            let points = ring.iter().zip(&weights).map(|((terms, color), weight)| (terms, channels(*color), *weight));
            background.surface = least_squares(points);
            let mut errors: Vec<f32> =
                ring.iter().map(|(terms, color)| background.value(terms).distance(*color)).collect();
            let by_place = errors.clone();
            background.noise = crate::color::dominant_color::percentile(&mut errors, 0.5).unwrap_or(0.0);
            let scale = 2.0 * f64::from(background.noise + 0.004);
            for (weight, error) in weights.iter_mut().zip(by_place) {
                *weight = (1.0 + (f64::from(error) / scale).powi(2)).recip().powi(2);
            }
        }
        background
    }

    /// Returns the background's color at a pixel, as if nothing were in front of it.
    #[inline]
    pub(super) fn at(&self, x: usize, y: usize) -> Oklab {
        let (x, y) = (centered(x, self.width), centered(y, self.height));
        // The powers of y come first: in a loop over a row, they are computed once.
        let value = |[constant, by_x, by_y, by_xx, by_xy, by_yy]: [f64; 6]| {
            (constant + y * (by_y + y * by_yy) + x * (by_x + y * by_xy + x * by_xx)) as f32
        };
        let [l, a, b] = self.surface;
        Oklab { l: value(l), a: value(a), b: value(b) }
    }

    /// Returns the distance of a color from the background's color at a pixel, in OKLab.
    #[inline]
    pub(in crate::color) fn distance(&self, x: usize, y: usize, color: Oklab) -> f32 {
        self.at(x, y).distance(color)
    }

    fn value(&self, terms: &[f64; 6]) -> Oklab {
        let value = |row: &[f64; 6]| row.iter().zip(terms).map(|(factor, term)| factor * term).sum::<f64>() as f32;
        let [l, a, b] = &self.surface;
        Oklab { l: value(l), a: value(a), b: value(b) }
    }
}

/// Returns the median of the border's colors in each channel.
fn middle(ring: &[([f64; 6], Oklab)]) -> Oklab {
    let median = |channel: fn(&Oklab) -> f32| {
        let mut values: Vec<f32> = ring.iter().map(|(_, color)| channel(color)).collect();
        crate::color::dominant_color::percentile(&mut values, 0.5).unwrap_or(0.0)
    };
    Oklab { l: median(|color| color.l), a: median(|color| color.a), b: median(|color| color.b) }
}

fn terms(x: usize, y: usize, width: usize, height: usize) -> [f64; 6] {
    let (x, y) = (centered(x, width), centered(y, height));
    [1.0, x, y, x * x, x * y, y * y]
}

/// Returns a position in a line of pixels, from -1 at its beginning to 1 at its end.
#[inline]
fn centered(at: usize, of: usize) -> f64 {
    at as f64 * (2.0 / of as f64) - 1.0
}

fn channels(color: Oklab) -> [f64; 3] {
    [f64::from(color.l), f64::from(color.a), f64::from(color.b)]
}

/// Solves the weighted normal equations of all channels. A small ridge keeps them solvable.
fn least_squares<'t>(points: impl Iterator<Item = (&'t [f64; 6], [f64; 3], f64)>) -> [[f64; 6]; 3] {
    // Six columns for the terms and one for each channel.
    let mut system = [[0.0; 9]; 6];
    for (terms, [l, a, b], weight) in points {
        let [t0, t1, t2, t3, t4, t5] = *terms;
        let line = [t0, t1, t2, t3, t4, t5, l, a, b];
        for (row, term) in system.iter_mut().zip(terms) {
            let factor = weight * term;
            row.iter_mut().zip(line).for_each(|(cell, other)| *cell += factor * other);
        }
    }
    for (index, row) in system.iter_mut().enumerate() {
        row[index] += 1e-6;
    }
    let solutions = solved(system);
    std::array::from_fn(|channel| solutions.map(|row| row[6 + channel]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_is_found_behind_what_stands_on_the_border() {
        let mut picture = Plane::filled(100, 80, Oklab::default());
        for (pixel_index, color) in picture.data.iter_mut().enumerate() {
            let (x, y) = (pixel_index % 100, pixel_index / 100);
            let is_product = (40..60).contains(&x) && y > 40;
            *color = if is_product {
                Oklab { l: 0.3, a: 0.2, b: 0.0 }
            } else {
                Oklab { l: 0.8 + x as f32 * 0.001, a: 0.0, b: 0.01 }
            };
        }
        let background = Background::fit(&picture);
        let middle = background.at(50, 60);
        assert!((middle.l - 0.85).abs() < 0.01 && middle.a.abs() < 0.01, "{middle:?}");
        assert!(background.noise < 0.003);
    }
}
