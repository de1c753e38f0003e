use crate::color::filter::{Connected, close, components, dilate, erode, keep_parts, neighbors, open};
use crate::color::{Oklab, Plane, Rgb, dominant_color, luminance};

use super::cast_shadow::without_cast_shadow;
use super::clusters::{Clusters, chroma_distance};
use super::gloss::Glossy;
use super::hard_shadow::without_hard_shadow;
use super::lines::with_lines;
use super::neutral::{MAX_MIRRORING_LUMINANCE, neutral, off_hue, with_shades};
use super::outline::outside;
use super::people::without_turned_heads;
use super::shadow::without_soft_shadow;
use super::unmix::{Unmix, norm};

/// The smallest step of chroma over lightness from a product to its background, in OKLab.
const MIN_CHROMA_STEP: f32 = 0.03;

/// The smallest number of pixels in a part of a print; fewer are noise.
const MIN_PRINT_PIXELS: usize = 6;

/// The smallest number of pixels in a product whose materials can be distinguished.
const MIN_CORE_PIXELS: usize = 200;

/// The distance from a product within which the ground's hue is read, in pixels.
const GROUND_DISTANCE: usize = 8;

/// The largest distance of a material's chroma over lightness from that of the ground at which it may be shaded ground.
const MAX_GROUND_HUE_DISTANCE: f32 = 0.06;

/// The smallest share of other hues in a product at which its main material is doubted.
const MIN_OTHER_SHARE: f32 = 0.2;

/// The smallest area of a material of another hue, relative to one that may be shaded ground, at which it is the main
/// one.
const MIN_OTHER_RATIO: f32 = 0.6;

/// The share of a hole's border on the outline above which the hole is open.
const OPEN_BORDER_SHARE: f32 = 0.25;

/// The largest step of OKLab lightness from an open hole to the pixels beyond the outline.
const MAX_OPEN_STEP: f32 = 0.10;

/// The largest difference between ground inside the outline and ground beyond it, in OKLab lightness.
const MAX_GROUND_STEP: f32 = 0.05;

/// The largest share of such ground in the region.
const MAX_GROUND_SHARE: f32 = 0.2;

/// The largest distance of a shade of a colorful body from the body's hue, in OKLab's a and b.
const MAX_SHADE_OFF_HUE: f32 = 0.02;

/// The luminance below which most light of a surface is gloss.
const MAX_DARK_LUMINANCE: f32 = 0.08;

/// The smallest ratio of body to veil at which a pixel is certainly not a shadow in the body's light.
const MIN_BODY_RATIO: f32 = 2.5;

/// Returns the part of `product` that is made of its main material, or of the material whose color `source` names.
///
/// Clusters of color find the material. Then every pixel of the product is compared with the body color: by unmixing if
/// the body is colorful, by chroma and lightness if it is neutral.
pub(crate) fn material(picture: &Plane<Rgb>, product: &Plane<bool>, source: Option<Rgb>) -> Plane<bool> {
    material_of(picture, &picture.map(Oklab::from), product, source)
}

/// Returns the same part for a picture whose `colors` are already known.
pub(crate) fn material_of(
    picture: &Plane<Rgb>,
    colors: &Plane<Oklab>,
    product: &Plane<bool>,
    source: Option<Rgb>,
) -> Plane<bool> {
    let product = &without_hard_shadow(product, colors);
    let core = erode(product, 1);
    if core.count() < MIN_CORE_PIXELS {
        return product.clone();
    }
    let seed = seed(colors, product, &core, source.map(Oklab::from));
    let seeds: Vec<Rgb> = chosen(picture, &seed).collect();
    let (Some(body), true) = (dominant_color(&seeds), seeds.len() >= 80) else { return seed };
    let color = Oklab::from(body);
    let is_mirroring = luminance(body) < MAX_MIRRORING_LUMINANCE;
    // Shadows are not part of the product, and pixels next to them do not border on the ground.
    let outline = product;
    let lit = without_cast_shadow(outline, colors, color);
    let product = &if is_mirroring { without_soft_shadow(&lit, colors, Some(color)) } else { lit };
    let found = if color.saturation() > Oklab::NEUTRAL_SATURATION {
        let (found, product) = colorful(picture, colors, product, body);
        let found = with_shades(&found, colors, &product, color, MAX_SHADE_OFF_HUE);
        with_lines(picture, tidy(&found, colors, &product, body), body)
    } else {
        let found = neutral(colors, &seed, product, body);
        let found = if is_mirroring {
            Glossy { colors, product, outline }.with_reflections(&found)
        } else {
            without_ground(&found, colors, product)
        };
        tidy(&found, colors, outline, body).zip(product, |is_found, is_product| is_found && is_product)
    };
    without_turned_heads(found, colors, product)
}

