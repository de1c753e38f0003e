//! The rules for colors, and whether a completed edit may need work by them.

use crate::color::{Check, Hex, Tolerance, Verdict};
use crate::journal::Brief;

/// The rules for checking and correcting colors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColorRules {
    /// The tolerance of checks and corrections.
    pub tolerance: Tolerance,
    /// The maximum number of re-rolls of an edit that missed its color.
    pub rerolls: u32,
    /// Whether near misses are corrected locally.
    pub lock: ColorLock,
    /// Whether an uncertain re-roll blocks further ones.
    pub uncertain_reroll: UncertainReroll,
}

/// Whether near misses are corrected locally.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ColorLock {
    /// They stay as the provider made them.
    #[default]
    Open,
    /// Those within this difference, in ΔE00, are corrected.
    Within(f64),
}

impl ColorLock {
    /// Whether a result with this check is corrected, if it is near.
    pub(super) fn corrects(self, check: &Check) -> bool {
        match self {
            ColorLock::Open => false,
            ColorLock::Within(bound) => check.delta_e.is_none_or(|difference| difference <= bound),
        }
    }
}

/// The effect of an uncertain re-roll on further ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UncertainReroll {
    /// They wait until the user resolves it.
    #[default]
    Holds,
    /// It counts as a re-roll, and they continue.
    Counts,
}

impl Default for ColorRules {
    fn default() -> ColorRules {
        ColorRules {
            tolerance: Tolerance::default(),
            rerolls: 0,
            lock: ColorLock::Open,
            uncertain_reroll: UncertainReroll::Holds,
        }
    }
}

/// Whether the color of a completed edit needs work, as far as a summary of its job tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColorReview {
    /// There is nothing to do.
    Done,
    /// Its pictures have to be checked.
    Due,
    /// The history of the job tells.
    InHistory,
}

/// Returns whether the color of a completed edit needs work. `colors` are the requested colors. Without `rules`, no
/// colors are checked.
pub(super) fn color_review(brief: &Brief<'_>, colors: &[Hex], rules: Option<&ColorRules>) -> ColorReview {
    if brief.rerolls > 0 {
        return ColorReview::InHistory;
    }
    let Some(rules) = rules.filter(|_| !colors.is_empty()) else { return ColorReview::Done };
    let Some(known) = brief.color else { return ColorReview::Due };
    if is_stale(known.against, known.is_corrected, colors, rules) {
        return ColorReview::Due;
    }
    let may_need_work = match known.verdict {
        Verdict::Near => rules.lock != ColorLock::Open && !known.is_corrected && !known.is_left,
        Verdict::Off => rules.rerolls > 0,
        Verdict::On | Verdict::Unmeasurable => false,
    };
    if may_need_work { ColorReview::InHistory } else { ColorReview::Done }
}

/// Whether there is no check, or only one `against` other colors or another tolerance. A corrected picture is within
/// every tolerance.
pub(super) fn is_stale(
    against: Option<(&[Hex], Tolerance)>,
    is_corrected: bool,
    colors: &[Hex],
    rules: &ColorRules,
) -> bool {
    against.is_none_or(|(wanted, tolerance)| wanted != colors || (tolerance != rules.tolerance && !is_corrected))
}
