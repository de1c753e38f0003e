use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record::LogError;

/// The reason why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder cannot be read or written.
    #[error("{action} {}: {cause}", path.display())]
    File {
        /// The verb of the failed operation.
        action: &'static str,
        /// The path of the file or folder.
        path: PathBuf,
        /// The operating system's error. It is shared because every waiting writer gets it.
        cause: Arc<io::Error>,
    },
    /// A record of the log is invalid.
    #[error("read {} line {line}: {cause}", path.display())]
    LogRecord {
        /// The path of the log.
        path: PathBuf,
        /// The line number, from 1.
        line: u64,
        /// The error of the record.
        cause: LogError,
    },
    /// A record contradicts those before it, which is a bug in this program.
    #[error("record what became of a prediction: {0}")]
    Conflict(LogError),
    /// The store was closed.
    #[error("write to a store that is closed")]
    Closed,
}

impl StoreError {
    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        move |cause| StoreError::File { action, path: path.to_owned(), cause: Arc::new(cause) }
    }

    /// Returns a hint for the user.
    pub fn hint(&self) -> Option<String> {
        match self {
            StoreError::File { cause, .. } => match cause.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Some("give a folder that this user may write to with --data".to_owned())
                }
                io::ErrorKind::StorageFull => Some("free some space on that disk, then start again".to_owned()),
                io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                    Some("the data folder is a file: give another with --data".to_owned())
                }
                _ => None,
            },
            StoreError::LogRecord { .. } => {
                Some("nothing was changed: fix or move the file, or give another folder with --data".to_owned())
            }
            StoreError::Conflict(_) | StoreError::Closed => None,
        }
    }
}
