use std::num::NonZeroU64;

use jiff::Timestamp;

use crate::api::{PredictionId, StatusPath};
use crate::color::Check;
use crate::job::{Cents, Fingerprint, JobStatus};
use crate::journal::format::{
    Checked, CompactedEdit, Corrected, EditState, Problem, Reroll, SavedFile, Settlement, Stage, Step,
};

/// The state of an edit.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// The fingerprint of its request.
    pub fingerprint: Fingerprint,
    /// Its state.
    pub state: EditState,
    /// The number of its submits, including refused ones.
    pub attempts: u32,
    /// The prediction of its last accepted submit.
    pub prediction: Option<PredictionId>,
    /// The path for polling it, if it cannot be derived from the id.
    pub status_path: Option<StatusPath>,
    /// The cost of its accepted submits.
    pub spent: Cents,
    /// The money reserved for its uncertain submits.
    pub reserved_for_uncertain: Cents,
    /// The number of its uncertain submits.
    pub uncertain_submits: u64,
    /// The time of its last submit.
    pub submitted_at: Option<Timestamp>,
    /// The last time at which it ended.
    pub finished_at: Option<Timestamp>,
    /// The last problem, even if a later attempt succeeded.
    pub problem: Option<Problem>,
    /// The provider's pictures of a result that was removed from the folder, and that the provider no longer had.
    pub removed: Vec<SavedFile>,
    /// The edit that it repeats with another seed, if it is a re-roll.
    pub reroll: Option<Reroll>,
    /// What the user has recorded about its last submit whose answer was lost, unless that is settled otherwise.
    pub settlement: Option<Settlement>,
    /// The check of the provider's pictures.
    pub checked: Option<Box<Checked>>,
    /// The color lock's correction of them.
    pub corrected: Option<Box<Corrected>>,
}

/// The error of a record that is invalid after the records before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{step}` of job {job} cannot follow `{state}`")]
pub struct TransitionError {
    pub(in crate::journal) job: String,
    pub(in crate::journal) step: &'static str,
    pub(in crate::journal) state: &'static str,
}

impl Edit {
    pub(in crate::journal) fn new(fingerprint: Fingerprint) -> Edit {
        Edit {
            fingerprint,
            state: EditState::Idle,
            attempts: 0,
            prediction: None,
            status_path: None,
            spent: Cents::ZERO,
            reserved_for_uncertain: Cents::ZERO,
            uncertain_submits: 0,
            submitted_at: None,
            finished_at: None,
            problem: None,
            removed: Vec::new(),
            reroll: None,
            settlement: None,
            checked: None,
            corrected: None,
        }
    }

    /// Returns the status for reports.
    pub fn status(&self) -> JobStatus {
        Stage::of(&self.state).status()
    }

    /// Whether it does not change any more without a request of the user. A failure on this side is not final, because
    /// every run polls the prediction again.
    pub(in crate::journal) fn is_final(&self) -> bool {
        match self.state {
            EditState::Completed { .. } | EditState::Uncertain => true,
            EditState::Failed { class } => !class.is_ours() || self.prediction.is_none(),
            EditState::Idle | EditState::Submitting { .. } | EditState::Processing | EditState::Fetched { .. } => false,
        }
    }

    /// Returns the money that may still be charged for its submits; `None` if none of them may be.
    pub fn reserved(&self) -> Option<Cents> {
        match self.state {
            EditState::Submitting { reserved } => Some(self.reserved_for_uncertain + reserved),
            _ => (self.uncertain_submits > 0).then_some(self.reserved_for_uncertain),
        }
    }

    /// Returns the money that is reserved for one of its submits whose answer was lost, if there are any.
    pub fn reserved_for_lost_answer(&self) -> Option<Cents> {
        match self.state {
            EditState::Submitting { reserved } => Some(reserved),
            _ => Some(Cents(self.reserved_for_uncertain.0.div_ceil(NonZeroU64::new(self.uncertain_submits)?.get()))),
        }
    }

    /// Whether the user has recorded that its last submit was not charged, and it was not submitted since then.
    pub fn is_released(&self) -> bool {
        self.state == EditState::Idle && self.settlement == Some(Settlement::Released)
    }

    /// Returns the prediction that the user has named for it, if that has left no picture, so that they may name
    /// another.
    pub fn replaceable(&self) -> Option<&PredictionId> {
        let is_open = matches!(self.state, EditState::Processing | EditState::Failed { .. });
        self.prediction.as_ref().filter(|_| is_open && self.settlement == Some(Settlement::Adopted))
    }

    /// Returns the pictures of the local result, corrected ones if there are any.
    pub fn files(&self) -> &[SavedFile] {
        self.corrected.as_ref().map_or_else(|| self.originals(), |corrected| &corrected.files)
    }

