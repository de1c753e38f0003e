//! The next step for the color of a result, derived from the journal alone.

use std::sync::Arc;

use crate::color::{Check, Hex, Verdict};
use crate::job::{JobId, Seed};
use crate::journal::{Edit, EditKey, EditState, History, Presence, Reroll, SavedFile};

use super::color_review::{ColorRules, UncertainReroll, is_stale};
use super::color_target::ColorTarget;
use super::decision::Decision;
use super::seeds::unused_seed;
use super::work::{Standing, Task, Work};

/// The point of a run at which a decision is made, with the information that is available there.
#[derive(Clone, Copy)]
pub enum DecisionPoint<'m> {
    /// Before the run: work of an earlier run is resumed. The function returns whether `results/` has a picture.
    Start(&'m dyn Fn(&SavedFile) -> bool),
    /// During the run, after an event of the job. The function returns whether a re-roll was given up in this run. The
    /// times in the journal do not tell, because the clock may be set back.
    Running(&'m dyn Fn(&EditKey) -> bool),
}

/// The next step for the color of a job with a completed edit.
#[derive(Clone, Debug)]
pub enum ColorStep<'h> {
    /// Fetch a re-roll that was paid for.
    Fetch(Work),
    /// Check the pictures of this edit.
    Check(&'h Edit),
    /// Show the pictures of this edit.
    Reinstate(&'h Edit),
    /// Correct the picture of this edit.
    Correct(&'h Edit),
    /// Submit the job again with another seed, or repeat a re-roll that was refused.
    Reroll {
        /// The re-roll that was refused.
        refused: Option<Reroll>,
    },
}

impl ColorStep<'_> {
    /// Returns the decision on a job with this step.
    pub fn decision(&self) -> Decision {
        match self {
            ColorStep::Reroll { .. } => Decision::Reroll,
            ColorStep::Fetch(_) | ColorStep::Check(_) | ColorStep::Reinstate(_) | ColorStep::Correct(_) => {
                Decision::ReviewColor
            }
        }
    }

    /// Returns the work of the step for the job of `key`, whose edits are in `history`. A re-roll needs a `target`.
    pub fn work(self, history: &History, key: &EditKey, target: Option<&Arc<ColorTarget>>) -> Option<Work> {
        let of = |edit: &Edit, task: Task| Work {
            key: EditKey { job: key.job.clone(), fingerprint: edit.fingerprint },
            task,
            standing: Standing::Current,
            target: target.cloned(),
        };
        Some(match self {
            ColorStep::Fetch(work) => Work { target: target.cloned(), ..work },
            ColorStep::Check(edit) => of(edit, Task::Check),
            ColorStep::Reinstate(edit) => of(edit, Task::Reinstate),
            ColorStep::Correct(edit) => of(edit, Task::Correct),
            ColorStep::Reroll { refused } => reroll(history, key, Arc::clone(target?), refused)?,
        })
    }
}

/// Returns the first step of a run for the color of the completed edit of `key`; `None` if nothing is left. `colors`
/// are the requested colors, none if they are not checked. `presence` looks up a picture in `results/`.
pub fn first_color_step<'h>(
    history: &'h History,
    key: &EditKey,
    colors: &[Hex],
    rules: &ColorRules,
    presence: &dyn Fn(&SavedFile) -> Presence,
) -> Option<ColorStep<'h>> {
    let shown = history.current_result_of(key.fingerprint);
    let is_displaced = |edit: &&Edit| edit.files().iter().any(|file| presence(file) == Presence::Displaced);
    if let Some(displaced) = shown.filter(is_displaced) {
        return Some(ColorStep::Reinstate(displaced));
    }
    let is_there = |file: &SavedFile| presence(file) == Presence::Saved;
    let decision_point = DecisionPoint::Start(&is_there);
    // A picture that the user has changed is not measured, corrected or replaced.
    if colors.is_empty() || shown.is_some_and(|edit| is_retouched(edit, presence)) {
        return unfinished_reroll(history, key, decision_point).map(ColorStep::Fetch);
    }
    next_color_step(history, key, colors, rules, decision_point)
}

