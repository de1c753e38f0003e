use crate::color::Plane;

/// The border between two basins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Border {
    /// The two basins, the lower number first.
    pub(super) ends: (u32, u32),
    /// The sum of the strengths between the pairs of pixels at the border.
    pub(super) strength: f32,
    /// The number of these pairs.
    pub(super) length: f32,
}

/// Returns all borders between `count` basins, each once. `strength` returns that between two neighboring pixels, which
/// are given by their indices.
pub(super) fn borders(labels: &Plane<u32>, count: usize, strength: impl Fn(usize, usize) -> f32) -> Vec<Border> {
    let mut borders: Vec<Border> = Vec::new();
    // The borders of each basin with basins of a higher number.
    let mut of_basins: Vec<Vec<u32>> = vec![Vec::new(); count];
    let mut last = 0;
    let mut meet = |one: usize, other: usize| {
        let ends = (labels.data[one].min(labels.data[other]), labels.data[one].max(labels.data[other]));
        // Neighboring pixels mostly lie at the same border.
        if borders.get(last).is_none_or(|last| last.ends != ends) {
            let known = &mut of_basins[ends.0 as usize];
            let found = known.iter().rev().find(|border| borders[**border as usize].ends == ends);
            last = found.map_or(borders.len(), |border| *border as usize);
            if last == borders.len() {
                known.push(last as u32);
                borders.push(Border { ends, strength: 0.0, length: 0.0 });
            }
        }
        borders[last].strength += strength(one, other);
        borders[last].length += 1.0;
    };
    let (width, pixel_count) = (labels.width.max(1), labels.data.len());
    for first in (0..pixel_count).step_by(width) {
        for index in first..first + width {
            if index + 1 < first + width && labels.data[index] != labels.data[index + 1] {
                meet(index, index + 1);
            }
            if index + width < pixel_count && labels.data[index] != labels.data[index + width] {
                meet(index, index + width);
            }
        }
    }
    borders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_border_is_as_long_as_the_line_between_its_basins() {
        let labels = Plane { width: 3, height: 3, data: vec![1, 1, 0, 1, 2, 0, 1, 2, 2] };
        let mut found = borders(&labels, 3, |one, other| (one + other) as f32);
        found.sort_by_key(|border| border.ends);
        let border = |ends, strength, length| Border { ends, strength, length };
        assert_eq!(found, [border((0, 1), 3.0, 1.0), border((0, 2), 22.0, 2.0), border((1, 2), 25.0, 3.0)]);
    }
}
