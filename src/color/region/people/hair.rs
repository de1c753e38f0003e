use crate::color::dominant_color::percentile;
use crate::color::filter::flooded;
use crate::color::{Oklab, Plane};

use super::faces::Face;
use super::median;

/// The distance of the mouth below the middle of a face, in face sides.
const MOUTH_DEPTH: f32 = 0.25;

/// The largest distance of hair to the sides, in face sides.
const MAX_HAIR_WIDTH: f32 = 1.7;

/// The largest distance of long hair downward, in face sides.
const MAX_LONG_HAIR: f32 = 2.5;

/// The largest distance of hair downward if clothes of its color continue below the chin, in face sides.
const MAX_SHORT_HAIR: f32 = 0.6;

/// The distance to each side below the chin within which clothes are expected, in face sides.
const CLOTHES_HALF_WIDTH: f32 = 0.4;

/// The distance from the middle of the face down to the beginning of clothes, in face sides.
const CLOTHES_DEPTH: f32 = 0.9;

/// The largest share of the hair that may lie in that area.
const MAX_HAIR_UNDER_CHIN: f32 = 0.15;

/// The largest distance of hair from the hair above the eyes, in OKLab.
const MAX_HAIR_DISTANCE: f32 = 0.04;

/// The largest amount by which hair may be darker than the hair above the eyes, in OKLab lightness.
const MAX_HAIR_DARKER: f32 = 0.1;

/// Returns the pixels of a head above the mouth that are not skin, and the pixels of the hair's color that continue
/// from there.
pub(super) fn hair(face: Face, skin: &Plane<bool>, colors: &Plane<Oklab>, within: &Plane<bool>) -> Plane<bool> {
    let away = |index: usize| face.away(colors.width, index);
    let is_free = |index: usize| within.data[index] && !skin.data[index];
    let mut head = within.map(|_| false);
    let mut seen = Vec::new();
    for index in (0..head.data.len()).filter(|index| is_free(*index)) {
        let (across, down) = away(index);
        if across.abs() < MAX_HAIR_WIDTH && down < MOUTH_DEPTH {
            head.data[index] = true;
            if down < 0.0 {
                seen.push(colors.data[index]);
            }
        }
    }
    let Some(tone) = median(&seen) else { return head };
    let mut lights: Vec<f32> = seen.iter().map(|color| color.l).collect();
    let (Some(darkest), Some(lightest)) = (percentile(&mut lights, 0.05), percentile(&mut lights, 0.95)) else {
        return head;
    };
    let is_hair = |color: Oklab| {
        (color.a - tone.a).hypot(color.b - tone.b) < MAX_HAIR_DISTANCE
            && (darkest - MAX_HAIR_DARKER..lightest + MAX_HAIR_DISTANCE).contains(&color.l)
    };
    let grown = |lowest: f32| {
        let (mut grown, mut under_chin) = (0.0, 0.0);
        let hair = flooded(&head, |_, neighbor| {
            let (across, down) = away(neighbor);
            let is_near = across.abs() < MAX_HAIR_WIDTH && down < lowest;
            let is_hair = is_near && is_free(neighbor) && is_hair(colors.data[neighbor]);
            if is_hair {
                grown += 1.0;
                under_chin += f32::from(u8::from(across.abs() < CLOTHES_HALF_WIDTH && down > CLOTHES_DEPTH));
            }
            is_hair
        });
        (under_chin <= MAX_HAIR_UNDER_CHIN * grown).then_some(hair)
    };
    grown(MAX_LONG_HAIR).or_else(|| grown(MAX_SHORT_HAIR)).unwrap_or(head)
}
