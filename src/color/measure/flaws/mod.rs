//! Flaws of an edit that its color does not show: a part that kept its color or lost it, another product, lost details.

mod foreign_area;
mod kept_product;
mod lit_surface;
mod lost_parts;
mod lost_prints;
mod seam;
mod shading;
mod sharpness;
mod structure;
mod unchanged_area;

use foreign_area::foreign_share;
pub use kept_product::Scope;
use kept_product::{Surface, kept_product};
use lit_surface::{LitSurface, pixels_beyond};
use lost_parts::lost_parts;
use lost_prints::{MAX_OWN, painted_over};
use seam::torn_share;
use shading::has_lost_its_shading;
use sharpness::lost_detail;
use structure::common_structure;
use unchanged_area::{UnchangedArea, is_pale};

use super::illumination::Illumination;
use super::{Check, Verdict};
use crate::color::dominant_color::sampled;
use crate::color::region::share_of_people;
use crate::color::{Oklab, Plane, Rgb, dominant_color};

/// The largest share of a product that may have kept its old color. Neighboring surfaces of the same color account for
/// that much.
const MAX_UNCHANGED_SHARE: f64 = 0.25;

/// The same share of a colorful product. Hardly anything else has its color: correct edits reach 0.053, and those that left
/// out a handle or a spout begin at 0.07.
const MAX_COLORFUL_UNCHANGED_SHARE: f64 = 0.06;

/// The largest share of the outline of a region at which the new color may end in the middle of a surface. Correct
/// edits reach 0.057.
const MAX_TORN_SHARE: f64 = 0.06;

/// The same share of the outline of a pale product, which the ground and its shadows resemble.
const MAX_PALE_TORN_SHARE: f64 = 0.15;

/// The largest share of a region that may have had another color before. Correct edits reach 0.006, even shifted ones.
const MAX_PAINTED_SHARE: f64 = 0.01;

/// The largest share of a region that may have another color after. Correct edits reach 0.01.
const MAX_FOREIGN_SHARE: f64 = 0.02;

/// The largest share of a region that may be skin or hair. Clothes have some at their edges.
const MAX_PEOPLE_SHARE: f64 = 0.08;

/// The smallest share of a picture's edges that stay where they are. Right edits have at least 0.5 of them, and most
/// pictures of other products less than 0.2.
const MIN_COMMON_STRUCTURE: f64 = 0.35;

/// An edit of a part of a picture: both pictures, what changed between them, and what was meant.
pub(super) struct Edit<'p> {
    pub(super) before: &'p Plane<Rgb>,
    pub(super) after: &'p Plane<Rgb>,
    /// The ΔE00 between the two pictures at each pixel.
    pub(super) differences: &'p Plane<f32>,
    /// The changed region.
    pub(super) region: &'p Plane<bool>,
    /// Whether a single color was requested.
    pub(super) is_of_one_color: bool,
    /// What was to be recolored.
    pub(super) scope: Scope,
}

impl Edit<'_> {
    /// Adds to a check what is wrong with the edit besides its color. `was_wanted` tells whether the region had the
    /// requested color before.
    pub(super) fn add_flaws(&self, check: &mut Check, was_wanted: impl FnOnce() -> bool) {
        let Edit { before, after, region, .. } = *self;
        let is_candidate = matches!(check.verdict, Verdict::On | Verdict::Near);
        if is_candidate && common_structure([before, after], region) < MIN_COMMON_STRUCTURE {
            check.worsen("the picture shows something else than before");
            check.verdict = Verdict::Off;
            return;
        }
        if let Some(reason) = is_candidate.then(|| lost_detail([before, after])).flatten() {
            check.worsen(reason);
        }
        let color = |picture: &Plane<Rgb>| dominant_color(&sampled(picture, region));
        let (Some(old), Some(new)) = (color(before), color(after)) else { return };
        let unchanged = UnchangedArea::new(before, self.differences, region, old);
        let left = unchanged.left_out();
        let max_torn = if is_pale(old.into()) { MAX_PALE_TORN_SHARE } else { MAX_TORN_SHARE };
        let is_colorful = Oklab::from(old).saturation() > Oklab::NEUTRAL_SATURATION;
        let max_left = if is_colorful { MAX_COLORFUL_UNCHANGED_SHARE } else { MAX_UNCHANGED_SHARE };
        let left_out = if left > max_left {
            Some(format!("{:.0} % of the product's color was not changed", left * 100.0))
        } else if torn_share([before, after], region) > max_torn {
            Some("part of the product was not changed: the new color ends in the middle of a surface".to_owned())
        } else {
            None
        };
        if let Some(reason) = left_out
            && !was_wanted()
        {
            check.worsen(&reason);
        } else if check.verdict == Verdict::On && unchanged.left_enclosed() > MAX_UNCHANGED_SHARE {
            check.worsen("part of the product may have kept its color");
        }
        if self.is_of_one_color {
            self.add_flaws_of_one_color(check, [old, new]);
        }
        if has_lost_its_shading(before, after, region) {
            check.worsen("the product was filled with one color and lost its shading");
        }
        let people = share_of_people(before, region);
        if people > MAX_PEOPLE_SHARE {
            check.worsen(&format!("{:.0} % of the recolored area is skin or hair", people * 100.0));
        }
    }

    /// Returns a `share` that is not the product with these `colors`. If it is more than `most`, the sides of the product
    /// that colored surroundings do not light, and those that mirror them, count as the product as well.
    fn share_of_others<const N: usize>(
        &self,
        colors: [Rgb; N],
        most: f64,
        share: impl Fn(&[LitSurface<N>]) -> f64,
    ) -> f64 {
        let in_white = LitSurface::new(colors);
        match share(std::slice::from_ref(&in_white)) {
            few if few <= most => few,
            _ => {
                let light = Illumination::around(self.before, self.region);
                let unlit = LitSurface::new(colors.map(|color| light.without_tint(color)));
                share(&[in_white, unlit, LitSurface::mirroring(light.tint(), colors)])
            }
        }
    }

    fn add_flaws_of_one_color(&self, check: &mut Check, colors: [Rgb; 2]) {
        let Edit { before, after, region, .. } = *self;
        let pictures = [before, after];
        let painted = self.share_of_others(colors, MAX_PAINTED_SHARE, |surfaces| {
            // Most pixels show the surface.
            let others = pixels_beyond(pictures, surfaces, MAX_OWN, region);
            let lost = lost_parts(pictures, surfaces, colors[1], &others, region);
            painted_over(pictures, colors, &others, region).max(lost)
        });
        if painted > MAX_PAINTED_SHARE {
            let share = painted * 100.0;
            check.worsen(&format!("{share:.1} % of the recolored area had another color before and lost it"));
        }
        if !matches!(check.verdict, Verdict::On | Verdict::Near) {
            return;
        }
        let foreign = self.share_of_others([colors[1]], MAX_FOREIGN_SHARE, |surfaces| {
            foreign_share(after, self.differences, surfaces, region)
        });
        if foreign > MAX_FOREIGN_SHARE {
            let share = foreign * 100.0;
            check.worsen(&format!("{share:.0} % of what changed has another color than the product now"));
        }
        if let Some(kept) =
            kept_product(before, self.differences, Surface { area: region, color: colors[0] }, self.scope)
        {
            let size = kept.recolored * 100.0;
            check.worsen(&format!("the product's main color did not change: what changed is {size:.0} % of its size"));
            if kept.is_certain {
                check.verdict = Verdict::Off;
            }
        }
    }
}