/// Whether the user has changed the pictures of an edit in `results/`. If the provider's originals are back in place of
/// corrected ones, they are checked again instead. `presence` looks up a picture there.
pub fn is_retouched(edit: &Edit, presence: impl Fn(&SavedFile) -> Presence) -> bool {
    let are = |files: &[SavedFile], wanted| files.iter().any(|file| presence(file) == wanted);
    let is_restored = edit.corrected.is_some() && are(edit.originals(), Presence::Saved);
    !is_restored && are(edit.files(), Presence::Changed)
}

/// Returns the work of the next step for the color of a job with a completed edit; `None` if nothing is left.
///
/// Pictures that were paid for are fetched and checked first. Then the best attempt is shown. It is corrected if it is
/// near and the lock is on, and the job is submitted again with another seed if all attempts are off.
pub fn next_for_color(
    history: &History,
    job: &JobId,
    target: &Arc<ColorTarget>,
    rules: &ColorRules,
    decision_point: DecisionPoint<'_>,
) -> Option<Work> {
    let key = EditKey { job: job.clone(), fingerprint: target.fingerprint };
    next_color_step(history, &key, &target.colors, rules, decision_point)?.work(history, &key, Some(target))
}

/// Returns the next step for the color of the completed edit of `key`; `None` if nothing is left.
fn next_color_step<'h>(
    history: &'h History,
    key: &EditKey,
    colors: &[Hex],
    rules: &ColorRules,
    decision_point: DecisionPoint<'_>,
) -> Option<ColorStep<'h>> {
    StepChoice { history, key, colors, rules, decision_point }.next()
}

/// All inputs of a decision about the color of a job.
struct StepChoice<'h, 'a> {
    history: &'h History,
    key: &'a EditKey,
    colors: &'a [Hex],
    rules: &'a ColorRules,
    decision_point: DecisionPoint<'a>,
}

impl<'h> StepChoice<'h, '_> {
    fn next(&self) -> Option<ColorStep<'h>> {
        let base = self.history.edit(self.key.fingerprint).filter(|edit| is_completed(edit))?;
        let rerolls: Vec<&Edit> = self.history.rerolls(base.fingerprint).collect();
        if let Some(unfinished) = unfinished_reroll(self.history, self.key, self.decision_point) {
            return Some(ColorStep::Fetch(unfinished));
        }
        let attempts = || std::iter::once(base).chain(rerolls.iter().copied()).filter(|edit| is_completed(edit));
        if let Some(stale) = attempts().find(|edit| self.is_stale(edit) || self.is_displaced(edit)) {
            return Some(ColorStep::Check(stale));
        }
        let best = best(attempts())?;
        if self.history.shown() != Some(best) {
            return Some(ColorStep::Reinstate(best));
        }
        let checked = best.checked.as_ref()?;
        let is_correctable = best.corrected.is_none() && checked.uncorrected.is_none();
        match checked.check.verdict {
            Verdict::Near if is_correctable && self.rules.lock.corrects(&checked.check) => {
                Some(ColorStep::Correct(best))
            }
            Verdict::Off => self.reroll(&rerolls),
            _ => None,
        }
    }

    fn is_displaced(&self, edit: &Edit) -> bool {
        match self.decision_point {
            DecisionPoint::Start(is_there) => self.history.shown() == Some(edit) && !edit.files().iter().all(is_there),
            DecisionPoint::Running(_) => false,
        }
    }

    fn is_stale(&self, edit: &Edit) -> bool {
        let against = edit.checked.as_ref().map(|checked| (&checked.wanted[..], checked.tolerance));
        is_stale(against, edit.corrected.is_some(), self.colors, self.rules)
    }

    fn reroll(&self, rerolls: &[&Edit]) -> Option<ColorStep<'h>> {
        let is_in_doubt = |edit: &&Edit| matches!(edit.state, EditState::Uncertain | EditState::Submitting { .. });
        if self.rules.uncertain_reroll == UncertainReroll::Holds && rerolls.iter().any(is_in_doubt) {
            return None;
        }
        // A re-roll that was refused cost nothing, and is repeated. During the run in which it was refused, it is
        // already in progress.
        let refused = rerolls.iter().find(|edit| edit.state == EditState::Idle).and_then(|edit| edit.reroll);
        if refused.is_some() && matches!(self.decision_point, DecisionPoint::Running(_)) {
            return None;
        }
        let used = rerolls.iter().filter(|edit| edit.state != EditState::Idle).count();
        (used < self.rules.rerolls as usize).then_some(ColorStep::Reroll { refused })
    }
}

