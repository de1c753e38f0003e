//! The lock of a data folder, which allows one server per folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::server::error::ServerError;

use super::error::StoreError;

/// Takes the lock of the folder at `root`. It is held until the file is dropped or the process ends.
pub(super) fn take(root: &Path) -> Result<File, ServerError> {
    let path = root.join("server.lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(StoreError::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => {
            let holder = std::process::id().to_string();
            file.set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| file.write_all(holder.as_bytes()))
                .map_err(StoreError::file("write", &path))?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The holder is only used in the error message, so it may be unknown.
            drop(file.read_to_string(&mut holder));
            Err(ServerError::Locked { path: root.to_owned(), holder: holder.trim().parse().ok() })
        }
        Err(TryLockError::Error(source)) => Err(StoreError::file("lock", &path)(source).into()),
    }
}
