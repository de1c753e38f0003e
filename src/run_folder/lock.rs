use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use crate::files::make_folder;

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
        let path = folder.lock_file();
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(FolderError::io("open", &path))?;
        lock(&file).map_err(|error| refused(folder, &mut file, error))?;
        let holder =
            format!("process {} (since {})\n", std::process::id(), jiff::Timestamp::now().strftime("%F %T UTC"));
        file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).map_err(FolderError::io("write", &path))?;
        Ok(Lock { _file: Some(file) })
    }

    /// Takes the lock of a folder that is only read. On a read-only disk, the lock is shared with other readers, and needs
    /// no file.
    ///
    /// # Errors
    ///
    /// [`FolderError::Locked`], with the process that holds the lock.
    pub fn take_to_read(folder: &RunFolder) -> Result<Lock, FolderError> {
        let path = folder.lock_file();
        match Lock::take(folder) {
            Err(FolderError::Io { cause, .. }) if cause.kind() == ErrorKind::ReadOnlyFilesystem => {}
            taken => return taken,
        }
        match File::open(&path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Lock { _file: None }),
            opened => {
                let mut file = opened.map_err(FolderError::io("open", &path))?;
                file.try_lock_shared().map_err(|error| refused(folder, &mut file, error))?;
                Ok(Lock { _file: Some(file) })
            }
        }
    }

    /// Returns the name of the process that has locked the folder; `None` if none has.
    pub fn holder(folder: &RunFolder) -> Option<String> {
        let mut file = File::open(folder.lock_file()).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).ok()?;
                Some(holder.trim().to_owned())
            }
            _ => None,
        }
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

/// Returns the error for a lock that was not given.
fn refused(folder: &RunFolder, file: &mut File, error: TryLockError) -> FolderError {
    match error {
        TryLockError::WouldBlock => {
            let mut holder = String::new();
            // The holder is only used in the error message, so it may be unknown.
            let _ = file.read_to_string(&mut holder);
            let holder = if holder.trim().is_empty() { "another process" } else { holder.trim() }.to_owned();
            FolderError::Locked { path: folder.path().to_owned(), holder }
        }
        TryLockError::Error(cause) => FolderError::io("lock", folder.lock_file())(cause),
    }
}

/// Locks the file exclusively. Waits for processes that briefly share the lock to read its holder: a status request
/// must not make a starting run fail.
fn lock(file: &File) -> Result<(), TryLockError> {
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => file.try_lock_shared()?,
            locked => return locked,
        }
        file.unlock().map_err(TryLockError::Error)?;
        std::thread::sleep(Duration::from_millis(1));
    }
}
