use serde::{Deserialize, Serialize};

use crate::job::{Fingerprint, Job, StatusCounts};
use crate::journal::{EditKey, Ledger};

/// A job of the manifest with the fingerprint of its request: a line of the plan file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedJob {
    /// The fingerprint of its request.
    pub fingerprint: Fingerprint,
    /// The job.
    #[serde(flatten)]
    pub job: Job,
}

impl PlannedJob {
    /// Returns the key of the edit that the manifest asks for.
    pub fn key(&self) -> EditKey {
        EditKey { job: self.job.id.clone(), fingerprint: self.fingerprint }
    }
}

/// Returns the status counts of a manifest's jobs before a run.
pub fn count(jobs: &[PlannedJob], ledger: &Ledger) -> StatusCounts {
    let mut counts = StatusCounts::default();
    for job in jobs {
        counts.add(ledger.status(&job.key()));
    }
    counts
}
