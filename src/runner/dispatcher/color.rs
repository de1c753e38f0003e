//! Colors: records the results of checks and starts the work that follows from them.

use std::sync::Arc;

use crate::api::EditApi;
use crate::color::Check;
use crate::journal::{Checked, Corrected, Edit, EditKey, EditState, SavedFile, Step};
use crate::outputs::ResultStore;
use crate::plan::{self, DecisionPoint, Task, Work, first_color_step, next_for_color, unfinished_reroll};
use crate::runner::RunError;
use crate::runner::event::{CheckedPicture, Event};
use crate::verify::{Subject, Uncorrected};

use super::Dispatcher;

impl<A: EditApi, S: ResultStore> Dispatcher<'_, A, S> {
    /// Replaces planned work by what the journal requires now: a color review becomes the next step of that review,
    /// and a poll follows the edit that is shown, which may be a re-roll. Returns `None` if nothing is left to do.
    pub(super) fn resolved(&mut self, work: Work) -> Result<Option<Work>, RunError> {
        if !matches!(work.task, Task::ReviewColor | Task::Follow) {
            return Ok(Some(work));
        }
        self.ledger.load(&work.key.job)?;
        let Some(history) = self.ledger.live_history(&work.key.job) else { return Ok(Some(work)) };
        let standing = history.current_result_of(work.key.fingerprint);
        let shown = standing.map(|edit| edit.fingerprint);
        if let Task::Follow = work.task {
            let asked = history.edit(work.key.fingerprint);
            let is_completed = asked.is_some_and(|edit| matches!(edit.state, EditState::Completed { .. }));
            let fingerprint = shown.filter(|_| is_completed).unwrap_or(work.key.fingerprint);
            return Ok(Some(Work { key: EditKey { fingerprint, ..work.key }, ..work }));
        }
        let presence = |file: &SavedFile| self.shared.store.presence(file);
        let target = work.target.as_ref();
        let colors = target.map_or(&[][..], |target| &target.colors);
        let step = first_color_step(history, &work.key, colors, &self.settings.color, &presence);
        let next = step.and_then(|step| step.work(history, &work.key, target));
        Ok(match (next, shown) {
            (Some(next), _) => Some(next),
            (None, Some(_)) => None,
            (None, None) => Some(Work { task: Task::Reinstate, ..work }),
        })
    }

    /// Queues the next step for the color of a job after its state has changed. Marks the job as idle if there is
    /// none.
    pub(super) fn review_color(&mut self, work: &Work) {
        let was_given_up = |key: &EditKey| self.given_up_rerolls.contains(key);
        let decision_point = DecisionPoint::Running(&was_given_up);
        let next = self.ledger.live_history(&work.key.job).and_then(|history| match &work.target {
            Some(target)
                if history.current_result_of(target.fingerprint).is_some_and(|edit| self.is_retouched(edit)) =>
            {
                let key = EditKey { fingerprint: target.fingerprint, ..work.key.clone() };
                let unfinished = unfinished_reroll(history, &key, decision_point)?;
                Some(Work { target: Some(Arc::clone(target)), ..unfinished })
            }
            Some(target) => next_for_color(history, &work.key.job, target, &self.settings.color, decision_point),
            None => {
                let fingerprint = history.edit(work.key.fingerprint)?.reroll?.of;
                unfinished_reroll(history, &EditKey { fingerprint, ..work.key.clone() }, decision_point)
            }
        });
        match next {
            Some(next) if next.task.is_local() => self.queues.add_local(next),
            Some(next) => self.queues.postpone(next),
            None => self.mark_idle(work.key.job.clone()),
        }
    }

    pub(super) async fn handle_check(&mut self, work: &Work, check: Check) -> Result<(), RunError> {
        let Some(target) = &work.target else { return Ok(()) };
        let (wanted, tolerance) = (target.colors.clone(), self.settings.color.tolerance);
        let checked = Checked { wanted, tolerance, check: check.clone(), uncorrected: None };
        self.step(&work.key, Step::Checked(Box::new(checked))).await?.detach();
        let of = if self.is_reroll(&work.key) { CheckedPicture::Reroll } else { CheckedPicture::Result };
        self.notify_observer(&Event::Checked { job: &work.key.job, check: &check, of });
        Ok(())
    }

    pub(super) async fn handle_correction(
        &mut self,
        key: &EditKey,
        outcome: Result<Box<Corrected>, Uncorrected>,
    ) -> Result<(), RunError> {
        match outcome {
            Ok(corrected) => {
                let check = corrected.check.clone();
                self.step(key, Step::Corrected(corrected)).await?.detach();
                self.notify_observer(&Event::Checked { job: &key.job, check: &check, of: CheckedPicture::Correction });
            }
            Err(reason) => {
                let known = self.ledger.live(key).and_then(|edit| edit.checked.clone());
                if let Some(checked) = known {
                    let checked = Checked { uncorrected: Some(reason.to_string()), ..*checked };
                    self.step(key, Step::Checked(Box::new(checked))).await?.detach();
                }
            }
        }
        Ok(())
    }

    /// Returns the pictures of an edit as the provider made them, and the colors they are compared with.
    pub(super) fn subject(&self, work: &Work) -> Option<Subject> {
        let edit = self.ledger.live(&work.key)?;
        Some(Subject {
            files: edit.originals().to_vec(),
            target: Arc::clone(work.target.as_ref()?),
            tolerance: self.settings.color.tolerance,
            submitted_at: edit.submitted_at,
        })
    }

    /// Returns whether the pictures of an edit are those under the job's name.
    pub(super) fn is_shown(&self, key: &EditKey) -> bool {
        let shown = self.ledger.live_history(&key.job).and_then(|history| history.shown());
        shown.is_some_and(|edit| edit.fingerprint == key.fingerprint)
    }

    /// Returns whether the user has changed the pictures of an edit in `results/`.
    fn is_retouched(&self, edit: &Edit) -> bool {
        plan::is_retouched(edit, |file| self.shared.store.presence(file))
    }

    pub(super) fn is_reroll(&self, key: &EditKey) -> bool {
        self.ledger.live(key).is_some_and(|edit| edit.reroll.is_some())
    }
}
