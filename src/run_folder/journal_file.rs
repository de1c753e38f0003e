use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use jiff::Timestamp;
use tempfile::NamedTempFile;

use crate::files::{draft_in, sync_folder};
use crate::journal::{FileDisk, Ledger, ReadAt, Record, ReplayError, Replayed, replay};

use super::error::FolderError;
use super::folder::RunFolder;
use super::journal_checkpoint::JournalCheckpoint;
use super::snapshot_file::{replay_and_keep, replay_from_snapshot};

/// The journal of a run, replayed and ready to be appended to.
#[derive(Debug)]
pub struct JournalFile {
    /// The ledger of its records.
    pub ledger: Ledger,
    /// The length in bytes of the torn last line, which was truncated.
    pub torn: u64,
    file: Arc<File>,
}

impl JournalFile {
    /// Opens the journal of a locked folder, and creates it if it does not exist. A last line that a crash has torn is
    /// truncated. A journal that is broken elsewhere is not changed.
    pub fn open(folder: &RunFolder) -> Result<JournalFile, FolderError> {
        JournalFile::prepared(folder, replay_and_keep)
    }

    /// Opens the journal without its snapshot, for callers that rewrite it and therefore rely on its lines alone.
    pub fn open_whole(folder: &RunFolder) -> Result<JournalFile, FolderError> {
        JournalFile::prepared(folder, |_, journal| replay(Arc::clone(journal)))
    }

    fn prepared(
        folder: &RunFolder,
        replay: impl FnOnce(&RunFolder, &Arc<dyn ReadAt>) -> Result<Replayed, ReplayError>,
    ) -> Result<JournalFile, FolderError> {
        if let Ok(command) = std::fs::read_to_string(folder.merging()) {
            return Err(FolderError::MergeInterrupted { path: folder.path().to_owned(), command });
        }
        folder.check_journal()?;
        let path = folder.journal();
        if !folder.has_journal() {
            // The checkpoint belongs to a journal that was removed together with all results.
            JournalCheckpoint::remove(folder).map_err(FolderError::io("write into", folder.path()))?;
        }
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path);
        let file = Arc::new(file.map_err(FolderError::io("open", &path))?);
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            // Removing hidden files removes the folder's lock, but must not allow two writers.
            let holder = "another process, whose lock file was removed,".to_owned();
            return Err(FolderError::Locked { path: folder.path().to_owned(), holder });
        }
        let journal: Arc<dyn ReadAt> = Arc::clone(&file) as _;
        let replayed = replay(folder, &journal);
        let replayed = replayed.map_err(|cause| FolderError::Journal { path: path.clone(), cause })?;
        let prepared = if replayed.torn > 0 { file.set_len(replayed.length) } else { Ok(()) };
        prepared.and_then(|()| file.sync_all()).map_err(FolderError::io("write", &path))?;
        // The directory entry of a new journal must be as durable as its content.
        sync_folder(folder.path()).map_err(FolderError::io("sync the folder", folder.path()))?;
        Ok(JournalFile { ledger: replayed.ledger, torn: replayed.torn, file })
    }

    /// Reads the journal of a folder that another process may be writing to. Nothing is changed.
    pub fn read(folder: &RunFolder) -> Result<Ledger, FolderError> {
        Ok(JournalFile::view(folder)?.0)
    }

    /// Reads the journal like [`JournalFile::read`], and also returns the open file, for callers that need its lines.
    pub fn view(folder: &RunFolder) -> Result<(Ledger, Arc<File>), FolderError> {
        let path = folder.journal();
        let file = File::open(&path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => FolderError::NoRun { path: folder.path().to_owned() },
            _ => FolderError::io("open", &path)(cause),
        })?;
        let file = Arc::new(file);
        let journal: Arc<dyn ReadAt> = Arc::clone(&file) as _;
        let replayed = replay_from_snapshot(folder, &journal);
        Ok((replayed.map_err(|cause| FolderError::Journal { path, cause })?.ledger, file))
    }

    /// Returns the ledger and the disk for the writer.
    pub fn into_disk(self) -> (Ledger, FileDisk) {
        (self.ledger, FileDisk::new(self.file))
    }

    /// Returns the ledger and the file.
    pub(super) fn into_parts(self) -> (Ledger, Arc<File>) {
        (self.ledger, self.file)
    }
}

/// A new journal for a locked folder. It atomically and durably replaces the existing one when it is published.
#[derive(Debug)]
pub struct JournalDraft {
    writer: BufWriter<NamedTempFile>,
}

impl JournalDraft {
    /// Starts a journal for `folder` with the output of `write`.
    pub fn begin(
        folder: &RunFolder,
        write: impl FnOnce(&mut BufWriter<NamedTempFile>) -> io::Result<()>,
    ) -> Result<JournalDraft, FolderError> {
        let file = draft_in(folder.path()).map_err(FolderError::io("write into", folder.path()))?;
        let mut writer = BufWriter::with_capacity(1 << 17, file);
        write(&mut writer).and_then(|()| writer.flush()).map_err(FolderError::io("write", folder.journal()))?;
        Ok(JournalDraft { writer })
    }

    /// Replays the lines that were written so far.
    pub fn ledger(&self) -> Result<Ledger, FolderError> {
        let path = self.writer.get_ref().path().to_owned();
        let file = File::open(&path).map_err(FolderError::io("open", &path))?;
        Ok(replay(file).map_err(|cause| FolderError::Journal { path, cause })?.ledger)
    }

    /// Appends `records`, and makes the draft the journal of `folder`.
    pub fn publish(mut self, folder: &RunFolder, records: &[Record], at: Timestamp) -> Result<(), FolderError> {
        let publish = || -> io::Result<()> {
            records.iter().try_for_each(|record| self.writer.write_all(&record.to_line(at)?))?;
            let file = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            JournalCheckpoint::remove(folder)?;
            file.persist(folder.journal())?;
            sync_folder(folder.path())
        };
        publish().map_err(FolderError::io("write", folder.journal()))
    }
}