    /// Returns the pictures as the provider made them.
    pub fn originals(&self) -> &[SavedFile] {
        match &self.state {
            EditState::Fetched { files } | EditState::Completed { files } => files,
            _ => &[],
        }
    }

    /// Returns the pictures of the result that is shown again without a request: those of a completed edit, and those
    /// that were removed and may be back.
    pub fn files_to_reinstate(&self) -> &[SavedFile] {
        match &self.corrected {
            Some(corrected) => &corrected.files,
            None if self.removed.is_empty() => self.originals(),
            None => &self.removed,
        }
    }

    /// Returns the last check of the result.
    pub fn check(&self) -> Option<&Check> {
        let corrected = self.corrected.as_ref().map(|corrected| &corrected.check);
        corrected.or(self.checked.as_ref().map(|checked| &checked.check))
    }

    /// Returns the stage that `step` leads to; `None` if it is invalid. This is the only table of transitions.
    pub(in crate::journal) fn next(&self, step: &Step) -> Option<Stage> {
        use EditState::{Completed, Failed, Fetched, Idle, Processing, Submitting, Uncertain};
        match (&self.state, step) {
            (Idle | Failed { .. } | Uncertain, Step::Intent { .. }) => Some(Stage::Submitting),
            (Submitting { .. }, Step::Refused { .. }) => Some(Stage::Idle),
            (Submitting { .. }, Step::Uncertain { .. }) => Some(Stage::Uncertain),
            (Uncertain, Step::Released) => Some(Stage::Idle),
            (Submitting { .. }, Step::Released) => None,
            // It was submitted again since then, and the state of that submit stays.
            (state, Step::Released) if self.uncertain_submits > 0 => Some(Stage::of(state)),
            // Older programs recorded so that the user had found the prediction of an uncertain submit.
            (Submitting { .. } | Uncertain, Step::Accepted { .. }) => Some(Stage::Processing),
            (Uncertain, Step::Adopted { replaces: None, .. }) => Some(Stage::Processing),
            (Idle, Step::Adopted { replaces: None, .. }) if self.is_released() => Some(Stage::Processing),
            // The id was wrong. The money of the submit was counted with it, and is not counted again.
            (_, Step::Adopted { replaces: Some(wrong), cost_cents: Cents::ZERO, .. })
                if self.replaceable() == Some(wrong) =>
            {
                Some(Stage::Processing)
            }
            (Processing, Step::Generated { .. }) => Some(Stage::Processing),
            // A failed edit with a prediction may be polled again, because a timeout on this side is not a failure of
            // the provider. So may a completed one whose pictures were removed.
            (Failed { .. } | Completed { .. }, Step::Generated { .. }) if self.prediction.is_some() => {
                Some(Stage::Processing)
            }
            (Processing | Fetched { .. }, Step::Fetched { .. }) => Some(Stage::Fetched),
            // Its pictures were removed, and are back.
            (Failed { .. }, Step::Reinstated) if !self.removed.is_empty() => Some(Stage::Completed),
            (Fetched { .. }, Step::Completed | Step::SetAside)
            | (Completed { .. }, Step::Reinstated | Step::SetAside | Step::Checked(_) | Step::Corrected(_)) => {
                Some(Stage::Completed)
            }
            (Idle, Step::Summary(summary)) if self.attempts == 0 => Some(Stage::of(&summary.state)),
            (_, Step::Summary(_)) => None,
            (Uncertain, Step::Failed { .. }) => None,
            (_, Step::Failed { class, .. }) => Some(Stage::Failed(*class)),
            _ => None,
        }
    }

    /// Whether a step changes the edit's state.
    pub(in crate::journal) fn is_changed_by(&self, step: &Step) -> bool {
        !matches!((&self.state, step), (EditState::Processing, Step::Generated { .. }))
    }

