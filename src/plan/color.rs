//! Decisions about the color of a result, derived from the journal alone.

use std::sync::Arc;

use jiff::Timestamp;

use crate::color::{Check, Hex, Tolerance, Verdict};
use crate::job::{JobId, Seed};
use crate::journal::{Brief, Edit, EditKey, EditState, History, Reroll, SavedFile};

use super::color_target::ColorTarget;
use super::work::{Standing, Task, Work};

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
    fn corrects(self, check: &Check) -> bool {
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

/// The time of a decision, with the information that is available then.
#[derive(Clone, Copy)]
pub enum DecisionPoint<'m> {
    /// Before the run: work of an earlier run is resumed. The function returns whether `results/` has a picture.
    Start(&'m dyn Fn(&SavedFile) -> bool),
    /// During the run, after an event of the job.
    Running {
        /// The start of the run.
        since: Option<Timestamp>,
    },
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

/// Whether the color of a completed edit may need work. `colors` are the requested colors. Without `rules`, no colors
/// are checked.
pub fn needs_color_review(brief: &Brief<'_>, colors: &[Hex], rules: Option<&ColorRules>) -> bool {
    if brief.has_rerolls {
        return true;
    }
    let Some(rules) = rules.filter(|_| !colors.is_empty()) else { return false };
    let Some(known) = brief.color else { return true };
    is_stale(known.against, known.is_corrected, colors, rules)
        || match known.verdict {
            Verdict::Near => rules.lock != ColorLock::Open && !known.is_corrected && !known.is_left,
            Verdict::Off => rules.rerolls > 0,
            Verdict::On | Verdict::Unmeasurable => false,
        }
}

/// Returns the next step for the color of a job with a completed edit; `None` if nothing is left.
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
    ColorReview { history, job, target, rules, decision_point }.next()
}

/// All inputs of a decision about the color of a job.
struct ColorReview<'a> {
    history: &'a History,
    job: &'a JobId,
    target: &'a Arc<ColorTarget>,
    rules: &'a ColorRules,
    decision_point: DecisionPoint<'a>,
}

impl ColorReview<'_> {
    fn next(&self) -> Option<Work> {
        let base = self.history.edit(self.target.fingerprint).filter(|edit| is_completed(edit))?;
        let rerolls: Vec<&Edit> = self.history.rerolls(base.fingerprint).collect();
        let key = EditKey { job: self.job.clone(), fingerprint: base.fingerprint };
        if let Some(unfinished) = unfinished_reroll(self.history, &key, self.decision_point) {
            return Some(Work { target: Some(Arc::clone(self.target)), ..unfinished });
        }
        let attempts = || std::iter::once(base).chain(rerolls.iter().copied()).filter(|edit| is_completed(edit));
        if let Some(stale) = attempts().find(|edit| self.is_stale(edit) || self.is_displaced(edit)) {
            return Some(self.work(stale, Task::Check));
        }
        let best = best(attempts())?;
        if self.history.shown() != Some(best) {
            return Some(self.work(best, Task::Reinstate));
        }
        let checked = best.checked.as_ref()?;
        let is_correctable = best.corrected.is_none() && checked.uncorrected.is_none();
        match checked.check.verdict {
            Verdict::Near if is_correctable && self.rules.lock.corrects(&checked.check) => {
                Some(self.work(best, Task::Correct))
            }
            Verdict::Off => self.reroll(base, &rerolls),
            _ => None,
        }
    }

    fn work(&self, edit: &Edit, task: Task) -> Work {
        let key = EditKey { job: self.job.clone(), fingerprint: edit.fingerprint };
        Work { key, task, standing: Standing::Current, target: Some(Arc::clone(self.target)) }
    }

    fn is_displaced(&self, edit: &Edit) -> bool {
        match self.decision_point {
            DecisionPoint::Start(is_there) => self.history.shown() == Some(edit) && !edit.files().iter().all(is_there),
            DecisionPoint::Running { .. } => false,
        }
    }

    fn is_stale(&self, edit: &Edit) -> bool {
        let against = edit.checked.as_ref().map(|checked| (&checked.wanted[..], checked.tolerance));
        is_stale(against, edit.corrected.is_some(), &self.target.colors, self.rules)
    }

    fn reroll(&self, base: &Edit, rerolls: &[&Edit]) -> Option<Work> {
        let is_in_doubt = |edit: &&Edit| matches!(edit.state, EditState::Uncertain | EditState::Submitting { .. });
        if self.rules.uncertain_reroll == UncertainReroll::Holds && rerolls.iter().any(is_in_doubt) {
            return None;
        }
        // A re-roll that was refused cost nothing, and is repeated. During the run in which it was refused, it is
        // already in progress.
        let refused = rerolls.iter().find(|edit| edit.state == EditState::Idle).and_then(|edit| edit.reroll);
        let again = match (refused, self.decision_point) {
            (Some(_), DecisionPoint::Running { .. }) => return None,
            (Some(again), DecisionPoint::Start(_)) => again,
            (None, _) if rerolls.len() < self.rules.rerolls as usize => {
                Reroll { of: base.fingerprint, seed: seed(base, self.target.request.seed, rerolls) }
            }
            (None, _) => return None,
        };
        let mut request = (*self.target.request).clone();
        request.seed = Some(again.seed);
        let key = EditKey { job: self.job.clone(), fingerprint: base.fingerprint.rerolled(again.seed) };
        let task = Task::Reroll(Arc::new(request), again);
        Some(Work { key, task, standing: Standing::Alternative, target: Some(Arc::clone(self.target)) })
    }
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
        let is_due = match decision_point {
            DecisionPoint::Start(_) => true,
            // A re-roll that was not given up is in progress.
            DecisionPoint::Running { since } => given_up.is_some_and(|at| Some(at) < since),
        };
        let task = if matches!(edit.state, EditState::Fetched { .. }) { Task::Recover } else { Task::Follow };
        let key = EditKey { fingerprint: edit.fingerprint, ..key.clone() };
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

/// Whether there is no check, or only one `against` other colors or another tolerance. A corrected picture is within
/// every tolerance.
fn is_stale(against: Option<(&[Hex], Tolerance)>, is_corrected: bool, colors: &[Hex], rules: &ColorRules) -> bool {
    against.is_none_or(|(wanted, tolerance)| wanted != colors || (tolerance != rules.tolerance && !is_corrected))
}

/// Returns an unused seed. It depends only on the edit and its re-rolls, so that a crash does not change it.
fn seed(base: &Edit, asked: Option<Seed>, rerolls: &[&Edit]) -> Seed {
    const SEEDS: u64 = Seed::MAX as u64 + 1;
    let first = u64::from_le_bytes(std::array::from_fn(|index| base.fingerprint.as_bytes()[index]));
    let is_used = |seed: Seed| {
        asked == Some(seed) || rerolls.iter().any(|edit| edit.reroll.is_some_and(|reroll| reroll.seed == seed))
    };
    // A step that is coprime to 10001 = 73 * 137 reaches all seeds.
    let seeds = (0..SEEDS).map(|step| (first % SEEDS + step * 3_571) % SEEDS);
    let seeds = seeds.filter_map(|seed| Seed::new(u16::try_from(seed).ok()?));
    seeds.into_iter().find(|seed| !is_used(*seed)).or(asked).unwrap_or_default()
}
