use std::sync::Arc;

use crate::editor::wanted;
use crate::job::{Fingerprint, JobId};
use crate::journal::{Edit, EditKey, EditState, Ledger};

use super::color_review::ColorRules;
use super::color_target::ColorTarget;
use super::decision::Decision;
use super::planned_job::PlannedJob;
use super::work::{Standing, Task, Work};

/// Returns the work for a decision; `None` if there is none. Without `rules`, no colors are checked.
pub fn work(planned: &PlannedJob, decision: Decision, rules: Option<&ColorRules>) -> Option<Work> {
    let request = Arc::new(planned.job.request.clone());
    let colors = rules.map_or_else(Vec::new, |_| wanted(planned.job.color, &request.prompt));
    let target = ColorTarget { fingerprint: planned.fingerprint, request: Arc::clone(&request), colors };
    let task = match decision {
        Decision::New | Decision::Changed | Decision::Retry | Decision::Resubmit => Task::Submit(request),
        Decision::Follow => Task::Follow,
        Decision::FollowOrResubmit => Task::FollowOrResubmit(request),
        Decision::Recover => Task::Recover,
        Decision::Reinstate => Task::Reinstate,
        Decision::ReviewColor | Decision::Reroll => Task::ReviewColor,
        Decision::Keep(_) => return None,
    };
    let target = (!target.colors.is_empty()).then(|| Arc::new(target));
    Some(Work { key: planned.key(), task, standing: Standing::Current, target })
}

/// The row of a job in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobRow {
    /// It asks for this edit, and the run takes it.
    Selected(Fingerprint),
    /// It asks for this edit, and the run leaves it out.
    LeftOut(Fingerprint),
    /// There is none.
    Removed,
}

/// Returns the work for edits in the journal that no selected row asks for, because pictures that were paid for are
/// fetched whatever a run takes. `row_of` returns the row of a job. Edits of removed jobs get the standing `of_removed`.
pub fn orphans(ledger: &Ledger, row_of: impl Fn(&JobId) -> JobRow, of_removed: Standing) -> Vec<Work> {
    let mut orphans: Vec<Work> = ledger
        .live_edits()
        .filter_map(|(job, edit)| {
            let task = recovery_task(edit)?;
            let is_of = |wanted| edit.fingerprint == wanted;
            let is_reroll_of = |wanted| edit.reroll.is_some_and(|reroll| reroll.of == wanted);
            let standing = match row_of(job) {
                JobRow::Selected(wanted) if is_of(wanted) || is_reroll_of(wanted) => return None,
                JobRow::LeftOut(wanted) if is_of(wanted) => Standing::Current,
                JobRow::LeftOut(wanted) if is_reroll_of(wanted) => Standing::Alternative,
                JobRow::Selected(_) | JobRow::LeftOut(_) => Standing::Superseded,
                JobRow::Removed => of_removed,
            };
            Some(Work {
                key: EditKey { job: job.clone(), fingerprint: edit.fingerprint },
                task,
                standing,
                target: None,
            })
        })
        .collect();
    orphans.sort_by(|one, other| one.key.cmp(&other.key));
    orphans
}

/// Returns the jobs that may have orphans. [`orphans`] calls `row_of` only for these.
pub fn unfinished(ledger: &Ledger) -> impl Iterator<Item = &JobId> {
    ledger.live_edits().filter(|(_, edit)| recovery_task(edit).is_some()).map(|(job, _)| job)
}

/// Returns the task that fetches an edit that was paid for; `None` if nothing has to be fetched.
fn recovery_task(edit: &Edit) -> Option<Task> {
    match edit.state {
        EditState::Processing => Some(Task::Follow),
        EditState::Fetched { .. } => Some(Task::Recover),
        // After a failure on this side, the prediction was still paid for, as in `decide_failed`.
        EditState::Failed { class } if class.is_ours() && edit.prediction.is_some() => Some(Task::Follow),
        _ => None,
    }
}
