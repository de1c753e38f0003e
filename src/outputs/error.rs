use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::files::DanglingLink;
use crate::job::ErrorClass;
use crate::photo::PictureError;

/// The reason why an output could not be fetched or stored.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The provider no longer has it.
    #[error("the output has expired ({0})")]
    Expired(String),
    /// The asset host refuses it.
    #[error("cannot download the output: {0}")]
    Unreachable(String),
    /// The asset host cannot be reached, or every download was interrupted.
    #[error("cannot download the output: {cause}")]
    Unavailable {
        /// How the last attempt failed.
        cause: String,
        /// How long the host asks to wait, at most a minute.
        retry_after: Option<Duration>,
    },
    /// The asset host is busy (429 or 503), and all downloads from it wait.
    #[error("cannot download the output: {cause}")]
    Busy {
        /// How the last attempt failed.
        cause: String,
        /// How long to wait for the next attempt, at most a minute.
        retry_after: Option<Duration>,
    },
    /// It is not a complete picture.
    #[error("the output is not a complete picture: {0}")]
    NotAPicture(PictureError),
    /// It exceeds a limit, or its URL is not allowed.
    #[error("the output is refused: {0}")]
    Refused(String),
    /// The local disk failed. The run stops, because no job is at fault.
    #[error("{}: {cause}", path.display())]
    Disk {
        /// The path of the file or folder.
        path: PathBuf,
        /// The operating system's error.
        cause: io::Error,
    },
}

impl OutputError {
    /// Returns the error class of a job that fails with this error; `None` for a local error.
    pub fn class(&self) -> Option<ErrorClass> {
        match self {
            OutputError::Expired(_) => Some(ErrorClass::Lost),
            OutputError::Unreachable(_)
            | OutputError::Unavailable { .. }
            | OutputError::Busy { .. }
            | OutputError::NotAPicture(_)
            | OutputError::Refused(_) => Some(ErrorClass::Download),
            OutputError::Disk { .. } => None,
        }
    }

    /// What a user can do if a disk is full or must not be written to.
    pub const FULL_DISK_HINT: &str =
        "free some space or fix the permissions, then run again: everything paid for is in the journal";

    /// Returns a hint for the user, if it has stopped a run.
    pub fn hint(&self) -> &'static str {
        match self {
            OutputError::Disk { cause, .. } if DanglingLink::caused(cause) => DanglingLink::HINT,
            OutputError::Disk { cause, .. } if cause.kind() == io::ErrorKind::NotFound => {
                "the folder was moved or removed while it was in use: bring it back before you run again. Without its journal, \
                 all jobs would be paid for again"
            }
            _ => OutputError::FULL_DISK_HINT,
        }
    }

    /// Returns the error message for an input picture.
    pub fn of_input(&self) -> String {
        match self {
            OutputError::Expired(cause) => format!("the picture is no longer at its URL ({cause})"),
            OutputError::Unreachable(cause)
            | OutputError::Unavailable { cause, .. }
            | OutputError::Busy { cause, .. } => {
                format!("cannot download it: {cause}")
            }
            OutputError::NotAPicture(cause) => format!("it is not a complete picture: {cause}"),
            OutputError::Refused(cause) => format!("it is refused: {cause}"),
            OutputError::Disk { .. } => self.to_string(),
        }
    }

    /// Returns whether the output is fetched again. That is free, and the output was paid for.
    pub fn refetch(&self) -> Refetch {
        match self {
            OutputError::Expired(_) | OutputError::NotAPicture(_) => Refetch::Times(5),
            OutputError::Unreachable(_) => Refetch::Times(1),
            OutputError::Unavailable { retry_after, .. } => Refetch::Later(retry_after.unwrap_or_default()),
            OutputError::Busy { retry_after, .. } => Refetch::FromSameUrl(retry_after.unwrap_or_default()),
            OutputError::Refused(_) | OutputError::Disk { .. } => Refetch::Times(0),
        }
    }
}

/// Whether an output that could not be fetched is fetched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refetch {
    /// From a fresh URL, at most this many times, because the result is likely to be the same.
    Times(u32),
    /// From a fresh URL, until the host works again. It asks to wait for at least this long.
    Later(Duration),
    /// From the same URL, until its host is less busy, and after this wait. A fresh URL would lead to the same host.
    FromSameUrl(Duration),
}

/// Returns a function that adds a path to an error of the operating system.
pub(super) fn disk(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> OutputError {
    let path = path.into();
    move |cause| OutputError::Disk { path, cause }
}
