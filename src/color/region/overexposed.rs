use crate::color::filter::{Connected, close, components, neighbors};
use crate::color::{Oklab, Plane};

/// The OKLab lightness above which a pixel is overexposed.
const MIN_OVEREXPOSED: f32 = 0.985;

/// The widest gap in an outline that is filled, as a share of the picture's longer side.
const MAX_GAP: f32 = 0.12;

/// The largest step of OKLab lightness between neighboring pixels of areas that fade into each other.
const MAX_FADE_STEP: f32 = 0.02;

/// The smallest share of the outline of a gap that lies on the product.
const MIN_OUTLINE_SHARE: f32 = 0.5;

/// The smallest share of that part along which the product fades into the gap.
const MIN_FADING_SHARE: f32 = 0.6;

/// Adds the overexposed areas of a white product in front of an overexposed ground. Only the shape distinguishes the
/// product there: it fades into a gap in its outline, but ends with an edge at its real outline.
pub(super) fn with_burnt_out(mask: &Plane<bool>, colors: &Plane<Oklab>) -> Plane<bool> {
    let radius = (MAX_GAP / 2.0 * mask.width.max(mask.height) as f32) as usize;
    let mut gaps = close(mask, radius);
    for ((is_gap, is_set), color) in gaps.data.iter_mut().zip(&mask.data).zip(&colors.data) {
        *is_gap = *is_gap && !is_set && color.l > MIN_OVEREXPOSED;
    }
    let (labels, sizes) = components(&gaps, Connected::Sides);
    let (mut rims, mut inner, mut fading) =
        (vec![0usize; sizes.len()], vec![0usize; sizes.len()], vec![0usize; sizes.len()]);
    for index in (0..labels.data.len()).filter(|index| labels.data[*index] != 0) {
        let part = labels.data[index] as usize;
        for neighbor in neighbors(index, labels.width, labels.height).filter(|neighbor| labels.data[*neighbor] == 0) {
            rims[part] += 1;
            inner[part] += usize::from(mask.data[neighbor]);
            fading[part] += usize::from(
                mask.data[neighbor] && (colors.data[neighbor].l - colors.data[index].l).abs() < MAX_FADE_STEP,
            );
        }
    }
    let is_within = |part: usize| {
        inner[part] as f32 > MIN_OUTLINE_SHARE * rims[part] as f32
            && fading[part] as f32 > MIN_FADING_SHARE * inner[part] as f32
    };
    labels.zip(mask, |part, is_set| is_set || (part != 0 && is_within(part as usize)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_fades_into_burnt_out_white_goes_on_to_its_handle_and_not_through_it() {
        let grey = |l: f32| Oklab { l, a: 0.0, b: 0.0 };
        let mut colors = Plane::filled(200, 200, grey(1.0));
        let mut mask = Plane::filled(200, 200, false);
        let mut fill = |columns: std::ops::Range<usize>, rows: std::ops::Range<usize>, light: fn(usize) -> f32| {
            for (x, y) in columns.flat_map(|x| rows.clone().map(move |y| (x, y))) {
                colors.data[y * 200 + x] = grey(light(x));
                mask.data[y * 200 + x] = true;
            }
        };
        // The body becomes overexposed to the right, and the handle's foot to the left.
        fill(40..100, 40..160, |x| 0.8 + 0.2 * (x - 40) as f32 / 60.0);
        fill(112..114, 60..140, |x| if x == 112 { 0.985 } else { 0.9 });
        fill(114..140, 60..70, |_| 0.9);
        fill(114..140, 130..140, |_| 0.9);
        fill(130..140, 70..130, |_| 0.9);
        let found = with_burnt_out(&mask, &colors);
        assert!(found.at(106, 100), "between body and handle");
        assert!(!found.at(122, 100), "within the handle");
        assert!(!found.at(20, 100) && !found.at(160, 100), "the ground");
    }
}
