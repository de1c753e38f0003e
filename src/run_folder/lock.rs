use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;

use crate::files::{LockError, lock_file, lock_holder, make_folder, share_lock};

use super::error::{FolderError, MAKE};
use super::folder::RunFolder;

/// The lock of a run's folder. The operating system releases it when the process ends in any way. The existence of the
/// file has no meaning.
#[derive(Debug)]
pub struct Lock {
    /// `None` if the folder has no such file, and none can be created.
    _file: Option<File>,
}

impl Lock {
    /// Takes the lock, and creates the folder if it does not exist.
    ///
    /// # Errors
    ///
    /// [`FolderError::Locked`], with the process that holds the lock.
    pub fn take(folder: &RunFolder) -> Result<Lock, FolderError> {
        make_folder(folder.path()).map_err(FolderError::io(MAKE, folder.path()))?;
        let file = lock_file(&folder.lock_file()).map_err(|error| refused(folder, error))?;
        Ok(Lock { _file: Some(file) })
    }

    /// Takes the lock of a folder that is only read. On a read-only disk, the lock is shared with other readers, and needs
    /// no file.
    ///
    /// # Errors
    ///
    /// [`FolderError::Locked`], with the process that holds the lock.
    pub fn take_to_read(folder: &RunFolder) -> Result<Lock, FolderError> {
        match Lock::take(folder) {
            Err(FolderError::Io { cause, .. }) if cause.kind() == ErrorKind::ReadOnlyFilesystem => {}
            taken => return taken,
        }
        match share_lock(&folder.lock_file()) {
            Err(LockError::Io(_, cause)) if cause.kind() == ErrorKind::NotFound => Ok(Lock { _file: None }),
            shared => Ok(Lock { _file: Some(shared.map_err(|error| refused(folder, error))?) }),
        }
    }

    /// Returns the name of the process that has locked the folder; `None` if none has.
    pub fn holder(folder: &RunFolder) -> Option<String> {
        lock_holder(&folder.lock_file())
    }
}

/// The lock for writing the report of a run, because a run and `dyehouse report` would remove each other's drafts. A
/// writer that reads the journal after taking it never replaces a newer report with an older one.
#[derive(Debug)]
pub struct ReportTurn {
    _file: File,
}

impl ReportTurn {
    /// Waits for the lock.
    ///
    /// # Errors
    ///
    /// The folder does not exist, or cannot be written to.
    pub fn wait(folder: &RunFolder) -> Result<ReportTurn, FolderError> {
        let path = folder.report_lock_file();
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|cause| match cause.kind() {
            ErrorKind::NotFound => FolderError::NoRun { path: folder.path().to_owned() },
            _ => FolderError::io("open", &path)(cause),
        })?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            tracing::debug!("waiting for the report that another process writes");
            file.lock().map_err(FolderError::io("lock", &path))?;
        }
        Ok(ReportTurn { _file: file })
    }
}

fn refused(folder: &RunFolder, error: LockError) -> FolderError {
    match error {
        LockError::Held(holder) => FolderError::Locked { path: folder.path().to_owned(), holder },
        LockError::Io(action, cause) => FolderError::io(action, folder.lock_file())(cause),
    }
}
