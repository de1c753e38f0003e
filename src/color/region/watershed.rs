use crate::color::Plane;
use crate::color::filter::{Connected, components, larger, smaller, spread};

/// The number of levels that gradients are quantized to.
const LEVELS: usize = 1024;

/// Splits a plane into the basins of its local minima. Returns each pixel's basin, from 0, and the number of basins.
///
/// The method is Meyer's flooding: the lowest pixel next to a basin joins it, and among equal pixels the one reached
/// first. A queue for each of 1024 levels makes the time linear in the number of pixels.
pub(super) fn watershed(heights: &Plane<f32>) -> (Plane<u32>, usize) {
    let (width, height) = (heights.width, heights.height);
    let (mut basins, sizes) = components(&minima(heights), Connected::Corners);
    let highest = heights.data.iter().copied().fold(1e-9, larger);
    let scale = (LEVELS - 1) as f32;
    let levels: Vec<u16> = heights.data.iter().map(|height| (height / highest * scale) as u16).collect();
    let mut queues: Vec<Vec<u32>> = vec![Vec::new(); LEVELS];
    for (index, _) in basins.data.iter().enumerate().filter(|(_, basin)| **basin != 0) {
        queues[usize::from(levels[index])].push(index as u32);
    }
    for level in 0..LEVELS {
        let mut next = 0;
        while let Some(index) = queues[level].get(next).map(|index| *index as usize) {
            next += 1;
            let (x, y) = (index % width, index / width);
            let basin = basins.data[index];
            let mut flood = |is_there: bool, neighbor: usize| {
                if is_there && basins.data[neighbor] == 0 {
                    basins.data[neighbor] = basin;
                    queues[usize::from(levels[neighbor]).max(level)].push(neighbor as u32);
                }
            };
            flood(x > 0, index.wrapping_sub(1));
            flood(x + 1 < width, index + 1);
            flood(y > 0, index.wrapping_sub(width));
            flood(y + 1 < height, index + width);
        }
        queues[level] = Vec::new();
    }
    (basins.map(|basin| basin.saturating_sub(1)), sizes.len() - 1)
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
