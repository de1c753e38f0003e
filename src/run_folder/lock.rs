use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use crate::files::make_folder;

use super::error::FolderError;
use super::folder::RunFolder;

/// The right to work in a run's folder. The operating system holds it, and frees it when the process ends, however it
/// ends; the file is left behind and means nothing by itself.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Makes the folder where it is missing, and takes it.
    ///
    /// # Errors
    ///
    /// [`FolderError::Locked`] names the process that has it.
    pub fn take(folder: &RunFolder) -> Result<Lock, FolderError> {
        make_folder(folder.path()).map_err(FolderError::io("make the folder", folder.path()))?;
        let path = folder.lock_file();
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(FolderError::io("open", &path))?;
        match lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The name of the holder is a courtesy: that it cannot be read is no other error.
                let _ = file.read_to_string(&mut holder);
                let holder =
                    if holder.trim().is_empty() { "another process".to_owned() } else { holder.trim().to_owned() };
                return Err(FolderError::Locked { path: folder.path().to_owned(), holder });
            }
            Err(TryLockError::Error(cause)) => return Err(FolderError::io("lock", &path)(cause)),
        }
        let holder =
            format!("process {} (since {})\n", std::process::id(), jiff::Timestamp::now().strftime("%F %T UTC"));
        file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).map_err(FolderError::io("write", &path))?;
        Ok(Lock { _file: file })
    }

    /// Whether a living process has the folder, and which.
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

/// The right to write the report of a run, which a run and `dyehouse report` may both want at once: each would sweep the
/// drafts of the other away. Whoever reads the journal after it has come leaves no older report than there was.
#[derive(Debug)]
pub struct ReportTurn {
    _file: File,
}

impl ReportTurn {
    /// Waits for it.
    ///
    /// # Errors
    ///
    /// There is no such folder, or it cannot be written to.
    pub fn wait(folder: &RunFolder) -> Result<ReportTurn, FolderError> {
        let path = folder.report_lock_file();
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|cause| match cause.kind() {
            ErrorKind::NotFound => FolderError::NoRun { path: folder.path().to_owned() },
            _ => FolderError::io("open", &path)(cause),
        })?;
        file.lock().map_err(FolderError::io("lock", &path))?;
        Ok(ReportTurn { _file: file })
    }
}

/// Locks the file for this process alone. Whoever asks for the holder shares it for a moment, and is waited for: a nightly
/// run must not end because somebody looked at it as it began.
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
