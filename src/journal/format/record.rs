use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::{PredictionId, StatusPath};
use crate::job::{Cents, ErrorClass, Fingerprint, JobId, StopKind};

use super::fields::{Checked, Corrected, LearnedLimits, PauseCause, Redo, Reroll, RunStart, SavedFile};
use super::summary::{CompactedEdit, Totals};

/// The newest version that this program reads. A line has the lowest version that supports its content, so that older
/// programs read as much as possible.
pub const VERSION: u32 = 8;

/// A line of the journal, without its time.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// An event of the run as a whole.
    Run(RunEvent),
    /// A step of one edit.
    Edit(EditKey, Step),
}

/// The key of an edit: a job, with the fingerprint of its request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EditKey {
    /// The job's id.
    pub job: JobId,
    /// The fingerprint of the request.
    pub fingerprint: Fingerprint,
}

/// An event of a run as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RunEvent {
    /// A run was started in the folder.
    Run(RunStart),
    /// All submitters wait, because the provider requested it or cannot be reached.
    Paused {
        /// The length of the pause from the record's time, in milliseconds.
        milliseconds: u64,
        /// The reason as text.
        reason: String,
        /// The cause; absent in journals of older programs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<PauseCause>,
    },
    /// The learned limits of the provider. A later run with the same backend starts with them.
    Learned(LearnedLimits),
    /// The user wants other results of these jobs, or the earlier ones again.
    Redo {
        /// The jobs. They are in one record, so that a crash leaves all of them or none.
        jobs: Vec<Redo>,
    },
    /// The journal was compacted: the records before this one are equivalent to those of the original journal.
    Compacted(Totals),
    /// The run ended properly.
    Ended {
        /// The reason why it stopped early; absent if no work was left.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The kind of that reason; absent in journals of older programs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop: Option<StopKind>,
    },
}

/// A step of an edit, in the order in which they can follow each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Step {
    /// A submit is about to be sent. This record is durable before the first byte is sent.
    Intent {
        /// The number of the attempt, from 1.
        attempt: u32,
        /// The money that is reserved until the price is known.
        reserved_cents: Cents,
        /// The edit that it repeats, if it is a re-roll.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reroll: Option<Reroll>,
    },
    /// The submit was certainly not accepted. The edit may be submitted again.
    Refused {
        /// The reason, as a text for the user.
        message: String,
    },
    /// It is unknown whether the submit was accepted. Its cost stays reserved.
    Uncertain {
        /// The observed error.
        message: String,
        /// The prediction of another job that the answer names, if that is the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        taken: Option<PredictionId>,
    },
    /// The user confirmed that none of the edit's uncertain submits was charged. The money reserved for them is
    /// released, and the edit may be submitted as if they had been refused.
    Released,
    /// The provider accepted the submit and returned an id.
    Accepted {
        /// The prediction's id.
        prediction: PredictionId,
        /// Its price.
        cost_cents: Cents,
        /// The path for polling it, if it cannot be derived from the id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status_path: Option<StatusPath>,
    },
    /// The user has named the prediction of a submit whose answer was lost, or that they had released.
    Adopted {
        /// The prediction's id.
        prediction: PredictionId,
        /// Its price; 0 if it replaces another one, which had the price.
        cost_cents: Cents,
        /// The prediction that the user had named before by mistake, if they had.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<PredictionId>,
    },
    /// The provider reported that the pictures are ready.
    Generated {
        /// The number of pictures.
        outputs: usize,
    },
    /// The pictures were downloaded, and are verified and durable under temporary names.
    Fetched {
        /// The pictures, with their future names.
        files: Vec<SavedFile>,
    },
    /// The pictures are in `results/`.
    Completed,
    /// The color of the pictures was checked.
    Checked(Box<Checked>),
    /// The color lock has corrected the pictures. The provider's originals are kept in `originals/`.
    Corrected(Box<Corrected>),
    /// An earlier edit's pictures were moved back to `results/`, because the manifest asks for it again.
    Reinstated,
    /// The pictures are moved from `results/` to `earlier/`, because the job is no longer in the manifest. This record
    /// is durable before they are moved. Or they were saved in `earlier/` at once, because the manifest now asks for
    /// another edit.
    SetAside,
    /// The edit ended without pictures.
    Failed {
        /// The class of the error.
        class: ErrorClass,
        /// The provider's message, or the observed error.
        message: String,
    },
    /// The state of the edit when the journal was compacted. No other record of it comes before.
    Summary(Box<CompactedEdit>),
}

