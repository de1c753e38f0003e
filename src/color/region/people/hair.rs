use crate::color::dominant_color::percentile;
use crate::color::filter::flooded;
use crate::color::{Oklab, Plane};

use super::faces::Face;
use super::median;

/// The mouth below the middle of a face, and the sides of a head of hair, in sides of the face.
const MOUTH: f32 = 0.25;
const BESIDE: f32 = 1.7;

/// How far down hair may go: where it is long, and where what goes on below the chin is clothes of its color.
const LONG: f32 = 2.5;
const SHORT: f32 = 0.6;

/// Where clothes are under a chin, across and down, and the share of hair that may be there.
const CLOTHES: (f32, f32) = (0.4, 0.9);
const UNDER_CHIN: f32 = 0.15;

/// How far the hair may be from what is seen of it above the eyes, in OKLab, and how much darker.
const HAIR: f32 = 0.04;
const DARKER: f32 = 0.1;

/// What a head has above the mouth beside skin, and what goes on from there in the hair's color.
pub(super) fn hair(face: Face, skin: &Plane<bool>, colors: &Plane<Oklab>, within: &Plane<bool>) -> Plane<bool> {
    let away = |place: usize| face.away(colors.width, place);
    let is_free = |place: usize| within.data[place] && !skin.data[place];
    let mut head = within.map(|_| false);
    let mut seen = Vec::new();
    for place in (0..head.data.len()).filter(|place| is_free(*place)) {
        let (across, down) = away(place);
        if across.abs() < BESIDE && down < MOUTH {
            head.data[place] = true;
            if down < 0.0 {
                seen.push(colors.data[place]);
            }
        }
    }
    let Some(tone) = median(&seen) else { return head };
    let mut lights: Vec<f32> = seen.iter().map(|color| color.l).collect();
    let (Some(darkest), Some(lightest)) = (percentile(&mut lights, 0.05), percentile(&mut lights, 0.95)) else {
        return head;
    };
    let is_hair = |color: Oklab| {
        (color.a - tone.a).hypot(color.b - tone.b) < HAIR && (darkest - DARKER..lightest + HAIR).contains(&color.l)
    };
    let grown = |lowest: f32| {
        let (mut grown, mut under_chin) = (0.0, 0.0);
        let hair = flooded(&head, |_, beside| {
            let (across, down) = away(beside);
            let is_near = across.abs() < BESIDE && down < lowest;
            let is_hair = is_near && is_free(beside) && is_hair(colors.data[beside]);
            if is_hair {
                grown += 1.0;
                under_chin += f32::from(u8::from(across.abs() < CLOTHES.0 && down > CLOTHES.1));
            }
            is_hair
        });
        (under_chin <= UNDER_CHIN * grown).then_some(hair)
    };
    grown(LONG).or_else(|| grown(SHORT)).unwrap_or(head)
}
