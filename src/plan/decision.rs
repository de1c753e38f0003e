use serde::Serialize;

use crate::color::Hex;
use crate::job::{ErrorClass, UncertainPolicy};
use crate::journal::{Brief, EditKey, Ledger, Presence, Stage};

use super::color_review::{ColorReview, ColorRules, color_review};

/// The user's choices for failed and uncertain jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// The policy for failed jobs.
    pub failed: FailedPolicy,
    /// The policy for uncertain jobs.
    pub uncertain: UncertainPolicy,
}

/// The policy for failed jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailedPolicy {
    /// They stay as they are.
    #[default]
    Keep,
    /// They are submitted again.
    Retry,
}

/// The decision about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is submitted: the journal does not know it, or knows that its submit was refused or was never sent.
    New,
    /// It is submitted: its id had another request before.
    Changed,
    /// It is submitted again after a failure.
    Retry,
    /// Its prediction was lost or took too long. It is polled again, and submitted again if the provider does not know
    /// the prediction or reports that it failed.
    FollowOrResubmit,
    /// It is submitted again, although an earlier submit may have been accepted.
    Resubmit,
    /// Its prediction is known, and polled until it ends.
    Follow,
    /// Its pictures were fetched, and only have to be renamed.
    Recover,
    /// It was completed, and its pictures were moved aside for another manifest. They are moved back.
    Reinstate,
    /// It is completed, and its color is to be checked or corrected, or a re-roll of it is to be fetched.
    ReviewColor,
    /// It is completed, all of its results are off, and it is submitted again with another seed.
    Reroll,
    /// It stays as it is.
    Keep(Kept),
}

/// The state of a job that is left unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Its pictures are in the folder.
    Completed,
    /// Its pictures are in the folder, and the user has changed them since they were saved.
    Retouched,
    /// It failed.
    Failed,
    /// It is unknown whether its submit was accepted.
    Uncertain,
    /// A file that the journal does not know has the name of its result, so it is not submitted.
    HeldBack,
}

impl Decision {
    /// Whether it costs money, or may cost money.
    pub fn submits(self) -> bool {
        use Decision::{Changed, FollowOrResubmit, New, Reroll, Resubmit, Retry};
        matches!(self, New | Changed | Retry | FollowOrResubmit | Resubmit | Reroll)
    }

    /// Whether it polls a prediction that is not known to be in progress. `edit` is the journal's state.
    pub fn asks_again(self, edit: Option<&Brief<'_>>) -> bool {
        let is_in_work = edit.is_some_and(|edit| edit.stage == Stage::Processing);
        matches!(self, Decision::Follow | Decision::FollowOrResubmit) && !is_in_work
    }

    /// Whether its first step is free. Free work goes first: pictures that were paid for are fetched before more money
    /// is spent, because the provider keeps them for a limited time, and a run may stop at its budget.
    pub fn is_free(self) -> bool {
        !self.submits() || matches!(self, Decision::FollowOrResubmit | Decision::Reroll)
    }
}

/// What the journal knows about an edit and its job.
#[derive(Clone, Debug)]
pub struct KnownEdit<'l> {
    /// The edit, if the journal knows it.
    pub edit: Option<Brief<'l>>,
    /// Whether the journal knows the job, with any edit.
    pub has_job: bool,
}

