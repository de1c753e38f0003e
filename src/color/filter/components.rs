use std::ops::Range;

use crate::color::Plane;

use super::erode;

/// The neighbors of a pixel that are connected to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::color) enum Connected {
    /// The four neighbors at its sides.
    Sides,
    /// The neighbors at its sides and its corners.
    Corners,
}

/// Returns the connected parts of a mask: the part of each pixel, and the size of each part. Parts are numbered from 1.
/// The number is 0 where the mask is not set, and the size at 0 is 0.
pub(in crate::color) fn components(mask: &Plane<bool>, connected: Connected) -> (Plane<u32>, Vec<usize>) {
    let Parts { runs, sizes } = parts(mask, connected);
    let mut labels = Plane::filled(mask.width, mask.height, 0u32);
    runs.into_iter().for_each(|(run, part)| labels.data[run].fill(part));
    (labels, sizes)
}

/// Returns the parts, connected at sides or corners, for whose size in pixels `keep` returns true. It also gets the size
/// of the largest part.
pub(in crate::color) fn keep_parts(mask: &Plane<bool>, keep: impl Fn(usize, usize) -> bool) -> Plane<bool> {
    let Parts { runs, sizes } = parts(mask, Connected::Corners);
    let largest = sizes.iter().copied().max().unwrap_or(0);
    let mut kept = Plane::filled(mask.width, mask.height, false);
    let is_kept = |part: u32| keep(sizes[part as usize], largest);
    runs.into_iter().filter(|(_, part)| is_kept(*part)).for_each(|(run, _)| kept.data[run].fill(true));
    kept
}

/// The connected parts of a mask.
struct Parts {
    /// The runs of pixels in the rows, each with its part.
    runs: Vec<(Range<usize>, u32)>,
    /// The size of each part in pixels. The first part has no pixels.
    sizes: Vec<usize>,
}

fn parts(mask: &Plane<bool>, connected: Connected) -> Parts {
    let width = mask.width.max(1);
    let reach = usize::from(connected == Connected::Corners);
    // The runs of pixels in each row are joined with those that they touch in the row above.
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut parents: Vec<usize> = Vec::new();
    let mut above = 0..0;
    for (y, row) in mask.data.chunks_exact(width).enumerate() {
        let first = runs.len();
        let mut x = 0;
        while let Some(start) = next(row, x, true) {
            let end = next(row, start, false).unwrap_or(width);
            let (from, to) = (y * width + start, y * width + end);
            let run = runs.len();
            runs.push((from, to));
            parents.push(run);
            let (low, high) = ((from - start + start.saturating_sub(reach)) - width * usize::from(y > 0), to + reach);
            while above.start < above.end && runs[above.start].1 <= low {
                above.start += 1;
            }
            let touching = above.clone().take_while(|other| runs[*other].0 + width < high);
            for other in touching {
                let (one, other) = (root(&mut parents, run), root(&mut parents, other));
                parents[one.max(other)] = one.min(other);
            }
            x = end;
        }
        above = first..runs.len();
    }
    let mut sizes = vec![0];
    let mut names = vec![0u32; runs.len()];
    for (run, (from, to)) in runs.iter().enumerate() {
        let root = root(&mut parents, run);
        if root == run {
            names[run] = sizes.len() as u32;
            sizes.push(0);
        }
        names[run] = names[root];
        sizes[names[run] as usize] += to - from;
    }
    Parts { runs: runs.into_iter().map(|(from, to)| from..to).zip(names).collect(), sizes }
}

/// Returns the first position from `from` on with this value. Blocks without it are skipped at once.
fn next(row: &[bool], from: usize, value: bool) -> Option<usize> {
    const BLOCK: usize = 16;
    let (blocks, _) = row[from..].as_chunks::<BLOCK>();
    let has_value = |block: &[bool; BLOCK]| block.iter().fold(false, |found, own| found | (*own == value));
    let skipped = from + BLOCK * blocks.iter().position(has_value).unwrap_or(blocks.len());
    row[skipped..].iter().position(|own| *own == value).map(|length| skipped + length)
}

fn root(parents: &mut [usize], mut of: usize) -> usize {
    while parents[of] != of {
        parents[of] = parents[parents[of]];
        of = parents[of];
    }
    of
}

/// Returns the pixels that touch the pixel `index` at its sides or corners, in a plane of the given size.
pub(in crate::color) fn neighbors(index: usize, width: usize, height: usize) -> impl Iterator<Item = usize> {
    const AROUND: [(isize, isize); 8] = [(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)];
    let (x, y) = (index % width, index / width);
    AROUND.into_iter().filter_map(move |(across, down)| {
        // A position left of the first column or above the first row wraps to more than any width or height.
        let (x, y) = (x.wrapping_add_signed(across), y.wrapping_add_signed(down));
        (x < width && y < height).then(|| y * width + x)
    })
}

/// Returns the pixels that are set in `from`, and all pixels that are reached from them. The fill proceeds from a pixel
/// to a neighbor that is not reached yet, if `enters` returns true for the two.
pub(in crate::color) fn flooded(from: &Plane<bool>, mut enters: impl FnMut(usize, usize) -> bool) -> Plane<bool> {
    let mut flooded = from.clone();
    let inner = erode(from, 1);
    let mut reached: Vec<usize> =
        (0..from.data.len()).filter(|index| from.data[*index] && !inner.data[*index]).collect();
    while let Some(index) = reached.pop() {
        for neighbor in neighbors(index, from.width, from.height) {
            if !flooded.data[neighbor] && enters(index, neighbor) {
                flooded.data[neighbor] = true;
                reached.push(neighbor);
            }
        }
    }
    flooded
}
