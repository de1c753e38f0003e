use std::panic::resume_unwind;
use std::thread::JoinHandle;

use crate::journal::Ledger;
use crate::run_folder::{FolderError, JournalFile, Lock, RunFolder};

/// The opening of a run's folder. An existing journal is read while the manifest is read. A new folder is created only
/// after the manifest was found valid.
pub(super) enum FolderOpening {
    Reading(JoinHandle<Result<(Lock, JournalFile), FolderError>>),
    Read(Box<(Lock, JournalFile)>),
    Refused(FolderError),
    Waiting(RunFolder),
}

impl FolderOpening {
    pub(super) fn begin(folder: &RunFolder) -> FolderOpening {
        if !folder.journal().exists() {
            return FolderOpening::Waiting(folder.clone());
        }
        let folder = folder.clone();
        let held = Lock::take(&folder).and_then(|lock| folder.remove_drafts().map(|()| lock));
        match held {
            // The thread owns the lock, so the journal is never used without it, even if the result is dropped.
            Ok(lock) => FolderOpening::Reading(std::thread::spawn(move || Ok((lock, JournalFile::open(&folder)?)))),
            Err(error) => FolderOpening::Refused(error),
        }
    }

    /// Whether the folder is locked, so that no other process writes to it.
    pub(super) fn is_held(&self) -> bool {
        matches!(self, FolderOpening::Reading(_) | FolderOpening::Read(_))
    }

    /// Waits until the journal is read, if the manifest depends on it.
    pub(super) fn read(self) -> Result<FolderOpening, FolderError> {
        match self {
            FolderOpening::Reading(_) | FolderOpening::Refused(_) => Ok(FolderOpening::Read(Box::new(self.finish()?))),
            FolderOpening::Read(_) | FolderOpening::Waiting(_) => Ok(self),
        }
    }

    /// Returns the ledger, if the journal was read.
    pub(super) fn ledger(&self) -> Option<&Ledger> {
        match self {
            FolderOpening::Read(read) => Some(&read.1.ledger),
            FolderOpening::Reading(_) | FolderOpening::Refused(_) | FolderOpening::Waiting(_) => None,
        }
    }

    pub(super) fn finish(self) -> Result<(Lock, JournalFile), FolderError> {
        match self {
            FolderOpening::Reading(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            FolderOpening::Read(read) => Ok(*read),
            FolderOpening::Refused(error) => Err(error),
            FolderOpening::Waiting(folder) => Ok((Lock::take(&folder)?, JournalFile::open(&folder)?)),
        }
    }
}
