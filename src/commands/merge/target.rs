use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::commands::{Failure, MergeError};
use crate::journal::{Ledger, ReadAt, RunStart};
use crate::run_folder::{FolderError, JournalCheckpoint, JournalFile, Lock, RunFolder};

use super::source::Source;

/// The output folder, which may not exist yet.
pub(super) struct Target {
    pub(super) folder: RunFolder,
    /// The ledger of an earlier merge or run, if any.
    pub(super) ledger: Option<Ledger>,
    pub(super) journal: Arc<dyn ReadAt>,
    /// `None` until the folder exists: it is created once all checks have passed.
    pub(super) lock: Option<Lock>,
}

impl Target {
    pub(super) fn open(out: &Path) -> Result<Target, Failure> {
        let folder = RunFolder::new(out);
        let lock = if folder.path().exists() { Some(Lock::take(&folder)?) } else { None };
        if lock.is_some() {
            JournalCheckpoint::check(&folder)?;
            folder.remove_drafts()?;
        }
        let (ledger, journal) = match JournalFile::view(&folder) {
            Ok((ledger, file)) => (Some(ledger), file as Arc<dyn ReadAt>),
            Err(FolderError::NoRun { .. }) => (None, Arc::new(Vec::new()) as Arc<dyn ReadAt>),
            Err(error) => return Err(error.into()),
        };
        Ok(Target { folder, ledger, journal, lock })
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(super) fn last_run(&self) -> Option<&RunStart> {
        self.ledger.as_ref().and_then(Ledger::last_run)
    }

    /// Refuses the folder of a share.
    pub(super) fn check_is_whole(&self) -> Result<(), MergeError> {
        match self.last_run().and_then(|run| run.partition) {
            Some(share) => Err(MergeError::IntoShare { share, out: self.path() }),
            None => Ok(()),
        }
    }

    /// Refuses a folder whose pictures are from another backend than those of `sources`.
    pub(super) fn check_backend(&self, sources: &[Source]) -> Result<(), MergeError> {
        match (self.last_run(), sources.first()) {
            (Some(ours), Some(source)) if ours.backend != source.run.backend => {
                Err(MergeError::Backends { one: self.path(), other: source.path() })
            }
            _ => Ok(()),
        }
    }

    /// Creates the folder if it does not exist, and locks it. Refuses a folder in which a run has begun since it did not
    /// exist: its journal would be replaced, with the predictions that it has paid for.
    pub(super) fn take_lock(&mut self) -> Result<(), Failure> {
        if self.lock.is_none() {
            self.lock = Some(Lock::take(&self.folder)?);
            if self.folder.journal().exists() {
                return Err(MergeError::Appeared { out: self.path() }.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_began_in_the_new_folder_meanwhile_keeps_its_journal() {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("all");
        let mut target = Target::open(&out).unwrap();
        let run = RunFolder::new(&out);
        let lock = Lock::take(&run).unwrap();
        JournalFile::open(&run).unwrap();
        drop(lock);
        let refused = target.take_lock().unwrap_err();
        assert!(matches!(refused, Failure::Merge(MergeError::Appeared { .. })), "{refused}");

        let another = parent.path().join("other");
        let mut target = Target::open(&another).unwrap();
        std::fs::create_dir(&another).unwrap();
        target.take_lock().unwrap();
    }
}