#[derive(Serialize)]
struct RunLine<'a> {
    v: u32,
    at: Timestamp,
    #[serde(flatten)]
    event: &'a RunEvent,
}

#[derive(Serialize)]
struct EditLine<'a> {
    v: u32,
    at: Timestamp,
    #[serde(flatten)]
    key: &'a EditKey,
    #[serde(flatten)]
    step: &'a Step,
}

/// The fields of every line, which are read first to determine the type of the rest.
#[derive(Deserialize)]
struct LineHead {
    v: u32,
    at: Timestamp,
    job: Option<JobId>,
    fingerprint: Option<Fingerprint>,
}

/// The reason why a line cannot be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::journal) enum LineError {
    #[error("it is not a journal record ({0})")]
    Malformed(#[from] serde_json::Error),
    #[error("it has version {0}, and this program reads up to {VERSION}")]
    Newer(u32),
}

impl Step {
    /// Returns the name of its type.
    pub(in crate::journal) fn name(&self) -> &'static str {
        match self {
            Step::Intent { .. } => "intent",
            Step::Refused { .. } => "refused",
            Step::Uncertain { .. } => "uncertain",
            Step::Released => "released",
            Step::Accepted { .. } => "accepted",
            Step::Adopted { .. } => "adopted",
            Step::Generated { .. } => "generated",
            Step::Fetched { .. } => "fetched",
            Step::Completed => "completed",
            Step::Checked(_) => "checked",
            Step::Corrected(_) => "corrected",
            Step::Reinstated => "reinstated",
            Step::SetAside => "set_aside",
            Step::Failed { .. } => "failed",
            Step::Summary(_) => "summary",
        }
    }

    /// Returns the step for a submit whose process ended before the answer was received.
    pub fn unanswered() -> Step {
        Step::Uncertain { message: "the program ended before the answer came".to_owned(), taken: None }
    }
}

impl Record {
    /// Returns the record as a line, with its line feed.
    ///
    /// # Errors
    ///
    /// The record cannot be represented in JSON.
    pub fn to_line(&self, at: Timestamp) -> serde_json::Result<Vec<u8>> {
        let (v, at) = (self.version(), to_milliseconds(at));
        let mut line = match self {
            Record::Run(event) => serde_json::to_vec(&RunLine { v, at, event }),
            Record::Edit(key, step) => serde_json::to_vec(&EditLine { v, at, key, step }),
        }?;
        line.push(b'\n');
        Ok(line)
    }

    /// Returns the lowest version that supports the record.
    fn version(&self) -> u32 {
        match self {
            Record::Run(RunEvent::Redo { .. }) => 8,
            Record::Edit(_, Step::Adopted { .. }) => 7,
            Record::Run(RunEvent::Learned(LearnedLimits { polls: Some(_), .. })) => 6,
            Record::Edit(_, Step::Accepted { status_path: Some(_), .. }) => 5,
            Record::Edit(_, Step::Summary(summary)) if summary.status_path.is_some() => 5,
            Record::Edit(_, Step::Released) => 4,
            Record::Run(RunEvent::Compacted(_)) | Record::Edit(_, Step::Summary(_)) => 3,
            Record::Run(RunEvent::Learned(_) | RunEvent::Run(RunStart { partition: Some(_), .. }))
            | Record::Edit(
                _,
                Step::Checked(_) | Step::Corrected(_) | Step::SetAside | Step::Intent { reroll: Some(_), .. },
            ) => 2,
            Record::Run(_) | Record::Edit(..) => 1,
        }
    }

    /// Parses a line without its line feed.
    pub(in crate::journal) fn from_line(line: &[u8]) -> Result<(Timestamp, Record), LineError> {
        let head: LineHead = serde_json::from_slice(line)?;
        if head.v > VERSION {
            return Err(LineError::Newer(head.v));
        }
        let record = match (head.job, head.fingerprint) {
            (Some(job), Some(fingerprint)) => Record::Edit(EditKey { job, fingerprint }, serde_json::from_slice(line)?),
            _ => Record::Run(serde_json::from_slice(line)?),
        };
        Ok((head.at, record))
    }
}

/// Truncates a time to milliseconds, so that replaying a line gives the time that was applied.
pub(in crate::journal) fn to_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

#[cfg(test)]
pub(in crate::journal) mod tests;