/// Returns the work that repeats the edit of `key` with another seed, or the re-roll of it that was refused.
fn reroll(history: &History, key: &EditKey, target: Arc<ColorTarget>, refused: Option<Reroll>) -> Option<Work> {
    let base = history.edit(key.fingerprint)?;
    let rerolls: Vec<&Edit> = history.rerolls(base.fingerprint).collect();
    let is_used = |seed: Seed| {
        target.request.seed == Some(seed)
            || rerolls.iter().any(|edit| edit.reroll.is_some_and(|again| again.seed == seed))
    };
    let new = || Reroll { of: base.fingerprint, seed: unused_seed(base.fingerprint, is_used) };
    let again = refused.unwrap_or_else(new);
    let mut request = (*target.request).clone();
    request.seed = Some(again.seed);
    let key = EditKey { job: key.job.clone(), fingerprint: base.fingerprint.rerolled(again.seed) };
    let task = Task::Reroll(Arc::new(request), again);
    Some(Work { key, task, standing: Standing::Alternative, target: Some(target) })
}

/// Returns the work that fetches a re-roll of the edit of `key` that was paid for; `None` if all were fetched. Re-rolls
/// that were given up come last, oldest first, and once per run each, so that one that is stuck does not block the
/// others.
pub fn unfinished_reroll(history: &History, key: &EditKey, decision_point: DecisionPoint<'_>) -> Option<Work> {
    let unfinished = history.rerolls(key.fingerprint).filter_map(|edit| {
        let given_up = match &edit.state {
            EditState::Failed { class } if class.is_ours() && edit.prediction.is_some() => edit.finished_at,
            EditState::Processing | EditState::Fetched { .. } => None,
            _ => return None,
        };
        let key = EditKey { fingerprint: edit.fingerprint, ..key.clone() };
        let is_due = match decision_point {
            DecisionPoint::Start(_) => true,
            // A re-roll that was not given up is in progress.
            DecisionPoint::Running(was_given_up) => given_up.is_some() && !was_given_up(&key),
        };
        let task = if matches!(edit.state, EditState::Fetched { .. }) { Task::Recover } else { Task::Follow };
        is_due.then_some((given_up, Work { key, task, standing: Standing::Alternative, target: None }))
    });
    unfinished.min_by_key(|(given_up, _)| *given_up).map(|(_, work)| work)
}

/// Returns the best of the checked edits. Among equal ones this is the first, which is the one that the manifest asks
/// for.
fn best<'e>(attempts: impl Iterator<Item = &'e Edit>) -> Option<&'e Edit> {
    let rank = |edit: &Edit| edit.check().map_or((Verdict::Unmeasurable, f64::INFINITY), Check::badness);
    attempts.min_by(|one, other| {
        let ((one, near), (other, far)) = (rank(one), rank(other));
        one.cmp(&other).then(near.total_cmp(&far))
    })
}

fn is_completed(edit: &Edit) -> bool {
    matches!(edit.state, EditState::Completed { .. })
}