/// Returns the pixels of the product's main material, or of the material that `source` names.
///
/// The outline may include more shaded ground than product. Therefore, if the main material has the ground's hue and
/// another one does not, the outline is searched again without the shadows.
fn seed(colors: &Plane<Oklab>, product: &Plane<bool>, core: &Plane<bool>, source: Option<Oklab>) -> Plane<bool> {
    let clusters = Clusters::find(colors, core);
    let seed = clusters.main(colors, core, source);
    let Some(ground) =
        mean(colors, &dilate(product, GROUND_DISTANCE).zip(product, |is_near, is_set| is_near && !is_set))
    else {
        return seed;
    };
    let is_grounds = |color: Oklab| chroma_distance(color, ground) < MAX_GROUND_HUE_DISTANCE;
    let is_doubtful = source.is_none() && mean(colors, &seed).is_some_and(is_grounds);
    if !is_doubtful || clusters.share(|color| !is_grounds(color)) < MIN_OTHER_SHARE {
        return seed;
    }
    let lit = erode(&without_soft_shadow(product, colors, None), 1);
    let other = Clusters::find(colors, &lit).main(colors, &lit, None);
    let is_large = other.count() as f32 > MIN_OTHER_RATIO * seed.count() as f32;
    if is_large && mean(colors, &other).is_some_and(|color| !is_grounds(color)) { other } else { seed }
}

/// Returns the mean color of the pixels in `mask`, if there are any.
pub(super) fn mean(colors: &Plane<Oklab>, mask: &Plane<bool>) -> Option<Oklab> {
    let (mut sum, mut count) = ([0.0; 3], 0);
    for color in chosen(colors, mask) {
        sum.iter_mut().zip([color.l, color.a, color.b]).for_each(|(sum, value)| *sum += value);
        count += 1;
    }
    let [l, a, b] = sum.map(|sum| sum / count.max(1) as f32);
    (count > 0).then_some(Oklab { l, a, b })
}

/// Removes separate parts that blend into the area beyond the product. They are ground inside the outline, such as the
/// floor between legs.
fn without_ground(found: &Plane<bool>, colors: &Plane<Oklab>, product: &Plane<bool>) -> Plane<bool> {
    let (labels, sizes) = components(&open(found, 1), Connected::Sides);
    let goes_on = |index: usize, beyond: Oklab| {
        let own = colors.data[index];
        (beyond.l - own.l).abs() < MAX_GROUND_STEP && chroma_distance(beyond, own) < MIN_CHROMA_STEP
    };
    let whole = found.count() as f32;
    let (mut rims, mut open) = (vec![0usize; sizes.len()], vec![0usize; sizes.len()]);
    for index in (0..labels.data.len()).filter(|index| labels.data[*index] != 0) {
        let part = labels.data[index] as usize;
        if neighbors(index, labels.width, labels.height).any(|neighbor| labels.data[neighbor] == 0) {
            rims[part] += 1;
            open[part] += usize::from(outside(index, colors, product).is_some_and(|beyond| goes_on(index, beyond)));
        }
    }
    let is_ground = |part: usize| {
        sizes[part] as f32 <= MAX_GROUND_SHARE * whole && open[part] as f32 > OPEN_BORDER_SHARE * rims[part] as f32
    };
    let ground = dilate(&labels.map(|part| part != 0 && is_ground(part as usize)), 1);
    found.zip(&ground, |is_found, is_ground| is_found && !is_ground)
}

fn chosen<'p, T: Copy>(plane: &'p Plane<T>, mask: &'p Plane<bool>) -> impl Iterator<Item = T> + 'p {
    plane.data.iter().zip(&mask.data).filter(|(_, is_set)| **is_set).map(|(value, _)| *value)
}

