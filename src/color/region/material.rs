use crate::color::filter::{Connected, close, components, dilate, erode, keep_parts};
use crate::color::{Oklab, Plane, Rgb, luminance, shown};

use super::clusters::Clusters;
use super::unmix::{Unmix, norm};

/// Below this saturation a color counts as neutral, and has no hue to go by.
const NEUTRAL: f32 = 0.09;

/// The part of `product` that is made of its main material, or of the one whose color `source` names.
///
/// Clusters of color find the material; then every pixel of the product is held against its body color: a colorful
/// one by unmixing, a neutral one by chroma and lightness.
pub(crate) fn material(picture: &Plane<Rgb>, product: &Plane<bool>, source: Option<Rgb>) -> Plane<bool> {
    material_of(picture, &picture.map(Oklab::from), product, source)
}

/// The same for a picture whose `colors` are known already.
pub(crate) fn material_of(
    picture: &Plane<Rgb>,
    colors: &Plane<Oklab>,
    product: &Plane<bool>,
    source: Option<Rgb>,
) -> Plane<bool> {
    let core = erode(product, 1);
    if core.count() < 200 {
        return product.clone();
    }
    let seed = Clusters::find(colors, &core).main(colors, &core, source.map(Oklab::from));
    let seeds: Vec<Rgb> = chosen(picture, &seed).collect();
    let (Some(body), true) = (shown(&seeds), seeds.len() >= 80) else { return seed };
    let color = Oklab::from(body);
    let found = if color.saturation() > NEUTRAL {
        colorful(picture, colors, product, body)
    } else {
        neutral(colors, &seed, product, body)
    };
    tidy(&found, colors, product, luminance(body))
}

fn chosen<'p, T: Copy>(plane: &'p Plane<T>, mask: &'p Plane<bool>) -> impl Iterator<Item = T> + 'p {
    plane.data.iter().zip(&mask.data).filter(|(_, is_set)| **is_set).map(|(value, _)| *value)
}

/// Pixels that are shade and veil of the body color. Those with more veil than body (highlights) only where they are
/// small against the rest and lie in it.
fn colorful(picture: &Plane<Rgb>, colors: &Plane<Oklab>, product: &Plane<bool>, body: Rgb) -> Plane<bool> {
    let unmix = Unmix::new(body, 0.0);
    let length = norm(body);
    let (mut weak, mut strong) = (product.map(|_| false), product.map(|_| false));
    for place in (0..product.data.len()).filter(|place| product.data[*place]) {
        let pixel = picture.data[place];
        let (shade, veil) = unmix.split(pixel);
        let residual = unmix.residual(pixel, (shade, veil));
        let in_body = shade * length;
        let fits = residual < 0.16 * (norm(pixel) + 0.03) && shade > 0.06 && in_body > 0.10 * veil;
        weak.data[place] = fits;
        strong.data[place] = fits && in_body > 0.8 * veil && residual < 0.19 * (in_body + 0.02);
    }
    let rest = weak.zip(&strong, |is_weak, is_strong| is_weak && !is_strong);
    let (labels, sizes) = components(&rest, Connected::Corners);
    let (mut rim, mut touching) = (vec![0usize; sizes.len()], vec![0usize; sizes.len()]);
    let near_other = dilate(&rest.map(|is_set| !is_set), 1);
    let near_strong = dilate(&strong, 1);
    for place in 0..rest.data.len() {
        if rest.data[place] && near_other.data[place] {
            rim[labels.data[place] as usize] += 1;
            touching[labels.data[place] as usize] += usize::from(near_strong.data[place]);
        }
    }
    let whole = strong.count() as f32;
    let mut found = strong;
    for place in 0..found.data.len() {
        let part = labels.data[place] as usize;
        found.data[place] |=
            part != 0 && touching[part] as f32 > 0.45 * rim[part] as f32 && (sizes[part] as f32) < 0.12 * whole;
    }
    let color = Oklab::from(body);
    if luminance(body) < 0.08 {
        // Gloss on something dark hides its hue.
        for (place, is_found) in found.data.iter_mut().enumerate() {
            let other = colors.data[place];
            *is_found |= product.data[place] && other.chroma() < 0.045 && other.l < color.l + 0.12;
        }
    }
    found
}

/// Pixels that are as grey as the body and not much lighter or darker.
fn neutral(colors: &Plane<Oklab>, seed: &Plane<bool>, product: &Plane<bool>, body: Rgb) -> Plane<bool> {
    let color = Oklab::from(body);
    let chromas: Vec<f32> = chosen(colors, seed).map(Oklab::chroma).collect();
    let mean = chromas.iter().sum::<f32>() / chromas.len().max(1) as f32;
    let most = mean + if color.saturation() < 0.05 { 0.045 } else { 0.06 };
    let above = if luminance(body) > 0.05 { 0.2 } else { 0.12 };
    let below = if color.l > 0.45 { -0.28 } else { -0.2 };
    let mut found = seed.clone();
    for (place, is_found) in found.data.iter_mut().enumerate() {
        let (other, is_product) = (colors.data[place], product.data[place]);
        let lighter = other.l - color.l;
        *is_found = is_product && (*is_found || (other.chroma() < most && lighter < above && lighter > below));
    }
    found
}

/// Fills small holes, highlights among them, and drops specks.
fn tidy(found: &Plane<bool>, colors: &Plane<Oklab>, product: &Plane<bool>, light: f32) -> Plane<bool> {
    let whole = found.count() as f32;
    let is_dark = light < 0.08;
    let mut tidied = close(found, 1);
    let holes = tidied.zip(product, |is_found, is_product| is_product && !is_found);
    let (labels, sizes) = components(&holes, Connected::Sides);
    let mut chromas = vec![0.0; sizes.len()];
    for (label, color) in labels.data.iter().zip(&colors.data) {
        chromas[*label as usize] += color.chroma();
    }
    let limit = whole * if is_dark { 0.05 } else { 0.004 };
    let is_filled = |part: usize| {
        let size = sizes[part] as f32;
        size < limit && (size < 0.0015 * whole || (is_dark && chromas[part] / size < 0.06))
    };
    for (is_found, label) in tidied.data.iter_mut().zip(&labels.data) {
        *is_found |= *label != 0 && is_filled(*label as usize);
    }
    keep_parts(&tidied, |size| size as f32 > (0.004 * whole).max(30.0))
}
