use std::collections::BTreeMap;

use serde::Serialize;

use super::duplicate_pictures::DuplicatePictures;
use crate::color::VerdictCounts;
use crate::job::{ErrorClass, HeldBack, StatusCounts};

/// The totals of a batch, as `summary.json` and the summary of a run have them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BatchTotals {
    /// The jobs that were asked for, by status.
    pub jobs: StatusCounts,
    /// The jobs with pictures in `results/` that the manifest no longer has; `jobs` does not count them.
    pub removed: u64,
    /// The jobs that were not submitted because pictures exist in `results/` that the journal does not know.
    pub held_back: HeldBack,
    /// Results by the verdict on their color, of those that were checked.
    pub colors: VerdictCounts,
    /// The jobs whose pictures the user has changed since they were saved.
    pub retouched: u64,
    /// Failed jobs by class; classes without a job are left out.
    pub errors: BTreeMap<ErrorClass, u64>,
    /// The jobs that show exactly the same picture as an earlier job.
    #[serde(rename = "alike")]
    pub duplicates: DuplicatePictures,
}
