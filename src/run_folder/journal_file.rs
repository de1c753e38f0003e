use std::fs::{File, OpenOptions};
use std::io;
use std::sync::Arc;

use crate::files::sync_folder;
use crate::journal::{FileDisk, Ledger, replay};

use super::{FolderError, RunFolder};

/// The journal of a run, replayed and ready to be appended to.
#[derive(Debug)]
pub struct JournalFile {
    /// What it says.
    pub ledger: Ledger,
    /// How many bytes of a torn last line were cut.
    pub torn: u64,
    file: Arc<File>,
}

impl JournalFile {
    /// Opens the journal of a folder whose lock is held, making it where it is missing. A line that a crash has torn
    /// is cut off; a journal that is broken elsewhere is not touched.
    pub fn open(folder: &RunFolder) -> Result<JournalFile, FolderError> {
        let path = folder.journal();
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path);
        let file = Arc::new(file.map_err(FolderError::io("open", &path))?);
        let replayed = replay(Arc::clone(&file));
        let replayed = replayed.map_err(|cause| FolderError::Journal { path: path.clone(), cause })?;
        let prepared = if replayed.torn > 0 { file.set_len(replayed.length) } else { Ok(()) };
        prepared.and_then(|()| file.sync_all()).map_err(FolderError::io("write", &path))?;
        // The name of a new journal must be as durable as what is written to it.
        sync_folder(folder.path()).map_err(FolderError::io("sync the folder", folder.path()))?;
        Ok(JournalFile { ledger: replayed.ledger, torn: replayed.torn, file })
    }

    /// Reads the journal of a folder that somebody else may be writing to. Nothing is touched.
    pub fn read(folder: &RunFolder) -> Result<Ledger, FolderError> {
        let path = folder.journal();
        let file = File::open(&path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => FolderError::NoRun { path: folder.path().to_owned() },
            _ => FolderError::io("open", &path)(cause),
        })?;
        let replayed = replay(file);
        Ok(replayed.map_err(|cause| FolderError::Journal { path, cause })?.ledger)
    }

    /// The file, for the writer.
    pub fn into_disk(self) -> (Ledger, FileDisk) {
        (self.ledger, FileDisk::new(self.file))
    }
}
