//! The append-only log of predictions.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::RwLock;

use crate::append_log::{AppendLog, Disk, FileDisk, Lines, line_number};

use super::error::StoreError;
use super::files;
use super::record::{LogError, LogRecord};

/// A log that is open for appending. Its file is called `ledger.jsonl`; a `Ledger` is something else, the state of a run.
#[derive(Debug)]
pub(super) struct PredictionLog {
    path: PathBuf,
    /// `None` once it is closed.
    log: RwLock<Option<AppendLog>>,
}

/// The disk of the log. Its lock is held until the last record is written.
struct LockedDisk {
    disk: FileDisk,
    _lock: File,
}

impl Disk for LockedDisk {
    async fn append(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.disk.append(bytes).await
    }

    async fn sync(&mut self) -> io::Result<()> {
        self.disk.sync().await
    }
}

impl PredictionLog {
    /// Passes the records in the file to `apply`, truncates a torn last line, and starts the writer, which holds
    /// `lock`.
    pub(super) fn open(
        path: PathBuf,
        lock: File,
        apply: impl FnMut(LogRecord) -> Result<(), LogError>,
    ) -> Result<PredictionLog, StoreError> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let file = file.map_err(StoreError::file("open", &path))?;
        let whole = replay(&file, &path, apply)?;
        file.set_len(whole).and_then(|()| file.sync_all()).map_err(StoreError::file("write", &path))?;
        files::sync_parent(&path)?;
        let log = AppendLog::start(LockedDisk { disk: FileDisk::new(Arc::new(file)), _lock: lock });
        Ok(PredictionLog { path, log: RwLock::new(Some(log)) })
    }

    /// Appends a record. It is durable when this returns.
    pub(super) async fn append(&self, record: &LogRecord) -> Result<(), StoreError> {
        let failed = |cause| StoreError::File { action: "write", path: self.path.clone(), cause };
        let line = record.line().map_err(|error| failed(Arc::new(error.into())))?;
        let receipt = match &*self.log.read().await {
            Some(log) => log.append(line).await.map_err(failed)?,
            None => return Err(StoreError::Closed),
        };
        receipt.wait().await.map_err(failed)
    }

    /// Stops the writer and releases the lock.
    pub(super) async fn close(&self) {
        if let Some(log) = self.log.write().await.take() {
            // Whoever waits for a record that failed has been told why.
            drop(log.finish().await);
        }
    }
}

/// Passes every complete line to `apply`, and returns the offset of the end of the last one.
fn replay(
    file: &File,
    path: &Path,
    mut apply: impl FnMut(LogRecord) -> Result<(), LogError>,
) -> Result<u64, StoreError> {
    let mut lines = Lines::new(file);
    while let Some(line) = lines.next().map_err(StoreError::file("read", path))? {
        if !line.is_whole {
            let (path, offset) = (path.display(), line.offset);
            tracing::warn!(%path, offset, "removed an incomplete last line, left by a crash");
            return Ok(offset);
        }
        if let Err(cause) = LogRecord::parse(line.bytes).and_then(&mut apply) {
            let line = line_number(file, line.offset).map_err(StoreError::file("read", path))?;
            return Err(StoreError::LogRecord { path: path.to_owned(), line, cause });
        }
    }
    Ok(lines.offset())
}
