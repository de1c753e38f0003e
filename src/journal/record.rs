use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::PredictionId;
use crate::color::{Check, Hex, Tolerance};
use crate::job::{Cents, ContentHash, ErrorClass, Fingerprint, JobId, Partition, Rate, Seed};

use super::summary::{Summary, Totals};

/// The newest version that this program reads. A line has the lowest version that knows all that it says, so that an
/// older program reads as much as it can.
pub const VERSION: u32 = 4;

/// One line of the journal, without its time.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// Something about the run as a whole.
    Run(RunEvent),
    /// A step of one edit.
    Edit(EditKey, Step),
}

/// Which edit a record is about: a job, as it was when its request had this fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EditKey {
    /// The job's id.
    pub job: JobId,
    /// The fingerprint of what is sent.
    pub fingerprint: Fingerprint,
}

/// What happens to a run as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RunEvent {
    /// A process began to work on the folder.
    Run(RunStart),
    /// All submitters wait, because the provider asked for it or cannot be reached.
    Paused {
        /// For how long from the record's time, in milliseconds.
        milliseconds: u64,
        /// Why, in the words of whoever saw it.
        reason: String,
        /// What kind of reason that is; programs before this one did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<PauseCause>,
    },
    /// What the run has learned of the provider's pace; a later run on the same backend begins with it.
    Learned(Learned),
    /// The journal was compacted: what comes before adds up to what a longer one did.
    Compacted(Totals),
    /// The process ended in good order.
    Ended {
        /// Why it stopped before its work was done; absent where nothing was left.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

/// What makes all submitters wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseCause {
    /// The provider answered 429.
    RateLimited,
    /// The provider cannot be reached.
    Unreachable,
    /// The provider fails for everybody.
    Failing,
}

/// How a process began to work on the folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunStart {
    /// The manifest, as it was named.
    pub manifest: String,
    /// The backend's name.
    pub backend: String,
    /// Where its API is; absent where that is this machine's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The version of the program.
    pub program: String,
    /// How the jobs of the manifest stood at the start.
    pub jobs: PlanCounts,
    /// The ceiling over the folder's whole life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_cents: Option<Cents>,
    /// The share of the manifest that the folder is for; absent where it is for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// The command that goes on with it, without what may be secret and what a person decides anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
}

/// What was learned of a provider's pace. What is left out is as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// The rate at which it takes submits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submits: Option<Rate>,
    /// How many predictions it lets be in flight at once: 0 where that was not met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u32>,
    /// How long edits take: quantiles in milliseconds, evenly spaced from the least to the greatest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generation_ms: Vec<u64>,
}

/// How the jobs of a manifest stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCounts {
    /// All jobs of the manifest.
    pub total: u64,
    /// Those whose pictures are in `results/`.
    pub completed: u64,
    /// Those that ended as failed.
    pub failed: u64,
    /// Those whose submit has an unknown fate.
    pub uncertain: u64,
    /// The rest.
    pub pending: u64,
}

/// A step of one edit, in the order in which they can follow each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Step {
    /// A submit is about to be sent. Durable before the first byte goes out.
    Intent {
        /// Which try this is, from 1.
        attempt: u32,
        /// What is reserved for it until its price is known.
        reserved_cents: Cents,
        /// Of which edit it is a re-roll, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reroll: Option<Reroll>,
    },
    /// The submit certainly was not accepted; the edit may be submitted again.
    Refused {
        /// Why, in words that a person can act on.
        message: String,
    },
    /// Nobody knows whether the submit was accepted. Its cost stays reserved.
    Uncertain {
        /// What was seen.
        message: String,
    },
    /// Somebody has looked, and none of the edit's uncertain submits was charged: what was reserved for them is free, and
    /// the edit may be submitted as if they had been refused.
    Released,
    /// The provider took the submit and gave an id.
    Accepted {
        /// The prediction's id.
        prediction: PredictionId,
        /// Its price.
        cost_cents: Cents,
    },
    /// The provider says that the pictures are ready.
    Generated {
        /// How many there are.
        outputs: usize,
    },
    /// The pictures are on this machine, verified and durable under temporary names.
    Fetched {
        /// What they will be called, and what is in them.
        files: Vec<SavedFile>,
    },
    /// The pictures are in `results/`.
    Completed,
    /// The color of the pictures was checked.
    Checked(Box<Checked>),
    /// The color lock has corrected the pictures; those that the provider made are kept in `originals/`.
    Corrected(Box<Corrected>),
    /// An earlier edit's pictures are back in `results/`, because the manifest went back to it.
    Reinstated,
    /// The pictures go from `results/` to `earlier/`, because the manifest has no such job any more. Durable before
    /// they move. Or they were saved in `earlier/` at once, because the manifest asks for another edit by now.
    SetAside,
    /// The edit ended without pictures.
    Failed {
        /// The kind of failure.
        class: ErrorClass,
        /// What was seen, in the provider's words where there are any.
        message: String,
    },
    /// All that the edit had come to when the journal was compacted. Nothing of it comes before.
    Summary(Box<Summary>),
}

/// Which edit a re-roll repeats, with another seed. Its pictures go to `earlier/`, and take the job's name only if they
/// turn out to be better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reroll {
    /// The fingerprint of the edit that the manifest asks for.
    pub of: Fingerprint,
    /// The seed that was sent.
    pub seed: Seed,
}

/// A check of an edit's color, and what it was held against: where either differs by now, the check is stale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The colors asked for.
    pub wanted: Vec<Hex>,
    /// How far they may be missed.
    pub tolerance: Tolerance,
    /// What was found; of several pictures in the worst of them.
    pub check: Check,
    /// Why the color lock could not mend it, if that was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncorrected: Option<String>,
}

/// A correction of an edit's color on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Corrected {
    /// The corrected pictures, in `results/`.
    pub files: Vec<SavedFile>,
    /// What a check of them found.
    pub check: Check,
}

/// One verified picture of an edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    /// Its name in `results/`.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The hash of its content.
    pub blake3: ContentHash,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
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

/// What every line has, read first to know what the rest is.
#[derive(Deserialize)]
struct Head {
    v: u32,
    at: Timestamp,
    job: Option<JobId>,
    fingerprint: Option<Fingerprint>,
}

/// Why a line cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("it is not a journal record ({0})")]
    Malformed(#[from] serde_json::Error),
    #[error("it has version {0}, and this program reads up to {VERSION}")]
    Newer(u32),
}

impl Step {
    /// The step of a submit whose process ended before the answer came.
    pub fn unanswered() -> Step {
        Step::Uncertain { message: "the program ended before the answer came".to_owned() }
    }
}

impl Record {
    /// The record as a line, with its line feed.
    pub fn to_line(&self, at: Timestamp) -> Vec<u8> {
        let (v, at) = (self.version(), to_milliseconds(at));
        let line = match self {
            Record::Run(event) => serde_json::to_vec(&RunLine { v, at, event }),
            Record::Edit(key, step) => serde_json::to_vec(&EditLine { v, at, key, step }),
        };
        // Records hold text, numbers and lists alone, and serde_json can write all of those.
        let mut line = line.unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// The lowest version that knows all of the record.
    fn version(&self) -> u32 {
        match self {
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

    /// Reads a line without its line feed.
    pub(super) fn from_line(line: &[u8]) -> Result<(Timestamp, Record), LineError> {
        let head: Head = serde_json::from_slice(line)?;
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

/// Cuts a time to milliseconds, so that what is replayed is what was applied.
pub(super) fn to_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

#[cfg(test)]
pub(super) mod tests;
