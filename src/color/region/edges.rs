use crate::color::dominant_color::percentile;
use crate::color::filter::{larger, spread};
use crate::color::{Plane, Rgb};

/// The gradient around each pixel, and its noise.
pub(super) struct Edges {
    reach: Plane<f32>,
    /// The median of the gradient.
    pub(super) noise: f32,
}

impl Edges {
    pub(super) fn new(gradient: &Plane<f32>) -> Edges {
        let noise = percentile(&mut gradient.data.clone(), 0.5).unwrap_or(0.0);
        Edges { reach: spread(gradient, 2, larger), noise }
    }

    /// Returns the share of the pixels of `line` that lie on an edge of at least `strength`.
    pub(super) fn share(&self, line: &Plane<bool>, strength: f32) -> f32 {
        self.share_of((0..line.data.len()).filter(|index| line.data[*index]), strength)
    }

    /// Returns the same share for a line that consists of pixel indices.
    pub(super) fn share_of(&self, line: impl Iterator<Item = usize>, strength: f32) -> f32 {
        let (mut edges, mut all) = (0, 0);
        for index in line {
            all += 1;
            edges += usize::from(self.reach.data[index] > strength);
        }
        if all == 0 { 0.0 } else { edges as f32 / all as f32 }
    }
}

/// Returns how fast the color changes at each pixel. Hue and chroma count more than lightness, which shading also
/// changes.
pub(super) fn gradient(smooth: &Plane<Rgb>, weight: f32) -> Plane<f32> {
    weighted_gradient(smooth, [1.0, weight, weight])
}

/// Returns how fast the channels of a plane change at each pixel, with a weight for each channel.
pub(super) fn weighted_gradient<const N: usize>(plane: &Plane<[f32; N]>, weights: [f32; N]) -> Plane<f32> {
    let width = plane.width.max(1);
    let mut gradient = Plane::filled(plane.width, plane.height, 0.0f32);
    let mut changes = vec![0.0; width];
    let mut widen = |pairs: [(&[f32], &[f32]); N], places: [usize; 2]| {
        let changes = &mut changes[..pairs[0].0.len()];
        changes.fill(0.0);
        for (one, other) in pairs {
            let pairs = one.iter().zip(other);
            changes.iter_mut().zip(pairs).for_each(|(change, (one, other))| *change += (one - other) * (one - other));
        }
        for first in places {
            let found = gradient.data[first..].iter_mut().zip(&*changes);
            found.for_each(|(found, change)| *found = if *change > *found { *change } else { *found });
        }
    };
    // Each channel is processed separately and each row at once, because such loops are vectorized.
    let mut own = [(); N].map(|()| vec![0.0; width]);
    let mut above = own.clone();
    for (first, row) in (0..).step_by(width).zip(plane.data.chunks_exact(width)) {
        for ((channel, values), weight) in own.iter_mut().enumerate().zip(weights) {
            values.iter_mut().zip(row).for_each(|(value, color)| *value = weight * color[channel]);
        }
        widen(own.each_ref().map(|values| (&values[..width - 1], &values[1..])), [first, first + 1]);
        if first > 0 {
            let pairs = std::array::from_fn(|channel| (&above[channel][..], &own[channel][..]));
            widen(pairs, [first - width, first]);
        }
        std::mem::swap(&mut own, &mut above);
    }
    gradient.data.iter_mut().for_each(|change| *change = change.sqrt());
    gradient
}
