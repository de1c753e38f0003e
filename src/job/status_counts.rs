use serde::{Deserialize, Serialize};

use super::JobStatus;

/// How many jobs have each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCounts {
    /// All of them.
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

impl StatusCounts {
    /// How many have the status.
    pub fn of(&self, status: JobStatus) -> u64 {
        match status {
            JobStatus::Completed => self.completed,
            JobStatus::Failed => self.failed,
            JobStatus::Uncertain => self.uncertain,
            JobStatus::Pending => self.pending,
        }
    }

    /// Counts one more job in.
    pub fn add(&mut self, status: JobStatus) {
        self.total += 1;
        *self.of_mut(status) += 1;
    }

    /// Counts a job whose status has changed.
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
