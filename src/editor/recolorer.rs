use crate::color::{Change, Hex, NotFound, Recoloring};

use crate::job::Size;
use crate::photo::Photo;

use super::edit::{EditError, EditInput, EditOutput, Editor};
use super::instruction::{Instruction, KeptPart};

/// The editor that recolors products on studio backgrounds. Equal inputs always produce the same picture.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recolorer;

impl Editor for Recolorer {
    fn edit(&self, input: &EditInput<'_>) -> Result<EditOutput, EditError> {
        let instruction: Instruction = input.prompt.parse()?;
        let encoded =
            input.images.first().ok_or_else(|| EditError::Picture { number: 1, cause: "it is missing".to_owned() })?;
        let picture =
            Photo::decode(encoded).map_err(|error| EditError::Picture { number: 1, cause: error.to_string() })?;
        let side = input.size.map_or(picture.longer_side(), side);
        // The smaller of the two sizes is used for recoloring, which is faster and loses nothing.
        let mut picture = if side < picture.longer_side() { picture.resized(side) } else { picture };
        for plan in plans(&picture, &instruction)? {
            paint(&mut picture, &plan);
        }
        let picture = if side > picture.longer_side() { picture.resized(side) } else { picture };
        Ok(EditOutput { png: picture.to_png().map_err(EditError::Encode)? })
    }
}

/// Plans all changes before the first is painted, so that each part is found by the color that it has in the picture.
fn plans(picture: &Photo, instruction: &Instruction) -> Result<Vec<Recoloring>, EditError> {
    let view = picture.reduced(Recoloring::SIDE);
    let mut plans: Vec<Recoloring> = Vec::new();
    for change in &instruction.changes {
        let (part, word) = change.named.map(|named| (named.part, named.word)).unzip();
        let plan = Recoloring::plan(&view, Change { from: change.from.map(Hex::linear), part, to: change.to.linear() })
            .map_err(|error| not_found(error, word))?;
        if plans.iter().any(|other| other.overlaps(&plan)) {
            return Err(EditError::NoProduct(
                "two colors are requested for the same part of the picture; name the current color of each part".into(),
            ));
        }
        plans.push(plan);
    }
    let is_painted = |kept: &&KeptPart| !plans.iter().all(|plan| plan.leaves(&view, kept.part));
    match instruction.kept.iter().find(is_painted) {
        None => Ok(plans),
        Some(KeptPart { word, .. }) => Err(EditError::NoProduct(format!(
            "the {word} cannot be kept, because no {word} with another color than the rest of the product was found in \
             the picture"
        ))),
    }
}

fn not_found(error: NotFound, word: Option<&str>) -> EditError {
    let word = word.unwrap_or("part");
    EditError::NoProduct(match error {
        NotFound::Product => format!("{error}: the picture should show one product on an even background"),
        NotFound::Color => format!("{error}: name the color that it has, or none"),
        NotFound::Part => format!(
            "no {word} with another color than the rest of the product was found in the picture; name the current color of \
             the part, or request a color for the whole product"
        ),
    })
}

/// Recolors the product in `picture`, or the part of it that is identified by its color or name, in place.
///
/// # Errors
///
/// No product is found, or no such part of it.
pub fn recolor(picture: &mut Photo, change: Change) -> Result<(), NotFound> {
    let recoloring = Recoloring::plan(&picture.reduced(Recoloring::SIDE), change)?;
    paint(picture, &recoloring);
    Ok(())
}

fn paint(picture: &mut Photo, recoloring: &Recoloring) {
    let (width, height) = picture.dimensions();
    let painter = recoloring.painter(width as usize, height as usize);
    picture.paint_rows(|y| painter.span(y), |y, first, pixels| painter.paint(y, first, pixels));
}

