use crate::color::filter::flooded;
use crate::color::spaces::length;
use crate::color::{Oklab, Plane, Rgb, luminance};

/// The luminance below which reflections may be much lighter than the surface.
pub(super) const MAX_MIRRORING_LUMINANCE: f32 = 0.15;

/// The largest step of OKLab lightness between neighboring pixels of a surface on which light falls off.
const MAX_SOFT_STEP: f32 = 0.02;

/// Returns the pixels that have the body's slight hue and are not much lighter or darker.
pub(super) fn neutral(colors: &Plane<Oklab>, seed: &Plane<bool>, product: &Plane<bool>, body: Rgb) -> Plane<bool> {
    let color = Oklab::from(body);
    let off = |other: Oklab| off_hue(other, color);
    let seeds = colors.data.iter().zip(&seed.data).filter(|(_, is_seed)| **is_seed);
    let offs: Vec<f32> = seeds.map(|(color, _)| off(*color)).collect();
    let mean = offs.iter().sum::<f32>() / offs.len().max(1) as f32;
    let most = mean + 0.045;
    let above = if luminance(body) > 0.05 { 0.2 } else { 0.12 };
    let below = if color.l > 0.45 { -0.28 } else { -0.2 };
    let mut found = seed.clone();
    for (index, is_found) in found.data.iter_mut().enumerate() {
        let (other, is_product) = (colors.data[index], product.data[index]);
        let lighter = other.l - color.l;
        *is_found = is_product && (*is_found || (off(other) < most && lighter < above && lighter > below));
    }
    // Dark surfaces mirror objects. Their reflections are found separately.
    if luminance(body) < MAX_MIRRORING_LUMINANCE {
        return found;
    }
    // If more light falls on the same surface, it becomes lighter gradually, without an edge.
    flooded(&found, |index, neighbor| {
        let other = colors.data[neighbor];
        let is_soft = (other.l - colors.data[index].l).abs() < MAX_SOFT_STEP;
        is_soft && product.data[neighbor] && other.l > color.l && off(other) < most
    })
}

/// Returns the distance of a color from the body's color at the same lightness, in OKLab's a and b.
pub(super) fn off_hue(color: Oklab, body: Oklab) -> f32 {
    let light = color.l / body.l.max(0.05);
    length(color.a - light * body.a, color.b - light * body.b)
}