/// Returns the pixels that are shade and veil of the body color, and the product without the shadows inside its
/// outline. Pixels with more veil than body (highlights) are included only if they are small relative to the rest and
/// lie in it.
fn colorful(
    picture: &Plane<Rgb>,
    colors: &Plane<Oklab>,
    product: &Plane<bool>,
    body: Rgb,
) -> (Plane<bool>, Plane<bool>) {
    let unmix = Unmix::new(body, 0.0);
    let length = norm(body);
    let color = Oklab::from(body);
    let (mut weak, mut strong) = (product.map(|_| false), product.map(|_| false));
    let (mut veiled, mut reflected) = (weak.clone(), weak.clone());
    for index in (0..product.data.len()).filter(|index| product.data[*index]) {
        let (pixel, own) = (picture.data[index], colors.data[index]);
        let split = unmix.split(pixel);
        let (in_body, veil) = (split.0 * length, split.1);
        let fits = in_body > 0.10 * veil && unmix.is_of_body(pixel, split);
        reflected.data[index] = !fits && reflects(own, color);
        weak.data[index] = fits || reflected.data[index];
        strong.data[index] = fits && in_body > 0.8 * veil && unmix.residual(pixel, split) < 0.19 * (in_body + 0.02);
        veiled.data[index] = fits && in_body < MIN_BODY_RATIO * veil && own.l < color.l + 0.07;
    }
    let shadows = shadows(&veiled, colors, product);
    let product = product.zip(&shadows, |is_product, is_shadow| is_product && !is_shadow);
    weak = weak.zip(&shadows, |is_weak, is_shadow| is_weak && !is_shadow);
    strong = strong.zip(&shadows, |is_strong, is_shadow| is_strong && !is_shadow);
    let rest = weak.zip(&strong, |is_weak, is_strong| is_weak && !is_strong);
    let (labels, sizes) = components(&rest, Connected::Corners);
    let mut parts = vec![Part::default(); sizes.len()];
    let near_other = dilate(&rest.map(|is_set| !is_set), 1);
    let near_strong = dilate(&strong, 1);
    for index in (0..rest.data.len()).filter(|index| rest.data[*index]) {
        let part = &mut parts[labels.data[index] as usize];
        part.reflected += usize::from(reflected.data[index]);
        if near_other.data[index] {
            part.rim += 1;
            part.touching += usize::from(near_strong.data[index]);
        }
    }
    let whole = strong.count() as f32;
    let is_taken = |part: usize| parts[part].belongs(sizes[part] as f32 / whole.max(1.0));
    let mut found = strong;
    for (is_found, label) in found.data.iter_mut().zip(&labels.data) {
        *is_found |= *label != 0 && is_taken(*label as usize);
    }
    let color = Oklab::from(body);
    if luminance(body) < MAX_DARK_LUMINANCE {
        // Gloss on something dark hides its hue.
        for (index, is_found) in found.data.iter_mut().enumerate() {
            let other = colors.data[index];
            *is_found |= product.data[index] && other.chroma() < 0.045 && other.l < color.l + 0.12;
        }
    }
    (found, product)
}

/// The properties of a part that shows less of the body color than the rest.
#[derive(Clone, Copy, Default)]
struct Part {
    /// The number of its pixels that border on another area, and the number of those that border on the rest.
    rim: usize,
    touching: usize,
    /// The number of its pixels that show light reflected by the product onto itself.
    reflected: usize,
}

impl Part {
    /// Whether the part belongs to a region: it must be small and lie in the region. `share` is its size relative to
    /// the region.
    fn belongs(&self, share: f32) -> bool {
        let is_within = self.touching as f32 > 0.45 * self.rim as f32;
        let most = if self.reflected * 2 > self.rim { 0.015 } else { 0.12 };
        is_within && share < most
    }
}

/// Returns those of the `veiled` pixels, which are paler than the body and hardly lighter, that belong to a shadow on
/// the background inside the outline. The parts of such a shadow border on the background and have its hue there.
fn shadows(veiled: &Plane<bool>, colors: &Plane<Oklab>, product: &Plane<bool>) -> Plane<bool> {
    let (labels, sizes) = components(veiled, Connected::Sides);
    let (mut rims, mut outsides, mut steps) =
        (vec![0usize; sizes.len()], vec![0usize; sizes.len()], vec![0.0; sizes.len()]);
    let near_other = dilate(&veiled.map(|is_set| !is_set), 1);
    for index in (0..veiled.data.len()).filter(|index| veiled.data[*index] && near_other.data[*index]) {
        let part = labels.data[index] as usize;
        rims[part] += 1;
        if let Some(beyond) = outside(index, colors, product) {
            outsides[part] += 1;
            steps[part] += chroma_distance(colors.data[index], beyond);
        }
    }
    labels.map(|label| {
        let part = label as usize;
        part != 0 && outsides[part] * 4 > rims[part] && steps[part] < MIN_CHROMA_STEP * outsides[part] as f32
    })
}

