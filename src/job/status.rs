use serde::{Deserialize, Serialize};

use super::words;

/// The status of a job, with the names that files, reports and scripts use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Its pictures are verified and in `results/`.
    Completed,
    /// It ended without a picture, for a known reason.
    Failed,
    /// It is unknown whether its submit was accepted, and thus whether it was paid for.
    Uncertain,
    /// It was not submitted yet, or is in progress.
    Pending,
}

/// The class of the error of a failed job, with the names that files, reports and scripts use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The provider's content moderation refused it.
    Moderated,
    /// The provider refused the request.
    Rejected,
    /// The provider no longer knows the prediction, or its output has expired.
    Lost,
    /// It did not end within the time limit of a job.
    Timeout,
    /// Its output could not be downloaded, or was not a complete picture.
    Download,
    /// The provider failed, or its answer violates its contract.
    Provider,
    /// An input picture could not be read on this machine.
    Input,
}

words!(
    JobStatus,
    "completed" => JobStatus::Completed,
    "failed" => JobStatus::Failed,
    "uncertain" => JobStatus::Uncertain,
    "pending" => JobStatus::Pending
);

words!(
    ErrorClass,
    "moderated" => ErrorClass::Moderated,
    "rejected" => ErrorClass::Rejected,
    "lost" => ErrorClass::Lost,
    "timeout" => ErrorClass::Timeout,
    "download" => ErrorClass::Download,
    "provider" => ErrorClass::Provider,
    "input" => ErrorClass::Input
);

impl JobStatus {
    /// All statuses, in the order of summaries.
    pub const ALL: [JobStatus; 4] = [JobStatus::Completed, JobStatus::Failed, JobStatus::Uncertain, JobStatus::Pending];
}

impl ErrorClass {
    /// All classes.
    pub const ALL: [ErrorClass; 7] = [
        ErrorClass::Moderated,
        ErrorClass::Rejected,
        ErrorClass::Lost,
        ErrorClass::Timeout,
        ErrorClass::Download,
        ErrorClass::Provider,
        ErrorClass::Input,
    ];

    /// Whether the failure is on this side, so that the prediction can be polled again at no cost.
    pub fn is_ours(self) -> bool {
        matches!(self, ErrorClass::Download | ErrorClass::Timeout)
    }

    /// Returns a hint for the user about jobs that failed with this error. It fits after their number, and next to a
    /// single job.
    pub fn hint(self) -> &'static str {
        match self {
            ErrorClass::Moderated => "reword the prompt or change the picture; the same request would be refused again",
            ErrorClass::Rejected => "fix the row as the provider's message says, then run again",
            ErrorClass::Lost => "may have been charged; each run polls again, and --retry-failed pays again",
            ErrorClass::Timeout => "each run polls once more, at no cost; a higher `job_timeout` waits longer",
            ErrorClass::Download => "the next run downloads the pictures again, at no cost",
            ErrorClass::Provider => {
                "read the error: fix the row if it is wrong; otherwise --retry-failed polls once more, and pays again if that fails"
            }
            ErrorClass::Input => "nothing was sent: check that the picture exists and does not change, then run again",
        }
    }
}
