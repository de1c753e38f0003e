use super::dominant_color::sampled;
use super::illumination::Illumination;
use super::kept_product::{Scope, Surface, kept_product};
use super::lost_parts::lost_parts;
use super::lost_prints::painted_over;
use super::region::share_of_people;
use super::shading::has_lost_its_shading;
use super::unchanged_area::UnchangedArea;
use super::{Check, Plane, Rgb, Verdict, dominant_color};

/// The largest share of a product that may have kept its old color. Neighboring surfaces of the same color account for
/// that much.
const MAX_UNCHANGED_SHARE: f64 = 0.25;

/// The largest share of a region that may have had another color before. Correct edits reach 0.006, even shifted ones.
const MAX_PAINTED_SHARE: f64 = 0.01;

/// The largest share of a region that may be skin or hair. Clothes have some at their edges.
const MAX_PEOPLE_SHARE: f64 = 0.08;

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
        let color = |picture: &Plane<Rgb>| dominant_color(&sampled(picture, region));
        let (Some(old), Some(new)) = (color(before), color(after)) else { return };
        let unchanged = UnchangedArea::new(before, self.differences, region, old);
        let left = unchanged.left_out();
        let left = if left.share > MAX_UNCHANGED_SHARE { left.share } else { left.cut_off };
        if left > 0.0 && !was_wanted() {
            check.worsen(&format!("{:.0} % of the product's color was not changed", left * 100.0));
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

    fn lost_parts(&self, colors: [Rgb; 2]) -> f64 {
        let lost = |colors: &[[Rgb; 2]]| lost_parts([self.before, self.after], colors, self.region);
        match lost(&[colors]) {
            few if few <= MAX_PAINTED_SHARE => few,
            _ => {
                let light = Illumination::around(self.before, self.region);
                lost(&[colors, colors.map(|color| light.without_tint(color))])
            }
        }
    }

    fn add_flaws_of_one_color(&self, check: &mut Check, colors: [Rgb; 2]) {
        let Edit { before, after, region, .. } = *self;
        let painted = painted_over([before, after], colors, region).max(self.lost_parts(colors));
        if painted > MAX_PAINTED_SHARE {
            let share = painted * 100.0;
            check.worsen(&format!("{share:.1} % of the recolored area had another color before and lost it"));
        }
        if !matches!(check.verdict, Verdict::On | Verdict::Near) {
            return;
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
