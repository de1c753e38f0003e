use serde::{Deserialize, Serialize};

use super::JobStatus;

/// The number of jobs per status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCounts {
    /// All jobs.
    pub total: u64,
    /// Jobs whose pictures are in `results/`.
    pub completed: u64,
    /// Failed jobs.
    pub failed: u64,
    /// Jobs whose submit may have been accepted.
    pub uncertain: u64,
    /// All other jobs.
    pub pending: u64,
}

impl StatusCounts {
    /// Returns the number of jobs with the status.
    pub fn of(&self, status: JobStatus) -> u64 {
        match status {
            JobStatus::Completed => self.completed,
            JobStatus::Failed => self.failed,
            JobStatus::Uncertain => self.uncertain,
            JobStatus::Pending => self.pending,
        }
    }

    /// Adds a job.
    pub fn add(&mut self, status: JobStatus) {
        self.total += 1;
        *self.of_mut(status) += 1;
    }

    /// Updates the counts for a job whose status has changed.
    pub fn change(&mut self, from: JobStatus, to: JobStatus) {
        let old = self.of_mut(from);
        *old = old.saturating_sub(1);
        *self.of_mut(to) += 1;
    }

    fn of_mut(&mut self, status: JobStatus) -> &mut u64 {
        match status {
            JobStatus::Completed => &mut self.completed,
            JobStatus::Failed => &mut self.failed,
            JobStatus::Uncertain => &mut self.uncertain,
            JobStatus::Pending => &mut self.pending,
        }
    }
}