/// Whether a color is the body's own light reflected onto it again: of about the same hue, more saturated and darker.
fn reflects(color: Oklab, body: Oklab) -> bool {
    color.l < body.l && color.saturation() > 0.9 * body.saturation() && color.hue_from(body).abs().to_degrees() < 35.0
}

/// Whether a color has a hue of its own, which no light produces on the body.
pub(crate) fn is_of_another_hue(color: Oklab, body: Oklab) -> bool {
    let is_colorful = color.chroma() > 0.06 && color.saturation() > body.saturation().min(0.1);
    let is_deeper = || color.l > body.l && color.saturation() > 1.4 * body.saturation();
    let is_turned = || color.hue_from(body).abs().to_degrees() > 25.0;
    is_colorful
        && off_hue(color, body) > 0.08
        && (body.saturation() <= Oklab::NEUTRAL_SATURATION || is_deeper() || is_turned())
}

/// Returns the share of each hole's border along which it blends into the area beyond the product. There, the hole is
/// ground in a fold of the outline.
fn openings(holes: &Plane<u32>, count: usize, colors: &Plane<Oklab>, product: &Plane<bool>) -> Vec<f32> {
    let mut rims = vec![(0usize, 0usize); count];
    for index in (0..holes.data.len()).filter(|index| holes.data[*index] != 0) {
        let (rim, open) = &mut rims[holes.data[index] as usize];
        for neighbor in neighbors(index, holes.width, holes.height).filter(|neighbor| holes.data[*neighbor] == 0) {
            let step = (colors.data[index].l - colors.data[neighbor].l).abs();
            *rim += 1;
            *open += usize::from(!product.data[neighbor] && step < MAX_OPEN_STEP);
        }
    }
    rims.into_iter().map(|(rim, open)| open as f32 / rim.max(1) as f32).collect()
}

