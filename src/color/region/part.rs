use crate::color::filter::{Connected, components, dilate, open};
use crate::color::spaces::length;
use crate::color::{Oklab, Plane, Rgb};

use super::background::Background;
use super::material::material_of;
use super::outline::outside;

/// A part of a product, defined by its position. Color alone does not distinguish a lid from a sole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A part that sticks out, such as a handle or a strap.
    Limb,
    /// A part above the rest, such as a lid.
    Top,
    /// A part below the rest, such as legs or a sole.
    Bottom,
}

/// The smallest share of the product that makes a part.
const MIN_PART_SHARE: f32 = 0.01;

/// The largest part relative to the main material.
const MAX_PART_RATIO: f32 = 1.2;

/// The smallest share of a limb's pixels at the outline, among its pixels at the outline and at the main material.
const MIN_OPEN_SHARE: f32 = 0.5;

/// The largest distance from the product's upper end to the beginning of a top, and from its lower end to the end of a
/// bottom, as a share of its height.
const END_SHARE: f32 = 0.25;

/// The smallest width of a lid, as a share of the main material's; a knob is narrower.
const MIN_LID_WIDTH: f32 = 0.25;

/// The smallest number of pixels in a part.
const MIN_PIXELS: usize = 40;

/// The largest step in OKLab from a shadow to the area beyond its outline.
const MAX_SHADOW_STEP: f32 = 0.10;

/// The share of a part's outline without a larger step, from which on the part is a shadow.
const MIN_SHADOW_SHARE: f32 = 0.4;

/// The largest distance from the background at which areas between legs are background, in OKLab.
const MAX_BACKGROUND_DISTANCE: f32 = 0.06;

/// The number of materials that are examined in addition to the main one.
const MAX_MATERIALS: usize = 4;

/// Returns the requested part of `product`. It consists of another material than most of the product, and has the
/// position of such a part. `None` if there is no such part, as on a mug whose handle has the mug's color.
pub(crate) fn part_of(
    picture: &Plane<Rgb>,
    colors: &Plane<Oklab>,
    product: &Plane<bool>,
    part: Part,
) -> Option<Plane<bool>> {
    let main = material_of(picture, colors, product, None);
    let background = Background::fit(colors);
    let mut rest = product.zip(&dilate(&main, 1), |is_product, is_main| is_product && !is_main);
    for (index, is_rest) in rest.data.iter_mut().enumerate().filter(|(_, is_rest)| **is_rest) {
        let (x, y) = (index % colors.width, index / colors.width);
        *is_rest = background.distance(x, y, colors.data[index]) > MAX_BACKGROUND_DISTANCE;
    }
    let mut rest = open(&rest, 1);
    let whole = product.count() as f32;
    for _material in 0..MAX_MATERIALS {
        let found = material_of(picture, colors, &rest, None);
        if found.count() < MIN_PIXELS {
            return None;
        }
        let placed = placed(part, &found, &main, product, colors);
        let count = placed.count() as f32;
        let is_wide = part != Part::Top || width(&placed) > MIN_LID_WIDTH * width(&main);
        if is_wide && count > MIN_PART_SHARE * whole && count < MAX_PART_RATIO * main.count() as f32 {
            return Some(placed);
        }
        rest = rest.zip(&found, |is_rest, is_found| is_rest && !is_found);
    }
    None
}

