use serde::Serialize;

use crate::color::Hex;
use crate::job::{ErrorClass, UncertainPolicy};
use crate::journal::{Brief, EditKey, Ledger, Presence, Stage};

use super::color::{ColorRules, needs_color_review};

/// What the user chose for jobs that ended badly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// What becomes of failed jobs.
    pub failed: FailedPolicy,
    /// What becomes of uncertain ones.
    pub uncertain: UncertainPolicy,
}

/// What becomes of failed jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailedPolicy {
    /// They stay as they are.
    #[default]
    Keep,
    /// They are submitted again.
    Retry,
}

/// What happens with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is submitted; the journal does not know it yet, or knows that its submit was refused or never went out.
    New,
    /// It is submitted; its id had another request before.
    Changed,
    /// It is submitted again, after a failure.
    Retry,
    /// Its prediction was lost or took too long: it is asked for again, and submitted again if the provider does not
    /// know it, or says that it failed.
    FollowOrResubmit,
    /// It is submitted again, although an earlier submit may have been accepted.
    Resubmit,
    /// Its prediction is known, and followed to its end.
    Follow,
    /// Its pictures were fetched, and only need their names.
    Recover,
    /// It was completed, and its pictures were moved aside for those of another manifest; they come back.
    Reinstate,
    /// It is completed, and its color is to be checked, corrected, or asked for again.
    ReviewColor,
    /// It stays as it is.
    Keep(Kept),
}

/// How a job stands that is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Its pictures are in the folder.
    Completed,
    /// Its pictures are in the folder, and somebody has changed them since they were saved.
    Retouched,
    /// It failed.
    Failed,
    /// Nobody knows whether its submit was accepted.
    Uncertain,
    /// A picture is in the place of its result that the journal does not know: it is not submitted over it.
    HeldBack,
}

impl Decision {
    /// Whether it costs money, or may.
    pub fn submits(self) -> bool {
        use Decision::{Changed, FollowOrResubmit, New, Resubmit, Retry};
        matches!(self, New | Changed | Retry | FollowOrResubmit | Resubmit)
    }

    /// Whether the provider is asked for a prediction that it is not known to have in work, of an `edit` as the journal has it.
    pub fn asks_again(self, edit: Option<&Brief<'_>>) -> bool {
        let is_in_work = edit.is_some_and(|edit| edit.stage == Stage::Processing);
        matches!(self, Decision::Follow | Decision::FollowOrResubmit) && !is_in_work
    }

    /// Whether it begins with nothing that costs money. Such work goes first: what was paid for is brought home before
    /// money is spent, for the provider does not keep it for ever, and a run that stops for want of money has done it by then.
    pub fn is_free(self) -> bool {
        !self.submits() || self == Decision::FollowOrResubmit
    }
}

/// What the journal knows of an edit and of its job.
#[derive(Clone, Debug)]
pub struct KnownEdit<'l> {
    /// The edit, if the journal knows it.
    pub edit: Option<Brief<'l>>,
    /// Whether the journal knows the job, with whatever edits.
    pub has_job: bool,
}

impl<'l> KnownEdit<'l> {
    /// Looks an edit up.
    pub fn of(key: &EditKey, ledger: &'l Ledger) -> KnownEdit<'l> {
        let edit = ledger.brief(key);
        KnownEdit { has_job: edit.is_some() || ledger.knows(&key.job), edit }
    }
}

/// Decides what happens with the edit of `key`. `presence` tells what there is in `results/` of a picture of that name and
/// size in bytes.
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
            // A dead process has moved it aside for another edit's, and no record tells of that.
            Presence::Displaced => Decision::Reinstate,
            // Somebody removed a picture that was paid for: the provider may still have it, and asking is free.
            Presence::Missing => Decision::Follow,
        },
        Stage::Failed(class) => decide_failed(class, edit.has_prediction, choices.failed),
        // A submit without an answer is uncertain, whether or not the journal says so by now.
        Stage::Submitting | Stage::Uncertain => match choices.uncertain {
            UncertainPolicy::Hold => Decision::Keep(Kept::Uncertain),
            UncertainPolicy::Resubmit => Decision::Resubmit,
        },
    }
}

/// The same decision, or to look after the color where that is left to do. `colors` are those that the job is held
/// against; without `rules` nobody wants colors to be checked.
pub fn with_color_review(
    decision: Decision,
    known: &KnownEdit<'_>,
    colors: &[Hex],
    rules: Option<&ColorRules>,
) -> Decision {
    let Some(brief) = known.edit.as_ref().filter(|brief| brief.stage == Stage::Completed) else { return decision };
    let is_corrected = brief.color.is_some_and(|color| color.is_corrected);
    match decision {
        // What somebody has made of the picture stays. It may be what the color lock is to undo, and other tries may be to
        // bring home.
        Decision::Keep(Kept::Retouched) if !brief.has_rerolls && !is_corrected => decision,
        Decision::Keep(_) | Decision::Reinstate if needs_color_review(brief, colors, rules) => Decision::ReviewColor,
        // The provider's picture is kept beside a corrected one.
        Decision::Follow if is_corrected && rules.is_some() => Decision::ReviewColor,
        _ => decision,
    }
}

/// A failure on this side (a download that broke, a limit of ours) leaves a prediction that was paid for, and asking
/// for it again is free; so is asking for one that was lost, which the provider may know again by now. None is paid for
/// again before that. A picture that could not be read kept the submit from going out, so that it is as new as before.
fn decide_failed(class: ErrorClass, has_prediction: bool, choice: FailedPolicy) -> Decision {
    match (class, choice) {
        (ErrorClass::Download, _) | (ErrorClass::Timeout | ErrorClass::Lost, FailedPolicy::Keep) if has_prediction => {
            Decision::Follow
        }
        (ErrorClass::Timeout | ErrorClass::Lost, FailedPolicy::Retry) if has_prediction => Decision::FollowOrResubmit,
        (ErrorClass::Input, _) if !has_prediction => Decision::New,
        (_, FailedPolicy::Retry) => Decision::Retry,
        (_, FailedPolicy::Keep) => Decision::Keep(Kept::Failed),
    }
}
