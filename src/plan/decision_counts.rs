use serde::Serialize;

use crate::color::Hex;
use crate::journal::{Brief, Stage};

use super::color_review::ColorRules;
use super::decision::{Decision, Kept};

/// A decision on a selected job, with what it was based on.
#[derive(Clone, Debug)]
pub struct Decided<'l> {
    /// The journal's summary of the job's edit; `None` if the journal does not know it.
    pub edit: Option<Brief<'l>>,
    /// The decision before the color of its result was considered.
    pub base: Decision,
    /// The decision.
    pub decision: Decision,
    /// The number of re-rolls that may follow, at most. It does not include the one of [`Decision::Reroll`].
    pub further_rerolls: u32,
}

impl<'l> Decided<'l> {
    /// Returns a decision with the number of re-rolls that may follow. `colors` are the requested colors. Without
    /// `rules`, no colors are checked.
    pub fn of(
        edit: Option<Brief<'l>>,
        base: Decision,
        decision: Decision,
        colors: &[Hex],
        rules: Option<&ColorRules>,
    ) -> Decided<'l> {
        let used = edit.as_ref().map_or(0, |edit| edit.rerolls) + u32::from(decision == Decision::Reroll);
        let is_open = !colors.is_empty() && !matches!(decision, Decision::Keep(_));
        let further_rerolls = rules.filter(|_| is_open).map_or(0, |rules| rules.rerolls.saturating_sub(used));
        Decided { edit, base, decision, further_rerolls }
    }
}

/// The numbers of selected jobs by what a run does with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DecisionCounts {
    /// All of them.
    pub jobs: u64,
    /// Those that are submitted for the first time.
    pub new: u64,
    /// Those whose requests have changed.
    pub changed: u64,
    /// Those with results, or predictions, that were paid for.
    pub reused: u64,
    /// Those that were completed, and have no picture in `results/` any more. Their predictions are polled again.
    pub missing: u64,
    /// Those with wrong colors that are submitted again.
    pub rerolls: u64,
    /// Those that failed before.
    pub failed: u64,
    /// Those with uncertain submits.
    pub uncertain: u64,
    /// Those that are not submitted because of pictures that the journal does not know.
    pub held_back: u64,
    /// The number of submits.
    pub submits: u64,
    /// The number of re-rolls that may follow, at most.
    pub further_rerolls: u64,
    /// The changed jobs with pictures, which are kept aside.
    #[serde(skip)]
    pub displaced: u64,
    /// The number of polled predictions in addition to those that are known to be in progress.
    #[serde(skip)]
    pub asked_again: u64,
    /// The jobs whose pictures move back from `earlier/` without a request.
    #[serde(skip)]
    pub returning: u64,
}

impl DecisionCounts {
    /// Adds a job. `is_shown` is whether it has pictures in `results/`, of any edit.
    pub fn add(&mut self, job: &Decided<'_>, is_shown: bool) {
        let Decided { edit, base, decision, further_rerolls } = job;
        let was_completed = edit.as_ref().is_some_and(|edit| edit.stage == Stage::Completed);
        *match decision {
            Decision::Follow if was_completed => &mut self.missing,
            Decision::New => &mut self.new,
            Decision::Changed => &mut self.changed,
            Decision::Keep(Kept::Failed) | Decision::Retry | Decision::FollowOrResubmit => &mut self.failed,
            Decision::Keep(Kept::Uncertain) | Decision::Resubmit => &mut self.uncertain,
            Decision::Keep(Kept::HeldBack) => &mut self.held_back,
            Decision::Reroll => &mut self.rerolls,
            Decision::Follow
            | Decision::Recover
            | Decision::Reinstate
            | Decision::ReviewColor
            | Decision::Keep(Kept::Completed | Kept::Retouched) => &mut self.reused,
        } += 1;
        self.jobs += 1;
        self.submits += u64::from(decision.submits());
        self.further_rerolls += u64::from(*further_rerolls);
        self.displaced += u64::from(*decision == Decision::Changed && is_shown);
        self.asked_again += u64::from(base.asks_again(edit.as_ref()));
        self.returning += u64::from(*base == Decision::Reinstate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_job_that_is_submitted_may_be_submitted_again_for_its_color() {
        let rules = ColorRules { rerolls: 2, ..ColorRules::default() };
        let colors = [Hex([30, 144, 255])];
        let further = |decision, colors: &[Hex], rules| {
            let mut counts = DecisionCounts::default();
            counts.add(&Decided::of(None, decision, decision, colors, rules), false);
            (counts.submits, counts.rerolls, counts.further_rerolls)
        };
        assert_eq!(further(Decision::New, &colors, Some(&rules)), (1, 0, 2));
        assert_eq!(further(Decision::Follow, &colors, Some(&rules)), (0, 0, 2));
        assert_eq!(further(Decision::Reroll, &colors, Some(&rules)), (1, 1, 1));
        assert_eq!(further(Decision::Keep(Kept::Completed), &colors, Some(&rules)), (0, 0, 0));
        assert_eq!(further(Decision::New, &[], Some(&rules)), (1, 0, 0), "no color was requested");
        assert_eq!(further(Decision::New, &colors, None), (1, 0, 0), "colors are not checked");
    }
}