impl<'l> KnownEdit<'l> {
    /// Looks up an edit.
    pub fn of(key: &EditKey, ledger: &'l Ledger) -> KnownEdit<'l> {
        let edit = ledger.brief(key);
        KnownEdit { has_job: edit.is_some() || ledger.knows(&key.job), edit }
    }
}

/// Decides about the edit of `key`. `presence` returns the presence in `results/` of a picture by its name and its size
/// in bytes.
pub fn decide(
    key: &EditKey,
    known: &KnownEdit<'_>,
    choices: Choices,
    presence: impl Fn(&str, u64) -> Presence,
) -> Decision {
    let Some(edit) = &known.edit else {
        return if known.has_job { Decision::Changed } else { Decision::New };
    };
    match edit.stage {
        Stage::Idle => Decision::New,
        Stage::Processing => Decision::Follow,
        Stage::Fetched => Decision::Recover,
        Stage::Completed if !edit.is_shown => Decision::Reinstate,
        Stage::Completed => match edit.presence(&key.job, presence) {
            Presence::Saved => Decision::Keep(Kept::Completed),
            Presence::Changed => Decision::Keep(Kept::Retouched),
            // A process that died has moved it aside for another edit without recording that.
            Presence::Displaced => Decision::Reinstate,
            // A picture that was paid for was removed. The provider may still have it, and polling is free.
            Presence::Missing => Decision::Follow,
        },
        Stage::Failed(class) => decide_failed(class, edit.has_prediction, choices.failed),
        // A submit without an answer is uncertain, even if the journal does not say so yet.
        Stage::Submitting | Stage::Uncertain => match choices.uncertain {
            UncertainPolicy::Hold => Decision::Keep(Kept::Uncertain),
            UncertainPolicy::Resubmit => Decision::Resubmit,
        },
    }
}

/// Returns [`Decision::ReviewColor`] or [`Decision::Reroll`] if the color of a completed edit needs work, and
/// `decision` otherwise. `colors` are the requested colors. Without `rules`, no colors are checked. `in_history` decides
/// from the history of the job, which is only read if it matters; `None` if nothing is left.
pub fn with_color_review<E>(
    decision: Decision,
    known: &KnownEdit<'_>,
    colors: &[Hex],
    rules: Option<&ColorRules>,
    in_history: impl FnOnce() -> Result<Option<Decision>, E>,
) -> Result<Decision, E> {
    let Some(brief) = known.edit.as_ref().filter(|brief| brief.stage == Stage::Completed) else { return Ok(decision) };
    let is_corrected = brief.color.is_some_and(|color| color.is_corrected);
    match (decision, color_review(brief, colors, rules)) {
        // The provider's picture is kept in addition to the corrected one.
        (Decision::Follow, _) if is_corrected && rules.is_some() => Ok(Decision::ReviewColor),
        (_, ColorReview::Done) => Ok(decision),
        // A change by the user stays, unless a correction has to be undone or re-rolls have to be fetched.
        (Decision::Keep(Kept::Retouched), _) if brief.rerolls == 0 && !is_corrected => Ok(decision),
        (Decision::Keep(Kept::Retouched), ColorReview::Due)
        | (Decision::Keep(_) | Decision::Reinstate, ColorReview::InHistory) => Ok(in_history()?.unwrap_or(decision)),
        (Decision::Keep(_) | Decision::Reinstate, ColorReview::Due) => Ok(Decision::ReviewColor),
        _ => Ok(decision),
    }
}

/// Decides about a failed edit. After a failure on this side (a broken download, a time limit), the prediction is
/// polled again, which is free. So is a lost prediction, because the provider may know it again. None is paid for again
/// before that, and neither is one that the provider has called failed, because a second answer may differ. If an input
/// picture could not be read, nothing was submitted, so the job is new.
fn decide_failed(class: ErrorClass, has_prediction: bool, choice: FailedPolicy) -> Decision {
    use ErrorClass::{Download, Input, Lost, Moderated, Provider, Rejected, Timeout};
    match (class, choice) {
        (Download, _) | (Timeout | Lost, FailedPolicy::Keep) if has_prediction => Decision::Follow,
        (Timeout | Lost | Provider, FailedPolicy::Retry) if has_prediction => Decision::FollowOrResubmit,
        (Input, _) if !has_prediction => Decision::New,
        // All classes are listed, so that a new class is not paid for again by default.
        (Moderated | Rejected | Lost | Timeout | Download | Provider | Input, choice) => match choice {
            FailedPolicy::Retry => Decision::Retry,
            FailedPolicy::Keep => Decision::Keep(Kept::Failed),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_that_may_have_a_picture_is_polled_before_its_job_is_paid_for_again() {
        let retried = |class, has_prediction| decide_failed(class, has_prediction, FailedPolicy::Retry);
        for class in [ErrorClass::Provider, ErrorClass::Timeout, ErrorClass::Lost] {
            assert_eq!(retried(class, true), Decision::FollowOrResubmit, "{class}");
            assert_eq!(retried(class, false), Decision::Retry, "{class}");
        }
        assert_eq!(retried(ErrorClass::Moderated, true), Decision::Retry, "the answer is about the request");
        assert_eq!(retried(ErrorClass::Download, true), Decision::Follow);
        let kept = decide_failed(ErrorClass::Provider, true, FailedPolicy::Keep);
        assert_eq!(kept, Decision::Keep(Kept::Failed));
    }
}
