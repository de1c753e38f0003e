use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::color::Plane;
use crate::color::filter::{Connected, components, neighbors};

/// Splits a plane into the basins of its local minima: each pixel's basin, from 0, and how many there are.
///
/// Meyer's flooding: the lowest pixel beside a basin joins it, and among equals the one that was reached first.
pub(super) fn watershed(heights: &Plane<f32>) -> (Plane<u32>, usize) {
    let (width, height) = (heights.width, heights.height);
    let (mut basins, sizes) = components(&minima(heights), Connected::Corners);
    let mut queue = BinaryHeap::new();
    let mut age = 0u64;
    let mut reach = |queue: &mut BinaryHeap<_>, basins: &Plane<u32>, place: usize| {
        for next in neighbors(place, width, height, Connected::Sides) {
            if basins.data[next] == 0 {
                age += 1;
                // Heights are never negative, and so their bits are in their order.
                queue.push(Reverse((heights.data[next].to_bits(), age, next, basins.data[place])));
            }
        }
    };
    for place in 0..basins.data.len() {
        if basins.data[place] != 0 {
            reach(&mut queue, &basins, place);
        }
    }
    while let Some(Reverse((_, _, place, basin))) = queue.pop() {
        if basins.data[place] == 0 {
            basins.data[place] = basin;
            reach(&mut queue, &basins, place);
        }
    }
    (basins.map(|basin| basin.saturating_sub(1)), sizes.len() - 1)
}

/// The pixels that none around them in a square of five is lower than.
fn minima(heights: &Plane<f32>) -> Plane<bool> {
    const REACH: usize = 2;
    let lowest = |line: &mut dyn Iterator<Item = f32>| line.fold(f32::INFINITY, f32::min);
    let (width, height) = (heights.width, heights.height);
    let mut rows = Vec::with_capacity(heights.data.len());
    for y in 0..height {
        for x in 0..width {
            let range = x.saturating_sub(REACH)..(x + REACH + 1).min(width);
            rows.push(lowest(&mut range.map(|x| heights.at(x, y))));
        }
    }
    let mut data = Vec::with_capacity(heights.data.len());
    for y in 0..height {
        for x in 0..width {
            let range = y.saturating_sub(REACH)..(y + REACH + 1).min(height);
            data.push(heights.at(x, y) <= lowest(&mut range.map(|y| rows[y * width + x])) + 1e-5);
        }
    }
    Plane { width, height, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ridge_parts_two_basins() {
        let heights = Plane {
            width: 11,
            height: 3,
            data: (0..33).map(|place| [0.0, 0.1, 0.2, 0.3, 0.4, 0.9, 0.4, 0.3, 0.2, 0.1, 0.0][place % 11]).collect(),
        };
        let (basins, count) = watershed(&heights);
        assert_eq!(count, 2);
        assert_eq!((basins.at(0, 0), basins.at(4, 1), basins.at(6, 1), basins.at(10, 2)), (0, 0, 1, 1));
    }
}
