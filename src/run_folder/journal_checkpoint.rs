use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::files::{first_line, read_at, sync_folder};
use crate::job::ContentHash;
use crate::journal::{ReplayError, replay};

use super::error::FolderError;
use super::folder::RunFolder;

/// The maximum number of bytes of the journal that are compared with the checkpoint.
const LOOKED_AT: usize = 4096;

/// The end of a folder's journal after its last run. Journals are append-only, so a journal that does not continue from
/// there is an older copy, and may lack submits that were paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalCheckpoint {
    /// The length of the journal in bytes.
    length: u64,
    /// The hash of the last bytes before that.
    end: ContentHash,
}

impl JournalCheckpoint {
    /// Writes the checkpoint of the folder's journal, which must be durable. If this fails, the next run only lacks
    /// this check.
    pub fn put(folder: &RunFolder) {
        let checkpoint = || -> io::Result<()> {
            let journal = File::open(folder.journal())?;
            let length = journal.metadata()?.len();
            let end = end(&journal, length)?;
            crate::files::replace(&folder.journal_checkpoint(), format!("{length} {end}\n").as_bytes())
        };
        if let Err(error) = checkpoint() {
            tracing::debug!(%error, "the journal could not be marked");
        }
    }

    /// Durably removes the checkpoint, before another journal replaces the current one.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub(super) fn remove(folder: &RunFolder) -> io::Result<()> {
        match fs::remove_file(folder.journal_checkpoint()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.and_then(|()| sync_folder(folder.path())),
        }
    }

    /// Refuses a journal that does not continue from the folder's checkpoint. A missing journal is accepted.
    ///
    /// # Errors
    ///
    /// [`FolderError::StaleJournal`], or [`FolderError::Journal`] if a broken line is the reason, or the journal cannot
    /// be read.
    pub fn check(folder: &RunFolder) -> Result<(), FolderError> {
        let Some(checkpoint) = JournalCheckpoint::of(folder).filter(|_| folder.has_journal()) else { return Ok(()) };
        let continues = || -> io::Result<bool> {
            let journal = File::open(folder.journal())?;
            Ok(journal.metadata()?.len() >= checkpoint.length && end(&journal, checkpoint.length)? == checkpoint.end)
        };
        match continues().map_err(FolderError::io("read", folder.journal()))? {
            true => Ok(()),
            false => Err(broken_line(folder).unwrap_or_else(|| FolderError::StaleJournal {
                path: folder.path().to_owned(),
                checkpoint: folder.journal_checkpoint(),
            })),
        }
    }

    fn of(folder: &RunFolder) -> Option<JournalCheckpoint> {
        let text = fs::read_to_string(folder.journal_checkpoint()).ok()?;
        let (length, end) = text.trim_end().split_once(' ')?;
        Some(JournalCheckpoint { length: length.parse().ok()?, end: end.parse().ok()? })
    }
}

impl RunFolder {
    /// Refuses results without a journal, because every job would be new, and a journal that was replaced by an older
    /// copy.
    ///
    /// # Errors
    /// [`FolderError::JournalMissing`], [`FolderError::StaleJournal`], or the journal cannot be read.
    pub fn check_journal(&self) -> Result<(), FolderError> {
        match self.has_journal() {
            true => JournalCheckpoint::check(self),
            false if self.has_results() => Err(FolderError::JournalMissing { path: self.path().to_owned() }),
            false => Ok(()),
        }
    }
}

/// Returns the error of the journal's first broken line. An outdated copy has none.
fn broken_line(folder: &RunFolder) -> Option<FolderError> {
    let path = folder.journal();
    let cause = replay(File::open(&path).ok()?).err().or_else(|| foreign_line_end(&path))?;
    Some(FolderError::Journal { path, cause })
}

/// Returns the error of a journal whose line ends were changed by an editor. Such lines are valid, but the file is not
/// what the last run left.
fn foreign_line_end(path: &Path) -> Option<ReplayError> {
    let cause = "it ends with CR LF instead of LF: an editor has changed the whole file".to_owned();
    first_line(path).ok()?.ends_with(b"\r\n").then_some(ReplayError::Resaved { line: 1, cause })
}

/// Returns the hash of the last bytes of `journal` before `length`.
fn end(journal: &File, length: u64) -> io::Result<ContentHash> {
    let mut bytes = [0; LOOKED_AT];
    let from = length.saturating_sub(LOOKED_AT as u64);
    let wanted = usize::try_from(length - from).unwrap_or(LOOKED_AT);
    let mut read = 0;
    while read < wanted {
        match read_at(journal, &mut bytes[read..wanted], from + read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    Ok(ContentHash::of(&bytes[..read]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_checkpoint(journal: &[u8]) -> (tempfile::TempDir, RunFolder) {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(temporary.path());
        fs::write(folder.journal(), journal).unwrap();
        JournalCheckpoint::put(&folder);
        (temporary, folder)
    }

    fn is_refused(folder: &RunFolder, journal: &[u8]) -> bool {
        fs::write(folder.journal(), journal).unwrap();
        matches!(JournalCheckpoint::check(folder), Err(FolderError::StaleJournal { .. }))
    }

    #[test]
    fn only_a_journal_that_continues_from_its_checkpoint_is_accepted() {
        for length in [10, LOOKED_AT, 3 * LOOKED_AT + 1] {
            let long = vec![b'a'; length];
            let (_temporary, folder) = with_checkpoint(&long);
            assert!(!is_refused(&folder, &long), "{length}");
            assert!(!is_refused(&folder, &[&long[..], b"more"].concat()), "{length}");
            assert!(is_refused(&folder, &long[1..]), "{length}");
            let other = [&long[1..], b"b", b"more"].concat();
            assert!(is_refused(&folder, &other), "{length}");
        }
    }

    #[test]
    fn a_missing_or_damaged_checkpoint_is_ignored() {
        let (_temporary, folder) = with_checkpoint(b"long");
        fs::write(folder.journal_checkpoint(), "4").unwrap();
        assert!(!is_refused(&folder, b"l"));
        fs::write(folder.journal(), "long").unwrap();
        JournalCheckpoint::put(&folder);
        assert!(is_refused(&folder, b"l"));
        assert!(!is_refused(&folder, b""), "there is no journal");
        JournalCheckpoint::remove(&folder).unwrap();
        JournalCheckpoint::remove(&folder).unwrap();
        assert!(!is_refused(&folder, b"l"));
    }
}