    /// Applies a step that leads to `next`.
    pub(in crate::journal) fn apply(&mut self, at: Timestamp, step: Step, next: Stage) {
        let mut reserved = Cents::ZERO;
        let mut files = match &mut self.state {
            EditState::Fetched { files } | EditState::Completed { files } => std::mem::take(files),
            _ => Vec::new(),
        };
        match step {
            Step::Intent { attempt, reserved_cents, reroll } => {
                reserved = reserved_cents;
                self.attempts = attempt;
                self.reroll = reroll;
                self.removed = Vec::new();
                self.submitted_at = Some(at);
                self.finished_at = None;
            }
            Step::Accepted { prediction, cost_cents, status_path } => {
                self.settlement = self.takes_found().then_some(Settlement::Adopted);
                self.status_path = status_path;
                self.prediction = Some(prediction);
                self.spent += cost_cents;
            }
            Step::Adopted { prediction, cost_cents, replaces: _ } => {
                self.takes_found();
                self.settlement = Some(Settlement::Adopted);
                self.status_path = None;
                self.prediction = Some(prediction);
                self.spent += cost_cents;
                self.finished_at = None;
            }
            Step::Refused { message } => self.problem = Some(Problem { class: None, message, taken: None }),
            Step::Uncertain { message, taken } => {
                if let EditState::Submitting { reserved } = self.state {
                    self.reserved_for_uncertain += reserved;
                    self.uncertain_submits += 1;
                }
                self.problem = Some(Problem { class: None, message, taken });
                self.finished_at = Some(at);
            }
            Step::Released => {
                if self.state == EditState::Uncertain {
                    self.settlement = Some(Settlement::Released);
                }
                self.reserved_for_uncertain = Cents::ZERO;
                self.uncertain_submits = 0;
            }
            Step::Failed { class, message } => {
                if matches!(self.state, EditState::Completed { .. }) {
                    self.removed = std::mem::take(&mut files);
                }
                self.problem = Some(Problem { class: Some(class), message, taken: None });
                self.finished_at = Some(at);
            }
            Step::Fetched { files: fetched } => {
                files = fetched;
                self.removed = Vec::new();
                self.settlement = None;
                // The pictures may have changed, so they are checked again.
                self.checked = None;
                self.corrected = None;
            }
            Step::Completed => self.finished_at = Some(at),
            Step::SetAside => self.finished_at = self.finished_at.or(Some(at)),
            Step::Checked(checked) => {
                self.checked = Some(checked);
                self.corrected = None;
            }
            Step::Corrected(corrected) => self.corrected = Some(corrected),
            Step::Summary(summary) => return *self = Edit::summed_up(self.fingerprint, *summary),
            Step::Reinstated if !self.removed.is_empty() => files = std::mem::take(&mut self.removed),
            Step::Generated { .. } | Step::Reinstated => {}
        }
        self.state = match next {
            Stage::Idle => EditState::Idle,
            Stage::Submitting => EditState::Submitting { reserved },
            Stage::Processing => EditState::Processing,
            Stage::Fetched => EditState::Fetched { files },
            Stage::Completed => EditState::Completed { files },
            Stage::Failed(class) => EditState::Failed { class },
            Stage::Uncertain => EditState::Uncertain,
        };
    }

    /// Uses the money reserved for one uncertain submit, whose prediction was found. Returns whether there was one.
    fn takes_found(&mut self) -> bool {
        let is_uncertain = self.state == EditState::Uncertain;
        if is_uncertain {
            let found = self.reserved_for_lost_answer().unwrap_or_default();
            self.reserved_for_uncertain = self.reserved_for_uncertain.minus(found);
            self.uncertain_submits = self.uncertain_submits.saturating_sub(1);
            self.finished_at = None;
        }
        is_uncertain
    }

    /// Returns the edit as one record, of which [`Edit::summed_up`] makes the same edit. `earlier` are the predictions
    /// before its last one.
    pub(in crate::journal) fn compacted(&self, shown: bool, earlier: Vec<PredictionId>) -> CompactedEdit {
        let Edit {
            fingerprint: _,
            state,
            attempts,
            prediction,
            status_path,
            spent,
            reserved_for_uncertain,
            uncertain_submits,
            submitted_at,
            finished_at,
            problem,
            removed,
            reroll,
            settlement,
            checked,
            corrected,
        } = self.clone();
        CompactedEdit {
            state,
            shown,
            attempts,
            prediction,
            status_path,
            earlier,
            spent,
            reserved_for_uncertain,
            uncertain_submits,
            submitted_at,
            finished_at,
            problem,
            removed,
            reroll,
            settlement,
            checked,
            corrected,
        }
    }

    fn summed_up(fingerprint: Fingerprint, summary: CompactedEdit) -> Edit {
        Edit {
            fingerprint,
            state: summary.state,
            attempts: summary.attempts,
            prediction: summary.prediction,
            status_path: summary.status_path,
            spent: summary.spent,
            reserved_for_uncertain: summary.reserved_for_uncertain,
            uncertain_submits: summary.uncertain_submits,
            submitted_at: summary.submitted_at,
            finished_at: summary.finished_at,
            problem: summary.problem,
            removed: summary.removed,
            reroll: summary.reroll,
            settlement: summary.settlement,
            checked: summary.checked,
            corrected: summary.corrected,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::random_journal::{choices, random_journal};

    proptest! {
        #[test]
        fn an_edit_that_is_summed_up_is_the_same(choices in choices()) {
            for (_, edit) in random_journal(&choices).0.live_edits() {
                let record = edit.compacted(false, Vec::new());
                prop_assert_eq!(&Edit::summed_up(edit.fingerprint, record), edit);
            }
        }
    }
}
