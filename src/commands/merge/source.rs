use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::commands::{Failure, MergeError};
use crate::job::JobId;
use crate::journal::{Ledger, MergedJournal, ReadAt, RunStart};
use crate::run_folder::{FolderError, JournalCheckpoint, JournalFile, Lock, RunFolder, plan_lines};

/// The folder of a run that is merged. It stays locked during the merge.
pub(super) struct Source {
    pub(super) folder: RunFolder,
    pub(super) ledger: Ledger,
    pub(super) journal: Arc<dyn ReadAt>,
    pub(super) run: RunStart,
    _lock: Lock,
}

impl Source {
    pub(super) fn open(dir: &Path) -> Result<Source, Failure> {
        let folder = RunFolder::existing(dir)?;
        let lock = Lock::take_to_read(&folder)?;
        if let Ok(command) = std::fs::read_to_string(folder.merging()) {
            return Err(FolderError::MergeInterrupted { path: dir.to_owned(), command }.into());
        }
        let (ledger, file) = JournalFile::view(&folder)?;
        let run = ledger.last_run().cloned().ok_or(FolderError::NoRun { path: dir.to_owned() })?;
        Ok(Source { folder, ledger, journal: file, run, _lock: lock })
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Refuses pictures that have the name of another job's picture in any of `ledgers`: the second picture of `mug` is
    /// `mug-2`, like the first one of `mug-2`. A run that knows both jobs picks other names.
    pub(super) fn check_names(&self, ledgers: &[&Ledger], merged: &MergedJournal<'_>) -> Result<(), Failure> {
        for found in self.ledger.edits() {
            let (job, edit) = found.map_err(FolderError::from)?;
            for file in edit.files().iter().chain(edit.originals()) {
                let other = JobId::new(file.stem()).ok().filter(|other| *other != job && merged.knows(other));
                let Some(other) = other else { continue };
                for ledger in ledgers {
                    let history = ledger.history(&other).map_err(FolderError::from)?;
                    let edits = history.iter().flat_map(|history| history.edits());
                    let mut files = edits.flat_map(|edit| edit.files().iter().chain(edit.originals()));
                    if files.any(|known| known.stem() == file.stem()) {
                        let (name, folder) = (file.name.clone(), self.path());
                        return Err(MergeError::SameName { name, job, other, folder }.into());
                    }
                }
            }
        }
        Ok(())
    }

    /// Refuses a journal that is an older copy, unless other journals, such as the output folder's, have more recent
    /// records of all its jobs. `journal_index` is the index of this journal.
    pub(super) fn check_is_current(&self, journal_index: usize, merged: &MergedJournal<'_>) -> Result<(), FolderError> {
        let Err(older) = JournalCheckpoint::check(&self.folder) else { return Ok(()) };
        for line in plan_lines(&self.folder)? {
            if merged.best_index(&line?.key()?.job).is_none_or(|best| best == journal_index) {
                return Err(older);
            }
        }
        Ok(())
    }
}