/// Fills small holes, including highlights, and removes specks. Prints in another hue remain holes.
fn tidy(found: &Plane<bool>, colors: &Plane<Oklab>, product: &Plane<bool>, body: Rgb) -> Plane<bool> {
    let whole = found.count() as f32;
    let (is_dark, body) = (luminance(body) < MAX_DARK_LUMINANCE, Oklab::from(body));
    let printed = found.zip(colors, |is_found, color| !is_found && is_of_another_hue(color, body));
    let printed = keep_parts(&printed, |size, _| size >= MIN_PRINT_PIXELS);
    let found = found.zip(&printed, |is_found, is_printed| is_found && !is_printed);
    let mut tidied = close(&found, 1).zip(&printed, |is_found, is_printed| is_found && !is_printed);
    let holes = tidied.zip(product, |is_found, is_product| is_product && !is_found);
    let (labels, sizes) = components(&holes, Connected::Sides);
    let mut chromas = vec![0.0; sizes.len()];
    for (label, color) in labels.data.iter().zip(&colors.data).filter(|(label, _)| **label != 0) {
        chromas[*label as usize] += color.chroma();
    }
    let openings = openings(&labels, sizes.len(), colors, product);
    let limit = whole * if is_dark { 0.05 } else { 0.004 };
    let is_filled = |part: usize| {
        let size = sizes[part] as f32;
        size < limit && (size < 0.0015 * whole || (is_dark && chromas[part] / size < 0.06))
    };
    let near = dilate(&tidied, 1);
    for (index, is_found) in tidied.data.iter_mut().enumerate() {
        let label = labels.data[index] as usize;
        let is_open = openings[label] > OPEN_BORDER_SHARE && !near.data[index];
        *is_found |= label != 0 && !printed.data[index] && !is_open && is_filled(label);
    }
    keep_parts(&tidied, |size, _| size as f32 > (0.004 * whole).max(30.0))
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    /// A picture, and the area that the product's outline encloses.
    struct Scene {
        picture: Plane<Rgb>,
        product: Plane<bool>,
    }

    impl Scene {
        fn on(ground: Rgb, side: usize) -> Scene {
            Scene { picture: Plane::filled(side, side, ground), product: Plane::filled(side, side, false) }
        }

        /// Adds a rectangle of the product to the picture.
        fn put(&mut self, columns: Range<usize>, rows: Range<usize>, color: Rgb) {
            for (x, y) in columns.flat_map(|x| rows.clone().map(move |y| (x, y))) {
                let index = y * self.picture.width + x;
                (self.picture.data[index], self.product.data[index]) = (color, true);
            }
        }

        fn material(&self) -> Plane<bool> {
            material(&self.picture, &self.product, None)
        }
    }

    #[test]
    fn a_soft_shadow_that_is_larger_than_the_red_body_over_it_is_not_the_main_material() {
        let (body, ground) = ([0.4, 0.03, 0.02], [0.7, 0.55, 0.38]);
        let mut scene = Scene::on(ground, 160);
        for (x, y) in (10..150_usize).flat_map(|x| (60..150_usize).map(move |y| (x, y))) {
            // The light falls off over many pixels.
            let depth = x.min(159 - x).saturating_sub(10).min(y - 60).min(149 - y).min(30) as f32 / 30.0;
            scene.put(x..x + 1, y..y + 1, ground.map(|channel| channel * (0.97 - 0.6 * depth)));
        }
        scene.put(30..130, 20..90, body);
        let found = scene.material();
        assert!(found.at(80, 50) && found.at(32, 22), "the body");
        assert!(!found.at(80, 120), "the shadow");
    }

    #[test]
    fn a_shadow_in_the_bodys_light_is_no_part_of_it_and_a_highlight_is() {
        let (body, ground) = ([0.6, 0.3, 0.03], [0.8, 0.62, 0.36]);
        let mut scene = Scene::on(ground, 120);
        scene.put(30..90, 20..80, body);
        scene.put(50..58, 40..48, [0.9, 0.75, 0.6]);
        // The ground is darker below the product, and the outline includes that shadow.
        scene.put(50..66, 80..96, [0.32, 0.248, 0.144]);
        let found = scene.material();
        assert!(found.at(54, 44) && found.at(32, 22), "the highlight and the body");
        assert!(!found.at(58, 90), "the shadow");
    }

    #[test]
    fn a_pale_surface_is_one_however_much_light_falls_on_it_and_a_white_label_on_it_is_another() {
        let (mint, ground) = ([0.28, 0.40, 0.33], [0.72, 0.66, 0.58]);
        let mut scene = Scene::on(ground, 140);
        for x in 20..120 {
            // The light falls off from full on the left to shade.
            let light = 0.35 + 1.9 * ((120 - x) as f32 / 100.0).powi(3);
            scene.put(x..x + 1, 30..110, mint.map(|channel| channel * light));
        }
        scene.put(90..110, 60..80, [1.0; 3]);
        let found = scene.material();
        assert!(found.at(22, 70) && found.at(60, 70) && found.at(117, 70), "the lit side and the shaded one");
        assert!(!found.at(100, 70), "the label");
    }

    #[test]
    fn ground_that_the_outline_of_something_black_took_in_is_no_highlight_and_gloss_within_is() {
        let (body, ground) = ([0.012; 3], [0.6; 3]);
        let mut scene = Scene::on(ground, 120);
        scene.put(30..90, 20..80, body);
        scene.put(50..56, 40..46, [0.4; 3]);
        // A fold of the outline, in the color of the ground.
        scene.put(60..66, 80..88, ground);
        let found = scene.material();
        assert!(found.at(53, 43) && found.at(32, 22), "gloss and body");
        assert!(!found.at(63, 84), "the ground");
    }

    #[test]
    fn floor_that_the_outline_took_in_between_legs_is_no_part_and_a_second_piece_is() {
        let (body, ground, leg) = ([0.82, 0.81, 0.78], [0.72; 3], [0.2, 0.1, 0.04]);
        let mut scene = Scene::on(ground, 140);
        scene.put(30..90, 20..70, body);
        scene.put(30..90, 70..76, leg);
        scene.put(30..36, 76..120, leg);
        scene.put(84..90, 76..120, leg);
        scene.put(36..84, 76..90, ground);
        scene.put(100..120, 20..60, [0.95, 0.94, 0.91]);
        let found = scene.material();
        assert!(found.at(60, 40) && found.at(110, 40), "the body, and another piece of it");
        assert!(!found.at(60, 83), "the floor");
    }
}
