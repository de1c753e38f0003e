use std::collections::BTreeMap;

use serde::Serialize;

use super::duplicate_pictures::DuplicatePictures;
use crate::color::VerdictCounts;
use crate::job::{ErrorClass, HeldBack, StatusCounts};

/// The totals of a batch, for `summary.json` and the summary of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct BatchTotals {
    /// The requested jobs, by status.
    pub jobs: StatusCounts,
    /// The number of predictions that are open at the provider, or were when the run ended. They are paid for.
    pub open: u64,
    /// The number of jobs with pictures in `results/` that are no longer in the manifest. They do not count in `jobs`.
    pub removed: u64,
    /// The number of jobs that were edited, but have no new picture yet, and still show an earlier one in `results/`.
    pub outdated: u64,
    /// The jobs that were not submitted because pictures exist in `results/` that the journal does not know.
    pub held_back: HeldBack,
    /// The checked results, by the verdict on their color.
    pub colors: VerdictCounts,
    /// The number of jobs whose pictures the user has changed since they were saved.
    pub retouched: u64,
    /// The failed jobs, by error class. Classes without jobs are left out.
    pub errors: BTreeMap<ErrorClass, u64>,
    /// The jobs that show exactly the same picture as an earlier job.
    #[serde(rename = "alike")]
    pub duplicates: DuplicatePictures,
}

impl BatchTotals {
    /// Returns whether a job failed, is uncertain or held back, or has another color.
    pub(crate) fn needs_attention(&self) -> bool {
        self.jobs.failed + self.jobs.uncertain + self.colors.off > 0 || !self.held_back.is_empty()
    }
}
