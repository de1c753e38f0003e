use std::panic::resume_unwind;
use std::sync::{Mutex, OnceLock};
use std::thread::JoinHandle;

use crate::journal::Ledger;
use crate::run_folder::{FolderError, JournalFile, Lock, RunFolder};
use crate::sync::locked;

/// The opening of a run's folder. An existing journal is read while the manifest is read. A new folder is created only
/// after the manifest was found valid.
pub(super) enum FolderOpening {
    Reading(Box<JournalReading>),
    Refused(FolderError),
    Waiting(RunFolder),
}

/// A journal that is being read by a thread.
pub(super) struct JournalReading {
    /// `None` once its result is awaited.
    thread: Mutex<Option<JoinHandle<Opened>>>,
    read: OnceLock<Opened>,
}

type Opened = Result<(Lock, JournalFile), FolderError>;

impl FolderOpening {
    pub(super) fn begin(folder: &RunFolder) -> FolderOpening {
        if !folder.journal().exists() {
            return FolderOpening::Waiting(folder.clone());
        }
        let folder = folder.clone();
        let held = Lock::take(&folder).and_then(|lock| folder.remove_drafts().map(|()| lock));
        match held {
            // The thread owns the lock, so the journal is never used without it, even if the result is dropped.
            Ok(lock) => {
                FolderOpening::Reading(Box::new(JournalReading::begin(move || Ok((lock, JournalFile::open(&folder)?)))))
            }
            Err(error) => FolderOpening::Refused(error),
        }
    }

    /// Whether the folder is locked, so that no other process writes to it.
    pub(super) fn is_held(&self) -> bool {
        matches!(self, FolderOpening::Reading(_))
    }

    /// Waits until an existing journal is read, if the manifest depends on it.
    pub(super) fn read(self) -> Result<FolderOpening, FolderError> {
        match self {
            FolderOpening::Reading(reading) => {
                let opened = reading.finish()?;
                Ok(FolderOpening::Reading(Box::new(JournalReading::ended(opened))))
            }
            FolderOpening::Refused(error) => Err(error),
            FolderOpening::Waiting(_) => Ok(self),
        }
    }

    /// Returns the ledger of an existing journal, once it is read. Errors are returned by [`FolderOpening::finish`].
    pub(super) fn ledger(&self) -> Option<&Ledger> {
        match self {
            FolderOpening::Reading(reading) => reading.wait().as_ref().ok().map(|(_, journal)| &journal.ledger),
            FolderOpening::Refused(_) | FolderOpening::Waiting(_) => None,
        }
    }

    pub(super) fn finish(self) -> Opened {
        match self {
            FolderOpening::Reading(reading) => reading.finish(),
            FolderOpening::Refused(error) => Err(error),
            FolderOpening::Waiting(folder) => Ok((Lock::take(&folder)?, JournalFile::open(&folder)?)),
        }
    }
}

impl JournalReading {
    fn begin(open: impl FnOnce() -> Opened + Send + 'static) -> JournalReading {
        JournalReading { thread: Mutex::new(Some(std::thread::spawn(open))), read: OnceLock::new() }
    }

    fn ended(opened: (Lock, JournalFile)) -> JournalReading {
        JournalReading { thread: Mutex::new(None), read: OnceLock::from(Ok(opened)) }
    }

    fn wait(&self) -> &Opened {
        self.read.get_or_init(|| {
            let thread = locked(&self.thread).take();
            let thread = thread.unwrap_or_else(|| unreachable!("it is joined once"));
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    fn finish(self) -> Opened {
        self.wait();
        self.read.into_inner().unwrap_or_else(|| unreachable!("it was waited for"))
    }
}
