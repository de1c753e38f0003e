use serde::{Deserialize, Serialize};

use crate::job::{Fingerprint, Job, StatusCounts};
use crate::journal::{EditKey, Ledger};

/// A job of the manifest with the fingerprint of what it sends: a line of the plan file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedJob {
    /// The fingerprint of its request.
    pub fingerprint: Fingerprint,
    /// The job.
    #[serde(flatten)]
    pub job: Job,
}

impl PlannedJob {
    /// Which edit the manifest asks for.
    pub fn key(&self) -> EditKey {
        EditKey { job: self.job.id.clone(), fingerprint: self.fingerprint }
    }
}

/// How the jobs of a manifest stand before anything is done.
pub fn count(jobs: &[PlannedJob], ledger: &Ledger) -> StatusCounts {
    let mut counts = StatusCounts::default();
    for job in jobs {
        counts.add(ledger.status(&job.key()));
    }
    counts
}
