//! Records of a compacted journal: edits as one record each, and the totals that cannot be derived from them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::{PredictionId, StatusPath};
use crate::job::{Cents, StatusCounts};

use super::fields::{Checked, Corrected, Reroll, SavedFile};
use super::state::{EditState, Problem, Settlement};

/// The totals of a journal that cannot be derived from the records of its edits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The status counts of the last run's manifest.
    pub jobs: StatusCounts,
    /// The highest price so far.
    pub estimate_cents: Cents,
    /// The time of the first submit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_submit_at: Option<Timestamp>,
    /// The time of the last submit; absent in journals of older programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_submit_at: Option<Timestamp>,
    /// The last time at which an edit ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_finish_at: Option<Timestamp>,
    /// The totals of the last run; absent in journals of older programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<LastRunTotals>,
}

/// The totals of the last run alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRunTotals {
    /// The number of its submits, including refused ones.
    pub submits: u64,
    /// The cost of its accepted submits.
    pub spent_cents: Cents,
}

/// An edit as one record of a compacted journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompactedEdit {
    /// Its state.
    #[serde(flatten)]
    pub state: EditState,
    /// Whether its pictures are in `results/` under the job's name.
    #[serde(default, skip_serializing_if = "is_not")]
    pub shown: bool,
    /// The number of its submits.
    pub attempts: u32,
    /// The prediction of its last accepted submit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction: Option<PredictionId>,
    /// The path for polling it, if it cannot be derived from the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_path: Option<StatusPath>,
    /// The predictions of earlier accepted submits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<PredictionId>,
    /// The cost of its accepted submits.
    #[serde(rename = "spent_cents")]
    pub spent: Cents,
    /// The money reserved for its uncertain submits.
    #[serde(rename = "held_cents", default, skip_serializing_if = "is_nothing")]
    pub reserved_for_uncertain: Cents,
    /// The number of its uncertain submits.
    #[serde(rename = "held", default, skip_serializing_if = "is_none")]
    pub uncertain_submits: u64,
    /// The time of its last submit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Timestamp>,
    /// The last time at which it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Its last problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// The provider's pictures of a result that was removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<SavedFile>,
    /// The edit that it repeats, if it is a re-roll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reroll: Option<Reroll>,
    /// What the user has recorded about its last submit whose answer was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<Settlement>,
    /// The check of the provider's pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<Box<Checked>>,
    /// The color lock's correction of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<Box<Corrected>>,
}

fn is_not(flag: &bool) -> bool {
    !flag
}

fn is_none(number: &u64) -> bool {
    *number == 0
}

fn is_nothing(cents: &Cents) -> bool {
    *cents == Cents::ZERO
}
