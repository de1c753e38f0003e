use crate::color::filter::{Connected, components, spread};
use crate::color::{Oklab, Plane};

use super::may_be_skin;

/// The largest width of a head, relative to the width of the clothes.
const MAX_HEAD_WIDTH: f32 = 0.6;

/// The smallest share of the hair's border inside the outline that has the colors of skin.
const MIN_SKIN_BORDER: f32 = 0.7;

/// The smallest number of pixels in such a border.
const MIN_BORDER_PIXELS: usize = 12;

/// The OKLab lightness below which pixels outside the product's material are recognized as hair.
const MAX_HAIR_LIGHTNESS: f32 = 0.3;

/// Removes the hair of a head that is turned away and shows no face. Such hair is a part above the largest part and
/// much narrower than it. Inside the product, it borders only on the colors of skin and on other dark pixels of the
/// hair.
pub(in super::super) fn without_turned_heads(
    found: Plane<bool>,
    colors: &Plane<Oklab>,
    product: &Plane<bool>,
) -> Plane<bool> {
    let (labels, sizes) = components(&found, Connected::Corners);
    // One label marks the pixels outside all parts. A single part is not the head of another one.
    if sizes.len() <= 2 {
        return found;
    }
    let mut pieces = vec![Piece::new(); sizes.len()];
    for index in (0..labels.data.len()).filter(|index| labels.data[*index] != 0) {
        pieces[labels.data[index] as usize].take(index % labels.width, index / labels.width);
    }
    let near = spread(&labels, 2, u32::max);
    let is_beside = |index: &usize| labels.data[*index] == 0 && near.data[*index] != 0 && product.data[*index];
    for index in (0..near.data.len()).filter(is_beside).filter(|index| colors.data[*index].l >= MAX_HAIR_LIGHTNESS) {
        let piece = &mut pieces[near.data[index] as usize];
        piece.border += 1;
        piece.skin += usize::from(may_be_skin(colors.data[index]));
    }
    let largest = (1..sizes.len()).max_by_key(|piece| sizes[*piece]).unwrap_or(0);
    let is_head = |piece: usize| pieces[piece].is_head_of(&pieces[largest]) && sizes[piece] * 2 < sizes[largest];
    labels.map(|label| label != 0 && !is_head(label as usize))
}

/// A connected part: its columns and rows, the number of pixels that it borders on inside the product, and the number
/// of those that may be skin.
#[derive(Clone)]
struct Piece {
    columns: (usize, usize),
    rows: (usize, usize),
    border: usize,
    skin: usize,
}

impl Piece {
    fn new() -> Piece {
        Piece { columns: (usize::MAX, 0), rows: (usize::MAX, 0), border: 0, skin: 0 }
    }

    fn take(&mut self, x: usize, y: usize) {
        self.columns = (self.columns.0.min(x), self.columns.1.max(x));
        self.rows = (self.rows.0.min(y), self.rows.1.max(y));
    }

    fn is_head_of(&self, body: &Piece) -> bool {
        let width = |piece: &Piece| (piece.columns.1 - piece.columns.0) as f32;
        let middle = (self.rows.0 + self.rows.1) / 2;
        middle < body.rows.0
            && width(self) < MAX_HEAD_WIDTH * width(body)
            && self.border >= MIN_BORDER_PIXELS
            && self.skin as f32 > MIN_SKIN_BORDER * self.border as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SKIN: Oklab = Oklab { l: 0.75, a: 0.03, b: 0.05 };
    const BLACK: Oklab = Oklab { l: 0.2, a: 0.0, b: 0.0 };

    /// Returns the colors of a black area of some `width`, above an area of skin color of the same width, above another
    /// black area; the mask of the black pixels; and the mask of all three areas.
    fn stack(width: usize) -> (Plane<Oklab>, Plane<bool>, Plane<bool>) {
        let mut colors = Plane::filled(120, 160, Oklab { l: 0.95, a: 0.0, b: 0.0 });
        for index in 0..colors.data.len() {
            let (x, y) = (index % 120, index / 120);
            let is_narrow = x.abs_diff(60) <= width / 2;
            match y {
                10..35 if is_narrow => colors.data[index] = BLACK,
                35..60 if is_narrow => colors.data[index] = SKIN,
                60..150 if x.abs_diff(60) <= 45 => colors.data[index] = BLACK,
                _ => {}
            }
        }
        let found = colors.map(|color| color == BLACK);
        let product = colors.map(|color| color.l < 0.9);
        (colors, found, product)
    }

    #[test]
    fn the_hair_of_a_turned_head_goes_and_the_back_of_a_chair_stays() {
        let (colors, found, product) = stack(30);
        let clothes = without_turned_heads(found, &colors, &product);
        assert!(!clothes.at(60, 20) && clothes.at(60, 100));
        let (colors, found, product) = stack(90);
        assert_eq!(without_turned_heads(found.clone(), &colors, &product), found);
    }
}
