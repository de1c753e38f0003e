use crate::color::filter::spread;
use crate::color::shown::percentile;
use crate::color::{Plane, Rgb};

/// The gradient around each pixel, and the noise in it.
pub(super) struct Edges {
    reach: Plane<f32>,
    /// The median of the gradient.
    pub(super) noise: f32,
}

impl Edges {
    pub(super) fn new(gradient: &Plane<f32>) -> Edges {
        let noise = percentile(&mut gradient.data.clone(), 0.5).unwrap_or(0.0);
        Edges { reach: spread(gradient, 2, f32::max), noise }
    }

    /// The share of the pixels of `line` that lie on an edge of at least `strength`.
    pub(super) fn share(&self, line: &Plane<bool>, strength: f32) -> f32 {
        self.share_of((0..line.data.len()).filter(|place| line.data[*place]), strength)
    }

    /// The same for a line that is given by its places.
    pub(super) fn share_of(&self, line: impl Iterator<Item = usize>, strength: f32) -> f32 {
        let (mut edges, mut all) = (0, 0);
        for place in line {
            all += 1;
            edges += usize::from(self.reach.data[place] > strength);
        }
        if all == 0 { 0.0 } else { edges as f32 / all as f32 }
    }
}

/// How fast the color changes at each pixel. Hue and chroma count more than lightness, which shade changes as well.
pub(super) fn gradient(smooth: &Plane<Rgb>, weight: f32) -> Plane<f32> {
    let weighed = smooth.map(|[l, a, b]| [l, weight * a, weight * b]);
    let width = weighed.width.max(1);
    let change = |one: &Rgb, other: &Rgb| {
        let [l, a, b] = [one[0] - other[0], one[1] - other[1], one[2] - other[2]];
        l * l + a * a + b * b
    };
    let mut gradient = Plane::filled(weighed.width, weighed.height, 0.0f32);
    let mut widen = |first: usize, step: usize, length: usize| {
        for place in first..first + length {
            let change = change(&weighed.data[place], &weighed.data[place + step]);
            gradient.data[place] = gradient.data[place].max(change);
            gradient.data[place + step] = gradient.data[place + step].max(change);
        }
    };
    for row in (0..weighed.data.len()).step_by(width) {
        widen(row, 1, width - 1);
    }
    widen(0, width, weighed.data.len().saturating_sub(width));
    gradient.map(f32::sqrt)
}