/// Returns the connected pieces of `found` that have the position of such a part.
fn placed(
    part: Part,
    found: &Plane<bool>,
    main: &Plane<bool>,
    product: &Plane<bool>,
    colors: &Plane<Oklab>,
) -> Plane<bool> {
    let (labels, sizes) = components(found, Connected::Corners);
    let mut pieces = vec![Piece::default(); sizes.len()];
    let near_main = dilate(main, 3);
    for (index, label) in labels.data.iter().enumerate().filter(|(_, label)| **label != 0) {
        let piece = &mut pieces[*label as usize];
        piece.area += 1.0;
        let row = (index / labels.width) as f32;
        piece.highest = if piece.area > 1.0 { piece.highest.min(row) } else { row };
        piece.lowest = piece.lowest.max(row);
        piece.at_main += f32::from(u8::from(near_main.data[index]));
        if let Some(beyond) = outside(index, colors, product) {
            piece.open += 1.0;
            let own = colors.data[index];
            let step = (own.l - beyond.l).abs() + 2.0 * length(own.a - beyond.a, own.b - beyond.b);
            piece.ground += f32::from(u8::from(step < MAX_SHADOW_STEP));
        }
    }
    let rows = || product.data.chunks_exact(product.width.max(1)).map(|row| row.contains(&true));
    let top = rows().position(|is_set| is_set).unwrap_or(0) as f32;
    let bottom = rows().rposition(|is_set| is_set).unwrap_or(0) as f32;
    labels.map(|label| label != 0 && pieces[label as usize].lies(part, top, bottom))
}

/// A connected piece of a material.
#[derive(Clone, Copy, Default)]
struct Piece {
    area: f32,
    /// The first and the last row of the piece.
    highest: f32,
    lowest: f32,
    /// The number of its pixels at the main material, at the outline, and at the outline with no step to the ground.
    at_main: f32,
    open: f32,
    ground: f32,
}

impl Piece {
    fn lies(self, part: Part, top: f32, bottom: f32) -> bool {
        let down = |row: f32| (row - top) / (bottom - top).max(1.0);
        let middle = down((self.highest + self.lowest) / 2.0);
        let is_shadow = self.ground > MIN_SHADOW_SHARE * self.open;
        !is_shadow
            && match part {
                Part::Limb => self.open > MIN_OPEN_SHARE * (self.open + self.at_main),
                Part::Top => middle < 0.5 && down(self.highest) < END_SHARE,
                Part::Bottom => middle > 0.5 && down(self.lowest) > 1.0 - END_SHARE,
            }
    }
}

/// Returns the number of columns from the first to the last column with pixels in the mask.
fn width(mask: &Plane<bool>) -> f32 {
    let columns = || (0..mask.width).filter(|x| (0..mask.height).any(|y| mask.at(*x, y)));
    columns().next().zip(columns().next_back()).map_or(0.0, |(first, last)| (last - first + 1) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the picture and the mask of a red jar with a black lid, two brown legs and a white label, on grey.
    fn jar() -> (Plane<Rgb>, Plane<bool>) {
        let ground = [0.6; 3];
        let mut picture = Plane::filled(120, 140, ground);
        let mut fill = |columns: std::ops::Range<usize>, rows: std::ops::Range<usize>, color: Rgb| {
            for (x, y) in columns.flat_map(|x| rows.clone().map(move |y| (x, y))) {
                picture.data[y * 120 + x] = color;
            }
        };
        fill(35..85, 35..105, [0.5, 0.03, 0.03]);
        fill(45..75, 60..75, [0.85; 3]);
        fill(35..85, 20..35, [0.015; 3]);
        fill(38..46, 105..125, [0.2, 0.1, 0.04]);
        fill(74..82, 105..125, [0.2, 0.1, 0.04]);
        let product = picture.map(|color| color != ground);
        (picture, product)
    }

    #[test]
    fn a_part_is_found_by_where_it_lies() {
        let (picture, product) = jar();
        let colors = picture.map(Oklab::from);
        let found = |part| part_of(&picture, &colors, &product, part).unwrap();
        let (top, bottom) = (found(Part::Top), found(Part::Bottom));
        assert!(top.at(60, 27) && !top.at(60, 50) && !top.at(42, 115) && !top.at(60, 67));
        assert!(bottom.at(42, 115) && bottom.at(78, 115) && !bottom.at(60, 27) && !bottom.at(60, 67));
    }

    #[test]
    fn a_part_of_the_products_own_color_is_not_told() {
        let (mut picture, product) = jar();
        picture.data.iter_mut().filter(|color| **color == [0.015; 3]).for_each(|color| *color = [0.5, 0.03, 0.03]);
        let colors = picture.map(Oklab::from);
        assert_eq!(part_of(&picture, &colors, &product, Part::Top), None);
    }
}
