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

/// Returns the work for edits in the journal that the manifest no longer asks for, because pictures that were paid for
/// are still fetched. `asks_for` returns the fingerprint that the manifest asks for with an id. Edits of ids that it does
/// not have get the standing `of_removed`.
pub fn orphans(ledger: &Ledger, asks_for: impl Fn(&JobId) -> Option<Fingerprint>, of_removed: Standing) -> Vec<Work> {
    let mut orphans: Vec<Work> = ledger
        .live_edits()
        .filter_map(|(job, edit)| {
            let task = recovery_task(edit)?;
            let wanted = asks_for(job);
            // A re-roll of the wanted edit belongs to it.
            let is_wanted = |fingerprint| wanted == Some(fingerprint);
            if is_wanted(edit.fingerprint) || edit.reroll.is_some_and(|reroll| is_wanted(reroll.of)) {
                return None;
            }
            let standing = if wanted.is_some() { Standing::Superseded } else { of_removed };
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

/// Returns the jobs that may have orphans. [`orphans`] calls `asks_for` only for these.
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
