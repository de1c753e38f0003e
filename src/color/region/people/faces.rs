//! The faces in a picture. The product's pixels around a face are skin and hair.
//!
//! Faces are found with the method of Markuš, Frljak, Pandžić, Ahlberg and Forchheimer ("Object Detection with Pixel
//! Intensity Comparisons Organized in Decision Trees", 2013): a cascade of small trees that each compare pairs of
//! pixels. `cascade.bin` holds the trees that they trained (`cascade.license`).

use std::sync::LazyLock;

use crate::color::Plane;

/// A face: the middle and the side of the square around it, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Face {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) side: f32,
    /// The certainty of the face. It rises with the number of positions and sizes at which the face is found.
    score: f32,
}

/// The smallest side of a face, in pixels.
const MIN_SIDE: f32 = 22.0;

/// The largest side, as a share of the picture's shorter side.
const MAX_SIDE_SHARE: f32 = 0.9;

/// The factor between one size and the next.
const SCALE_STEP: f32 = 1.1;

/// The step of the window, as a share of its side.
const STRIDE_SHARE: f32 = 0.1;

/// The smallest overlap at which two squares are one face, as a share of their union.
const MIN_OVERLAP: f32 = 0.3;

/// The smallest score of a face.
const MIN_SCORE: f32 = 6.0;

static CASCADE: LazyLock<Cascade> = LazyLock::new(|| Cascade::read(include_bytes!("cascade.bin")));

/// Returns the faces in a picture of grey values. `middles` are the pixels that may be the middle of a face.
pub(super) fn faces(grey: &Plane<u8>, middles: &Plane<bool>) -> Vec<Face> {
    let mut found: Vec<Face> = Vec::new();
    let largest = MAX_SIDE_SHARE * grey.width.min(grey.height) as f32;
    let mut side = MIN_SIDE;
    while side <= largest {
        let stride = (STRIDE_SHARE * side).max(1.0) as usize;
        let margin = (side / 2.0) as usize + 1;
        let mut scale = Scale { width: grey.width as i32, side: side as i32, pairs: Vec::new() };
        for y in (margin..grey.height.saturating_sub(margin)).step_by(stride) {
            for x in (margin..grey.width.saturating_sub(margin)).step_by(stride) {
                if !middles.at(x, y) {
                    continue;
                }
                if let Some(score) = CASCADE.score(&grey.data, y * grey.width + x, &mut scale) {
                    found.push(Face { x: x as f32, y: y as f32, side, score });
                }
            }
        }
        side *= SCALE_STEP;
    }
    together(found)
}

/// Merges overlapping finds into one face each, with the sum of their scores.
fn together(mut found: Vec<Face>) -> Vec<Face> {
    found.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut faces = Vec::new();
    while let Some(first) = found.first().copied() {
        let (same, rest): (Vec<Face>, Vec<Face>) =
            found.into_iter().partition(|face| first.overlap(face) > MIN_OVERLAP);
        let mean = |of: fn(&Face) -> f32| same.iter().map(of).sum::<f32>() / same.len() as f32;
        let score = same.iter().map(|face| face.score).sum();
        faces.push(Face { x: mean(|face| face.x), y: mean(|face| face.y), side: mean(|face| face.side), score });
        found = rest;
    }
    faces.retain(|face| face.score >= MIN_SCORE);
    faces
}

impl Face {
    /// Returns the distance of a pixel from the middle of the face, across and down, in face sides. `width` is the
    /// width of the picture.
    pub(super) fn away(&self, width: usize, pixel_index: usize) -> (f32, f32) {
        let (x, y) = ((pixel_index % width) as f32, (pixel_index / width) as f32);
        ((x - self.x) / self.side, (y - self.y) / self.side)
    }

    fn overlap(&self, other: &Face) -> f32 {
        let common = |one: f32, two: f32| {
            let from = (one - self.side / 2.0).max(two - other.side / 2.0);
            let to = (one + self.side / 2.0).min(two + other.side / 2.0);
            (to - from).max(0.0)
        };
        let both = common(self.x, other.x) * common(self.y, other.y);
        both / (self.side.powi(2) + other.side.powi(2) - both)
    }
}

/// Trees that are evaluated one after the other. Each tree may decide that there is no face.
struct Cascade {
    depth: usize,
    trees: Vec<Tree>,
}

struct Tree {
    /// Pairs of positions that are compared, each down and across, in 256ths of the side.
    pairs: Vec<[i8; 4]>,
    leaves: Vec<f32>,
    /// The threshold that the sum of leaves must exceed after this tree.
    least: f32,
}