/// Returns the length of the longer side for a size, in pixels.
fn side(size: Size) -> u32 {
    match size {
        Size::Small => 512,
        Size::Medium => 1024,
        Size::Large => 2048,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a PNG of a red square on white, `width` by `height` pixels.
    fn photo(width: u32, height: u32) -> Vec<u8> {
        let picture = image::RgbImage::from_fn(width, height, |x, y| {
            let is_product = (width / 4..width * 3 / 4).contains(&x) && (height / 4..height * 3 / 4).contains(&y);
            image::Rgb(if is_product { [198, 40, 40] } else { [235, 235, 235] })
        });
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        png.into_inner()
    }

    fn edit(prompt: &str, image: Vec<u8>, size: Option<Size>) -> Result<image::DynamicImage, String> {
        let images = [image];
        let input = EditInput { prompt, images: &images, size, seed: None };
        let output = Recolorer.edit(&input).map_err(|error| error.to_string())?;
        Ok(image::load_from_memory_with_format(&output.png, image::ImageFormat::Png).unwrap())
    }

    #[test]
    fn the_product_is_recolored_and_the_background_is_unchanged() {
        let done = edit("Change the box's color to #1E90FF (ocean), keep the background", photo(120, 90), None)
            .unwrap()
            .to_rgb8();
        assert_eq!((done.width(), done.height()), (120, 90));
        assert_eq!(done.get_pixel(2, 2).0, [235, 235, 235]);
        let [red, green, blue] = done.get_pixel(60, 45).0;
        assert!(red < 50 && green.abs_diff(144) < 8 && blue > 240, "{:?}", done.get_pixel(60, 45));
    }

    #[test]
    fn sizes_are_the_longer_side_in_pixels() {
        for (size, side) in [(Size::Small, 512), (Size::Medium, 1024)] {
            let done = edit("make it navy", photo(800, 400), Some(size)).unwrap();
            assert_eq!((done.width(), done.height()), (side, side / 2));
        }
    }

    #[test]
    fn transparency_is_kept_and_identifies_the_product() {
        let picture = image::RgbaImage::from_fn(80, 80, |x, y| {
            let is_product = (20..60).contains(&x) && (20..60).contains(&y);
            image::Rgba(if is_product { [245, 245, 245, 255] } else { [0, 0, 0, 0] })
        });
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let done = edit("make it #2E7D4F", png.into_inner(), None).unwrap().to_rgba8();
        assert_eq!(done.get_pixel(1, 1).0[3], 0);
        let [red, green, _, alpha] = done.get_pixel(40, 40).0;
        assert!(alpha == 255 && green > red + 40);
    }

    #[test]
    fn an_unidentifiable_part_is_not_mistaken_for_the_product() {
        let error = edit("make the handle white", photo(120, 90), None).unwrap_err();
        assert!(error.contains("no handle with another color") && error.contains("name the current color"), "{error}");
    }

    /// Returns a PNG of a jar with a lid and two legs of the given color, on grey. Its body is red.
    fn jar(lid: [u8; 3], legs: [u8; 3]) -> Vec<u8> {
        let mut picture = image::RgbImage::from_pixel(120, 140, image::Rgb([205, 205, 205]));
        let mut fill = |columns: std::ops::Range<u32>, rows: std::ops::Range<u32>, color: [u8; 3]| {
            for (x, y) in columns.flat_map(|x| rows.clone().map(move |y| (x, y))) {
                picture.put_pixel(x, y, image::Rgb(color));
            }
        };
        fill(35..85, 35..105, RED);
        fill(35..85, 20..35, lid);
        fill(38..46, 105..125, legs);
        fill(74..82, 105..125, legs);
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        png.into_inner()
    }

    const RED: [u8; 3] = [188, 48, 48];
    const BLACK: [u8; 3] = [32, 32, 32];
    const BROWN: [u8; 3] = [124, 89, 56];

    /// Returns the colors of the jar's lid, body and leg after an edit.
    fn jar_after(prompt: &str, lid: [u8; 3], legs: [u8; 3]) -> Result<[[u8; 3]; 3], String> {
        let done = edit(prompt, jar(lid, legs), None)?.to_rgb8();
        Ok([(60, 27), (60, 70), (42, 115)].map(|(x, y)| done.get_pixel(x, y).0))
    }

    fn is_near(one: [u8; 3], other: [u8; 3]) -> bool {
        one.iter().zip(other).all(|(one, other)| one.abs_diff(other) < 24)
    }

    #[test]
    fn the_product_and_its_parts_get_colors_of_their_own() {
        let [lid, body, leg] = jar_after("Make the jar #1E90FF with a #F5C518 lid", BLACK, BROWN).unwrap();
        assert!(
            is_near(lid, [245, 197, 24]) && is_near(body, [30, 144, 255]) && leg == BROWN,
            "{lid:?} {body:?} {leg:?}"
        );
        let [lid, body, leg] = jar_after("Make the lid #BC3030 and the jar #202020", BLACK, BROWN).unwrap();
        assert!(is_near(lid, RED) && is_near(body, BLACK) && leg == BROWN, "{lid:?} {body:?} {leg:?}");
    }

    #[test]
    fn a_part_to_keep_stays_or_the_edit_is_refused() {
        for prompt in ["Change the jar to #1E90FF, keep the lid", "Change everything but the lid to #1E90FF"] {
            let [lid, body, _] = jar_after(prompt, BLACK, BROWN).unwrap();
            assert!(lid == BLACK && is_near(body, [30, 144, 255]), "{prompt}: {lid:?} {body:?}");
            let error = jar_after(prompt, RED, BROWN).unwrap_err();
            assert!(error.contains("the lid cannot be kept"), "{prompt}: {error}");
        }
        let error = jar_after("Change the jar to #1E90FF, keep the inside", RED, RED).unwrap_err();
        assert!(error.contains("the inside cannot be kept"), "{error}");
    }

    #[test]
    fn two_colors_for_the_same_region_are_refused() {
        let error = jar_after("Make the jar #1E90FF. Change red to #F5C518.", BLACK, BROWN).unwrap_err();
        assert!(error.contains("same part"), "{error}");
    }

    #[test]
    fn an_impossible_instruction_is_refused_with_the_reason() {
        assert!(edit("add a hat", photo(80, 80), None).unwrap_err().contains("recolors"));
        assert!(edit("make it red", b"GIF89a".to_vec(), None).unwrap_err().starts_with("image 1 cannot be read"));
    }
}
