use std::io;
use std::path::PathBuf;

use crate::files::DanglingLink;
use crate::journal::{LinesError, ReplayError};
use crate::words::shell_word;

/// The action of creating the folder.
pub(super) const MAKE: &str = "make the folder";

/// The action of keeping a journal that is replaced by a shorter one.
pub(super) const KEEP: &str = "keep the original journal as";

/// The reason why a run's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file or folder cannot be read or written.
    #[error("{action} {}: {cause}", path.display())]
    Io {
        /// The action, such as `write`.
        action: &'static str,
        /// The path of the file or folder.
        path: PathBuf,
        /// The operating system's error.
        cause: io::Error,
    },
    /// Another process has locked it.
    #[error("use {}: {holder} is using it", path.display())]
    Locked {
        /// The path of the folder.
        path: PathBuf,
        /// The process, if known.
        holder: String,
    },
    /// The journal is broken.
    #[error("read {}: {cause}", path.display())]
    Journal {
        /// The path of the journal.
        path: PathBuf,
        /// The error in it.
        cause: ReplayError,
    },
    /// The journal was replayed, but cannot be read again.
    #[error(transparent)]
    Lines(#[from] LinesError),
    /// A merge into it was interrupted.
    #[error("use {}: a merge into it was interrupted", path.display())]
    MergeInterrupted {
        /// The path of the folder.
        path: PathBuf,
        /// The command of the merge, if known.
        command: String,
    },
    /// There are results but no journal.
    #[error("use {}: it has results and no journal", path.display())]
    JournalMissing {
        /// The path of the folder.
        path: PathBuf,
    },
    /// The journal does not continue from where the last run left it.
    #[error("use {}: its journal is an outdated copy, or was edited since the last run", path.display())]
    StaleJournal {
        /// The path of the folder.
        path: PathBuf,
        /// The path of the file with the last run's checkpoint.
        checkpoint: PathBuf,
    },
    /// There is no run in the folder.
    #[error("find a run in {}", path.display())]
    NoRun {
        /// The path of the folder.
        path: PathBuf,
    },
    /// There is none any more, although a run was using it.
    #[error("use {}: it was moved or removed while it was in use", path.display())]
    Gone {
        /// The path of the folder.
        path: PathBuf,
    },
    /// The plan file is broken.
    #[error("read {}: line {line}: {cause}", path.display())]
    Plan {
        /// The path of the file.
        path: PathBuf,
        /// The line number, from 1.
        line: usize,
        /// The error in it.
        cause: serde_json::Error,
    },
}

impl FolderError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> FolderError {
        let path = path.into();
        move |cause| FolderError::Io { action, path, cause }
    }

    /// Returns a hint for the user.
    pub fn hint(&self) -> String {
        match self {
            FolderError::Io { cause, .. } if cause.kind() == io::ErrorKind::StorageFull => {
                "free some space and run again: everything recorded so far is safe".to_owned()
            }
            FolderError::Io { cause, .. } if cause.kind() == io::ErrorKind::NotADirectory => {
                "this is a file: name the folder of a run, such as runs/<manifest's stem>".to_owned()
            }
            FolderError::Io { cause, .. } if cause.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                "the disk is read-only: make it writable, then try again".to_owned()
            }
            FolderError::Io { cause, .. } if DanglingLink::caused(cause) => DanglingLink::HINT.to_owned(),
            FolderError::Io { action: MAKE, cause, .. } if cause.kind() == io::ErrorKind::AlreadyExists => {
                "a file has this name: choose another folder with --out".to_owned()
            }
            FolderError::Io { action: KEEP, cause, .. } if cause.kind() == io::ErrorKind::AlreadyExists => {
                "move that file away, then try again: it may be half of a copy, or another journal".to_owned()
            }
            FolderError::Io { action: MAKE, .. } => {
                "fix the permissions of the folder that it is in, or choose another folder with --out".to_owned()
            }
            FolderError::Io { .. } => "fix its permissions, then try again".to_owned(),
            FolderError::Locked { .. } => {
                "wait for it to end; using another folder would charge its jobs again".to_owned()
            }
            FolderError::Journal { cause: ReplayError::Newer { .. }, .. } => {
                "run it with the newer dyehouse that wrote it".to_owned()
            }
            FolderError::Journal { path, cause: ReplayError::Resaved { .. } } => format!(
                "nothing was changed. Save it without a byte order mark and with LF as line ends. On Linux, this does both: \
                 sed -i '1s/^\\xEF\\xBB\\xBF//; s/\\r$//' {}",
                shell_word(&path.display().to_string())
            ),
            FolderError::Journal { .. } => {
                "nothing was changed. Keep a copy, then fix or remove the line; a job whose \
                                            records are lost may be paid for again"
                    .to_owned()
            }
            FolderError::Lines(error) => error.hint().to_owned(),
            FolderError::MergeInterrupted { command, .. } => format!("run it again to continue: {command}"),
            FolderError::JournalMissing { .. } => {
                "restore journal.jsonl from a copy: without it, all jobs would be paid for again. To pay for all of them again, \
                 choose another folder with --out"
                    .to_owned()
            }
            FolderError::StaleJournal { checkpoint, .. } => format!(
                "restore the newer journal.jsonl: jobs that this one does not know would be paid for again. To use it anyway, \
                 remove {}",
                checkpoint.display()
            ),
            FolderError::NoRun { .. } => "name the folder of a run, such as runs/<manifest's stem>".to_owned(),
            FolderError::Gone { .. } => {
                "bring it back before you run again: without its journal, all jobs would be paid for again".to_owned()
            }
            FolderError::Plan { .. } => "run the manifest again: the file is rewritten each time".to_owned(),
        }
    }
}