impl Cascade {
    /// Reads the trees from a file. It contains eight unused bytes, the depth and the number of trees (32 bits each,
    /// the lowest byte first), then for each tree its pairs, leaves and threshold.
    fn read(file: &[u8]) -> Cascade {
        let mut words = file.chunks_exact(4).skip(2).map(|word| [word[0], word[1], word[2], word[3]]);
        let mut count = || words.next().map_or(0, u32::from_le_bytes) as usize;
        let (depth, trees) = (count(), count());
        let trees = (0..trees)
            .map(|_tree| Tree {
                pairs: words.by_ref().take((1 << depth) - 1).map(|pair| pair.map(|at| at as i8)).collect(),
                leaves: words.by_ref().take(1 << depth).map(f32::from_le_bytes).collect(),
                least: words.next().map_or(0.0, f32::from_le_bytes),
            })
            .collect();
        Cascade { depth, trees }
    }

    /// Returns the score of the square of `scale` around a pixel; `None` if it is not a face.
    fn score(&self, grey: &[u8], middle: usize, scale: &mut Scale) -> Option<f32> {
        let at = |away: i32| grey[middle.wrapping_add_signed(away as isize)];
        let leaves = 1 << self.depth;
        let (mut sum, mut least) = (0.0, 0.0);
        for (index, tree) in self.trees.iter().enumerate() {
            let pairs = scale.pairs(index, tree);
            let mut node = 1;
            for _level in 0..self.depth {
                let [one, other] = pairs[node - 1];
                node = 2 * node + usize::from(at(one) <= at(other));
            }
            sum += tree.leaves[node - leaves];
            least = tree.least;
            if sum <= least {
                return None;
            }
        }
        Some(sum - least)
    }
}

/// Squares of one size in a picture of a certain width.
struct Scale {
    width: i32,
    side: i32,
    /// The offsets from the middle of the positions that trees compare. They are added tree by tree, because most trees
    /// are never evaluated.
    pairs: Vec<[i32; 2]>,
}

impl Scale {
    fn pairs(&mut self, index: usize, tree: &Tree) -> &[[i32; 2]] {
        let count = tree.pairs.len();
        if self.pairs.len() == index * count {
            let moved = |by: i8| (i32::from(by) * self.side) >> 8;
            let pixel_index = |down: i8, across: i8| moved(down) * self.width + moved(across);
            let pair = |[down, across, other_down, other_across]: &[i8; 4]| {
                [pixel_index(*down, *across), pixel_index(*other_down, *other_across)]
            };
            self.pairs.extend(tree.pairs.iter().map(pair));
        }
        &self.pairs[index * count..][..count]
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::color::Oklab;

    pub(in super::super) const SKIN: Oklab = Oklab { l: 0.78, a: 0.03, b: 0.05 };
    pub(in super::super) const HAIR: Oklab = Oklab { l: 0.25, a: 0.004, b: 0.004 };

    /// Draws a face of `side` pixels with hair around it.
    pub(in super::super) fn draw_face(picture: &mut Plane<Oklab>, x: f32, y: f32, side: f32) {
        let width = picture.width;
        for pixel_index in 0..picture.data.len() {
            let across = ((pixel_index % width) as f32 - x) / side;
            let down = ((pixel_index / width) as f32 - y) / side;
            let oval = |at: (f32, f32), radii: (f32, f32)| {
                ((across - at.0) / radii.0).powi(2) + ((down - at.1) / radii.1).powi(2)
            };
            let both = |at: (f32, f32), radii| oval(at, radii).min(oval((-at.0, at.1), radii));
            let shade = |by: f32| Oklab { l: SKIN.l - by, ..SKIN };
            if oval((0.0, -0.2), (0.62, 0.75)) < 1.0 {
                picture.data[pixel_index] = HAIR;
            }
            if oval((0.0, 0.02), (0.46, 0.62)) < 1.0 {
                picture.data[pixel_index] = shade(0.12 * oval((0.0, 0.02), (0.46, 0.62)));
            }
            if both((0.22, -0.13), (0.13, 0.06)) < 1.0 {
                picture.data[pixel_index] = shade(0.2);
            }
            if both((0.22, -0.12), (0.06, 0.05)) < 1.0 || both((0.22, -0.25), (0.14, 0.03)) < 1.0 {
                picture.data[pixel_index] = HAIR;
            }
            if oval((0.0, 0.17), (0.09, 0.04)) < 1.0 {
                picture.data[pixel_index] = shade(0.2);
            }
            if oval((0.0, 0.33), (0.17, 0.05)) < 1.0 {
                picture.data[pixel_index] = shade(0.3);
            }
        }
    }

    fn found(picture: &Plane<Oklab>) -> Vec<Face> {
        faces(&picture.map(|color| (color.l * 255.0) as u8), &picture.map(|_| true))
    }

    #[test]
    fn a_face_is_found_where_it_is_and_none_where_there_is_none() {
        let mut picture = Plane::filled(160, 200, Oklab { l: 0.92, a: 0.0, b: 0.0 });
        assert_eq!(found(&picture), []);
        draw_face(&mut picture, 90.0, 70.0, 50.0);
        let faces = found(&picture);
        assert_eq!(faces.len(), 1, "{faces:?}");
        let Face { x, y, side, .. } = faces[0];
        assert!((x - 90.0).abs() < 8.0 && (y - 70.0).abs() < 10.0 && (40.0..65.0).contains(&side), "{faces:?}");
    }
}
