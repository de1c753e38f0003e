use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The status of a job, with the four words that files, reports and scripts use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Its pictures are verified and in `results/`.
    Completed,
    /// It ended without a picture, for a reason that is known.
    Failed,
    /// It is unknown whether its submit was accepted, and so whether it was paid for.
    Uncertain,
    /// Not submitted yet, or in progress at the provider.
    Pending,
}

/// The reason why a job failed, with the words that files, reports and scripts use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The provider's content check refused it.
    Moderated,
    /// The provider refused the request.
    Rejected,
    /// The provider no longer knows the prediction, or its output has expired.
    Lost,
    /// It did not end within the job's time limit.
    Timeout,
    /// Its output could not be fetched, or was not a complete picture.
    Download,
    /// The provider failed, or answered what its contract rules out.
    Provider,
    /// A picture to edit could not be read on this machine.
    Input,
}

impl JobStatus {
    /// All statuses, in the order of summaries.
    pub const ALL: [JobStatus; 4] = [JobStatus::Completed, JobStatus::Failed, JobStatus::Uncertain, JobStatus::Pending];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            JobStatus::Completed => "completed",
            JobStatus::Failed => "failed",
            JobStatus::Uncertain => "uncertain",
            JobStatus::Pending => "pending",
        }
    }
}

impl ErrorClass {
    /// All of them.
    pub const ALL: [ErrorClass; 7] = [
        ErrorClass::Moderated,
        ErrorClass::Rejected,
        ErrorClass::Lost,
        ErrorClass::Timeout,
        ErrorClass::Download,
        ErrorClass::Provider,
        ErrorClass::Input,
    ];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorClass::Moderated => "moderated",
            ErrorClass::Rejected => "rejected",
            ErrorClass::Lost => "lost",
            ErrorClass::Timeout => "timeout",
            ErrorClass::Download => "download",
            ErrorClass::Provider => "provider",
            ErrorClass::Input => "input",
        }
    }

    /// Whether the failure is on this side, so that the prediction can be polled again at no cost.
    pub fn is_ours(self) -> bool {
        matches!(self, ErrorClass::Download | ErrorClass::Timeout)
    }

    /// Returns what the user can do about a job that failed so.
    pub fn hint(self) -> &'static str {
        match self {
            ErrorClass::Moderated => "reword the prompt or change the picture; the same request would be refused again",
            ErrorClass::Rejected => "fix the row as the provider's message says, then run again",
            ErrorClass::Lost => {
                "it may have been charged; each run polls it again, and --retry-failed pays for it again"
            }
            ErrorClass::Timeout => "run again: it is polled again, at no cost; or raise `job_timeout`",
            ErrorClass::Download => "run again: it is downloaded again, at no cost",
            ErrorClass::Provider => {
                "read the error: fix the row if it is wrong, otherwise run again with --retry-failed"
            }
            ErrorClass::Input => "nothing was sent: check that the picture exists and does not change, then run again",
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for ErrorClass {
    type Err = ();

    fn from_str(text: &str) -> Result<ErrorClass, ()> {
        ErrorClass::ALL.into_iter().find(|class| class.as_str() == text).ok_or(())
    }
}
