//! What records say of pictures, checks and re-rolls, of a run's opening, and of the provider's pace.

use serde::{Deserialize, Serialize};

use crate::color::{Check, Hex, Tolerance};
use crate::job::{Backend, Cents, ContentHash, Fingerprint, HeldBack, Partition, Rate, Seed, StatusCounts};

/// How a process began to work on the folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunStart {
    /// The manifest, as it was named.
    pub manifest: String,
    /// Who edits.
    pub backend: Backend,
    /// Where its API is; absent where that is this machine's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The version of the program.
    pub program: String,
    /// How the jobs of the manifest stood at the start.
    pub jobs: StatusCounts,
    /// The ceiling over the folder's whole life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_cents: Option<Cents>,
    /// The share of the manifest that the folder is for; absent where it is for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// The jobs that it does not submit because of pictures that nobody knows.
    #[serde(default, skip_serializing_if = "HeldBack::is_empty")]
    pub held_back: HeldBack,
    /// How local pictures reach the provider, where somebody has said that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images_via: Option<String>,
    /// The folder in which it was begun, from which relative paths in its plan are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// The command that goes on with it, without what may be secret and what a person decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
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

/// What was learned of a provider's pace. What is left out is as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnedLimits {
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

/// Which edit a re-roll repeats, with another seed. Its pictures go to `earlier/`, and take the job's name only if they
/// turn out to be better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reroll {
    /// The fingerprint of the edit that the manifest asks for.
    pub of: Fingerprint,
    /// The seed that was sent.
    pub seed: Seed,
}

/// A check of an edit's color, and what it was compared with: where either differs by now, the check is stale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The colors asked for.
    pub wanted: Vec<Hex>,
    /// How far they may be missed.
    pub tolerance: Tolerance,
    /// What was found; of several pictures in the worst of them.
    pub check: Check,
    /// Why the color lock could not correct it, if that was tried.
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

impl SavedFile {
    /// Its name without the extension.
    pub fn stem(&self) -> &str {
        stem(&self.name)
    }
}

/// The name of a picture without its extension.
pub(in crate::journal) fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
