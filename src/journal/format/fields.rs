//! The parts of records: pictures, checks, re-rolls, the start of a run, and the provider's limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::color::{Check, Hex, Tolerance};
use crate::job::{Backend, Cents, ContentHash, Fingerprint, HeldBack, JobId, Partition, Rate, Seed, StatusCounts};

/// The start of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunStart {
    /// The path of the manifest, as the user wrote it.
    pub manifest: String,
    /// The backend.
    pub backend: Backend,
    /// The origin of the API; absent for the embedded server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The version of the program.
    pub program: String,
    /// The status counts of the manifest at the start.
    pub jobs: StatusCounts,
    /// The budget of the folder over all runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_cents: Option<Cents>,
    /// The share of the manifest that the folder is for; absent if it is for the whole manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// The hash of the manifest's content, if the run is one of a share. It depends on the version of the program. Few
    /// records have one, so the others only keep room for a pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_hash: Option<Box<ContentHash>>,
    /// The jobs that it does not submit because of pictures that the journal does not know.
    #[serde(default, skip_serializing_if = "HeldBack::is_empty")]
    pub held_back: HeldBack,
    /// How local pictures reach the provider, if the user has chosen that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images_via: Option<Box<str>>,
    /// The other settings that a run of some of its jobs inherits, in the syntax of a manifest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The working directory of the run; paths in its plan are relative to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<Box<str>>,
    /// The absolute path of the run's folder when a run last had jobs to submit. A merge has that of its first folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// The command that resumes it, without secrets and without options that the user decides each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Box<str>>,
    /// That command for all jobs of the manifest, if the run selects some of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_all: Option<Box<str>>,
}

/// The cause of a pause of all submits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseCause {
    /// The provider answered 429.
    RateLimited,
    /// The provider cannot be reached.
    Unreachable,
    /// The provider fails for all requests.
    Failing,
}

/// The learned limits of a provider. Absent fields keep their previous values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnedLimits {
    /// The rate at which it accepts submits, and refuses some at higher ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submits: Option<Rate>,
    /// A rate at which it has refused no submit. It takes the place of `submits` if no limit was met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unrefused: Option<Rate>,
    /// The maximum number of predictions in flight; 0 if no limit was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u32>,
    /// Of a thousand submits, how many it refuses with 429 at any rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub odd_refusals: Option<u32>,
    /// The rate at which it answers polls, for all predictions together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polls: Option<Rate>,
    /// Generation times: evenly spaced quantiles in milliseconds, from the minimum to the maximum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generation_ms: Vec<u64>,
}

impl LearnedLimits {
    /// Returns the rate of submits to start with.
    pub fn submit_rate(&self) -> Option<Rate> {
        self.submits.or(self.unrefused)
    }
}

/// The edit that a re-roll repeats, with another seed. Its pictures are saved in `earlier/`, and get the job's name
/// only if they are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reroll {
    /// The fingerprint of the edit that the manifest asks for.
    pub of: Fingerprint,
    /// The seed that was sent.
    pub seed: Seed,
}

/// A check of an edit's color, with the target that it was compared with. If the target has changed since, the check is
/// stale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The requested colors.
    pub wanted: Vec<Hex>,
    /// The tolerance of the check.
    pub tolerance: Tolerance,
    /// The result. For several pictures, it is the worst one.
    pub check: Check,
    /// The reason why the color lock could not correct it, if it tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncorrected: Option<String>,
}

/// A local correction of an edit's color.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Corrected {
    /// The corrected pictures, in `results/`.
    pub files: Vec<SavedFile>,
    /// The result of their check.
    pub check: Check,
}

/// A verified picture of an edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    /// The name in `results/`.
    pub name: String,
    /// The size in bytes.
    pub bytes: u64,
    /// The hash of the content.
    pub blake3: ContentHash,
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
}

impl SavedFile {
    /// Returns the name without its extension.
    pub fn stem(&self) -> &str {
        stem(&self.name)
    }
}

/// Returns the name of a picture without its extension.
pub(in crate::journal) fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// What the user has decided about a result: that the job is made anew with another seed, or that this is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redo {
    /// The job.
    pub job: JobId,
    /// The fingerprint of the edit with the result.
    pub fingerprint: Fingerprint,
    /// The seed of that edit, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<Seed>,
    /// The seed that takes its place; absent if an earlier decision is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<Seed>,
}
