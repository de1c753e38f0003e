use std::panic::resume_unwind;
use std::thread::JoinHandle;

use crate::run_folder::{FolderError, JournalFile, Lock, RunFolder};

/// A run's folder on its way to being held, and its journal to being read. Where there is a journal, that goes on while the
/// manifest is read; no folder is made before that is known to be right.
pub(super) enum Opening {
    Begun(JoinHandle<Result<(Lock, JournalFile), FolderError>>),
    Waiting(RunFolder),
}

impl Opening {
    pub(super) fn begin(folder: &RunFolder) -> Opening {
        let folder = folder.clone();
        if !folder.journal().exists() {
            return Opening::Waiting(folder);
        }
        // The lock goes with the thread: a journal is not touched without it, even if nobody waits for this any more.
        Opening::Begun(std::thread::spawn(move || open(&folder)))
    }

    pub(super) fn finish(self) -> Result<(Lock, JournalFile), FolderError> {
        match self {
            Opening::Begun(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Opening::Waiting(folder) => open(&folder),
        }
    }
}

fn open(folder: &RunFolder) -> Result<(Lock, JournalFile), FolderError> {
    let lock = Lock::take(folder)?;
    Ok((lock, JournalFile::open(folder)?))
}
