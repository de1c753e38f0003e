use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::files::{is_same_file, replace_with, sync_folder};
use crate::job::ContentHash;
use crate::journal::{Compacted, Ledger, ReadAt, compact};

use super::error::{FolderError, KEEP};
use super::folder::RunFolder;
use super::journal_file::{JournalDraft, JournalFile};

/// The result of compacting a journal.
#[derive(Debug)]
pub struct Compaction {
    /// The number of its records before and after.
    pub records: Compacted,
    /// Its length in bytes before and after.
    pub bytes: [u64; 2],
    /// The path of the original journal, which is kept.
    pub kept: PathBuf,
}

impl Compaction {
    /// Replaces a folder's journal by a shorter one with the same content, and keeps the original under another name.
    /// The folder must be locked. Returns `None` if the journal would not become shorter.
    ///
    /// At any time, the folder's journal is complete, either the original or the compacted one: the compacted one is
    /// written and synced next to the original, read again, compared with it, and atomically renamed.
    ///
    /// # Errors
    ///
    /// The journal cannot be read, or the folder cannot be written. The original journal is then still in place.
    pub fn run(folder: &RunFolder) -> Result<Option<Compaction>, FolderError> {
        let path = folder.journal();
        if !path.exists() {
            return Err(FolderError::NoRun { path: folder.path().to_owned() });
        }
        folder.remove_drafts()?;
        let (ledger, file) = JournalFile::open_whole(folder)?.into_parts();
        let length = || path.metadata().map(|found| found.len()).map_err(FolderError::io("read", &path));
        let before = length()?;
        let journal: Arc<dyn ReadAt> = file;
        let mut records = Compacted { before: 0, after: 0 };
        let draft = JournalDraft::begin(folder, |writer| {
            records = compact(&journal, &ledger, writer)?;
            Ok(())
        })?;
        if records.after >= records.before {
            return Ok(None);
        }
        if !draft.ledger()?.agrees_with(&ledger) {
            let cause = io::Error::other("the short journal does not match the original");
            return Err(FolderError::io("compact", path)(cause));
        }
        let kept = keep(folder, &ledger)?;
        draft.publish(folder, &[], Timestamp::UNIX_EPOCH)?;
        Ok(Some(Compaction { records, bytes: [before, length()?], kept }))
    }
}

/// Keeps the journal under a second name. It contains the time of the last record, so that a retry after a crash uses
/// the same name.
fn keep(folder: &RunFolder, ledger: &Ledger) -> Result<PathBuf, FolderError> {
    let kept = folder.kept_journal(ledger.last_at().unwrap_or(Timestamp::UNIX_EPOCH));
    let journal = folder.journal();
    let keep = || -> io::Result<()> {
        match std::fs::hard_link(&journal, &kept) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !is_same_file(&journal, &kept) && hash(&journal)? != hash(&kept)? {
                    return Err(io::Error::new(error.kind(), "another file has this name"));
                }
            }
            // Some file systems do not support hard links.
            Err(_) => replace_with(&kept, |copy| io::copy(&mut File::open(&journal)?, copy).map(drop))?,
        }
        sync_folder(folder.path())
    };
    keep().map_err(FolderError::io(KEEP, &kept))?;
    Ok(kept)
}

fn hash(path: &Path) -> io::Result<(ContentHash, u64)> {
    ContentHash::of_all(File::open(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::PredictionId;
    use crate::job::{Cents, JobId};
    use crate::journal::{EditKey, Record, Step};
    use crate::run_folder::Lock;

    fn lines() -> Vec<u8> {
        let key = EditKey { job: JobId::new("a").unwrap(), fingerprint: "00".repeat(16).parse().unwrap() };
        let prediction = PredictionId::new("p-1").unwrap();
        let steps = [
            Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: None },
            Step::Accepted { prediction, cost_cents: Cents(9), status_path: None },
            Step::Generated { outputs: 1 },
            Step::Fetched { files: Vec::new() },
            Step::Completed,
        ];
        let records = steps.map(|step| Record::Edit(key.clone(), step).to_line(Timestamp::UNIX_EPOCH).unwrap());
        records.concat()
    }

    fn folder() -> (tempfile::TempDir, RunFolder, Lock) {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(temporary.path());
        let lock = Lock::take(&folder).unwrap();
        std::fs::write(folder.journal(), lines()).unwrap();
        (temporary, folder, lock)
    }

    #[test]
    fn a_compacted_journal_replaces_the_original_which_is_kept() {
        let (_temporary, folder, _lock) = folder();
        let before = JournalFile::read(&folder).unwrap();
        let compaction = Compaction::run(&folder).unwrap().unwrap();
        assert_eq!(compaction.records, Compacted { before: 5, after: 2 });
        assert!(JournalFile::read(&folder).unwrap().agrees_with(&before));
        assert_eq!(std::fs::read(compaction.kept).unwrap(), lines());
        assert!(Compaction::run(&folder).unwrap().is_none(), "there is nothing more to gain");
    }

    #[test]
    fn a_compaction_resumes_after_a_crash_at_any_step() {
        let (_temporary, folder, _lock) = folder();
        let before = JournalFile::read(&folder).unwrap();
        // A crash while the draft was written.
        let draft = folder.path().join(".dyehouse-draft-x");
        std::fs::write(&draft, &lines()[..50]).unwrap();
        assert!(JournalFile::read(&folder).unwrap().agrees_with(&before));
        // A crash after the original journal was linked to its second name.
        let kept = keep(&folder, &before).unwrap();
        assert!(JournalFile::read(&folder).unwrap().agrees_with(&before));
        let compaction = Compaction::run(&folder).unwrap().unwrap();
        assert_eq!((compaction.kept, draft.exists()), (kept.clone(), false));
        assert_eq!(std::fs::read(kept).unwrap(), lines());
        assert!(JournalFile::read(&folder).unwrap().agrees_with(&before));
    }

    #[test]
    fn a_journal_is_not_replaced_if_another_file_has_the_name_under_which_it_would_be_kept() {
        let (_temporary, folder, _lock) = folder();
        let last = JournalFile::read(&folder).unwrap().last_at().unwrap();
        std::fs::write(folder.kept_journal(last), &lines()[..50]).unwrap();
        let error = Compaction::run(&folder).unwrap_err();
        assert!(error.to_string().contains("another file has this name"), "{error}");
        assert!(error.hint().starts_with("move that file away"), "{}", error.hint());
        assert_eq!(std::fs::read(folder.journal()).unwrap(), lines());
        // A copy, on a file system without links.
        std::fs::write(folder.kept_journal(last), lines()).unwrap();
        assert!(Compaction::run(&folder).unwrap().is_some());
    }
}
