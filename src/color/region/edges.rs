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
    // Each channel is processed separately and each row at once, because such loops are vectorized.
    let channel = |at: usize, weight: f32| smooth.data.iter().map(|color| weight * color[at]).collect::<Vec<f32>>();
    let channels = [channel(0, 1.0), channel(1, weight), channel(2, weight)];
    let (width, last) = (smooth.width.max(1), smooth.data.len().saturating_sub(smooth.width));
    let mut gradient = Plane::filled(smooth.width, smooth.height, 0.0f32);
    let mut changes = vec![0.0; width];
    let mut widen = |first: usize, step: usize, length: usize| {
        let changes = &mut changes[..length];
        changes.fill(0.0);
        for channel in &channels {
            let pairs = channel[first..][..length].iter().zip(&channel[first + step..][..length]);
            changes.iter_mut().zip(pairs).for_each(|(change, (one, other))| *change += (one - other) * (one - other));
        }
        for at in [first, first + step] {
            let found = gradient.data[at..][..length].iter_mut().zip(&*changes);
            found.for_each(|(found, change)| *found = if *change > *found { *change } else { *found });
        }
    };
    for row in (0..smooth.data.len()).step_by(width) {
        widen(row, 1, width - 1);
    }
    for row in (0..last).step_by(width) {
        widen(row, width, width);
    }
    gradient.map(f32::sqrt)
}
