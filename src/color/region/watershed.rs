use crate::color::Plane;
use crate::color::filter::{Connected, components, larger, smaller, spread};

/// The number of levels that gradients are quantized to.
const LEVELS: usize = 1024;

/// Splits a plane into the basins of its local minima. Returns each pixel's basin, from 0, and the number of basins.
///
/// The method is Meyer's flooding: the lowest pixel next to a basin joins it, and among equal pixels the one reached
/// first. A queue for each of 1024 levels makes the time linear in the number of pixels.
pub(super) fn watershed(heights: &Plane<f32>) -> (Plane<u32>, usize) {
    let (basins, sizes) = components(&minima(heights), Connected::Corners);
    let highest = heights.data.iter().copied().fold(1e-9, larger);
    let scale = (LEVELS - 1) as f32;
    // A frame of pixels that are in a basin already makes tests for the picture's border unnecessary.
    let levels = framed(&heights.map(|height| (height / highest * scale) as u16), 0);
    let mut basins = framed(&basins, u32::MAX);
    let mut queues = Queues::new(basins.data.len());
    let is_minimum = |basin: u32| basin != 0 && basin != u32::MAX;
    for (index, basin) in basins.data.iter().enumerate() {
        queues.push_if(is_minimum(*basin), usize::from(levels.data[index]), index);
    }
    for level in 0..LEVELS {
        while let Some(index) = queues.pop(level) {
            let basin = basins.data[index];
            for neighbor in [index - 1, index + 1, index - basins.width, index + basins.width] {
                let known = basins.data[neighbor];
                let is_free = known == 0;
                queues.push_if(is_free, usize::from(levels.data[neighbor]).max(level), neighbor);
                basins.data[neighbor] = if is_free { basin } else { known };
            }
        }
    }
    let rows = basins.data.chunks_exact(basins.width).skip(1).take(heights.height);
    let data = rows.flat_map(|row| &row[1..=heights.width]).map(|basin| basin.saturating_sub(1)).collect();
    (Plane { width: heights.width, height: heights.height, data }, sizes.len() - 1)
}

/// A queue of pixels for each level. No pixel is added twice.
struct Queues {
    /// The last pixel that was taken from each queue, and the last one that was added. They are equal if it is empty.
    ends: Vec<[u32; 2]>,
    /// The pixel behind each pixel in its queue, and behind the position at which each queue begins.
    behind: Vec<u32>,
}

impl Queues {
    fn new(pixel_count: usize) -> Queues {
        let ends = (0..LEVELS).map(|level| [(pixel_count + level) as u32; 2]).collect();
        Queues { ends, behind: vec![0; pixel_count + LEVELS] }
    }

    /// Adds a pixel if `is_added`. It has no branch, because nobody can predict whether a neighbor is in a basin: what
    /// is written behind the last pixel does not count until that pixel is no longer the last one.
    #[inline(always)]
    fn push_if(&mut self, is_added: bool, level: usize, index: usize) {
        let [_, last] = &mut self.ends[level];
        self.behind[*last as usize] = index as u32;
        *last = if is_added { index as u32 } else { *last };
    }

    fn pop(&mut self, level: usize) -> Option<usize> {
        let [taken, last] = &mut self.ends[level];
        (taken != last).then(|| {
            *taken = self.behind[*taken as usize];
            *taken as usize
        })
    }
}

/// Returns a plane with a frame of one pixel around it.
fn framed<T: Copy>(plane: &Plane<T>, frame: T) -> Plane<T> {
    let mut framed = Plane::filled(plane.width + 2, plane.height + 2, frame);
    let rows = framed.data.chunks_exact_mut(plane.width + 2).skip(1);
    for (framed, row) in rows.zip(plane.data.chunks_exact(plane.width.max(1))) {
        framed[1..=plane.width].copy_from_slice(row);
    }
    framed
}

/// Returns the pixels that have no lower pixel in a square of five around them.
fn minima(heights: &Plane<f32>) -> Plane<bool> {
    heights.zip(&spread(heights, 2, smaller), |height, lowest| height <= lowest + 1e-5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ridge_parts_two_basins() {
        let heights = Plane {
            width: 11,
            height: 3,
            data: (0..33).map(|index| [0.0, 0.1, 0.2, 0.3, 0.4, 0.9, 0.4, 0.3, 0.2, 0.1, 0.0][index % 11]).collect(),
        };
        let (basins, count) = watershed(&heights);
        assert_eq!(count, 2);
        assert_eq!((basins.at(0, 0), basins.at(4, 1), basins.at(6, 1), basins.at(10, 2)), (0, 0, 1, 1));
    }
}
