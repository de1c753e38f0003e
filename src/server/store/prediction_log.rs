//! The append-only log: one writer thread, and many records per sync.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::error::StoreError;
use super::files;
use super::record::{LogError, LogRecord};

/// The maximum number of records that wait for the writer. Further appenders wait too.
const MAX_WAITING_RECORDS: usize = 1024;
/// The maximum number of records per sync.
const MAX_RECORDS_PER_SYNC: usize = 256;

type Written = Result<(), Arc<io::Error>>;

enum Order {
    Append(Vec<u8>, oneshot::Sender<Written>),
    Close(oneshot::Sender<()>),
}

/// A log that is open for appending. Its file is called `ledger.jsonl`; a `Ledger` is something else, the state of a run.
#[derive(Debug)]
pub(super) struct PredictionLog {
    path: PathBuf,
    orders: mpsc::Sender<Order>,
}

impl PredictionLog {
    /// Passes the records in the file to `apply`, truncates a torn last line, and starts the writer, which holds
    /// `lock`.
    pub(super) fn open(
        path: PathBuf,
        lock: File,
        apply: impl FnMut(LogRecord) -> Result<(), LogError>,
    ) -> Result<PredictionLog, StoreError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(StoreError::file("open", &path))?;
        let whole = replay(&mut file, &path, apply)?;
        file.set_len(whole)
            .and_then(|()| file.seek(SeekFrom::Start(whole)))
            .and_then(|_| file.sync_all())
            .map_err(StoreError::file("write", &path))?;
        files::sync_parent(&path)?;
        let (orders, receiver) = mpsc::channel(MAX_WAITING_RECORDS);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(file, receiver, lock))
            .map_err(StoreError::file("start the writer of", &path))?;
        Ok(PredictionLog { path, orders })
    }

    /// Appends a record. It is durable when this returns.
    pub(super) async fn append(&self, record: &LogRecord) -> Result<(), StoreError> {
        let line = record.line().map_err(|error| StoreError::file("write", &self.path)(error.into()))?;
        let (sender, written) = oneshot::channel();
        let order = Order::Append(line, sender);
        self.orders.send(order).await.map_err(|_| StoreError::Closed)?;
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(cause)) => Err(StoreError::File { action: "write", path: self.path.clone(), cause }),
            Err(_) => Err(StoreError::Closed),
        }
    }

    /// Stops the writer and releases the lock.
    pub(super) async fn close(&self) {
        let (sender, closed) = oneshot::channel();
        if self.orders.send(Order::Close(sender)).await.is_ok() {
            drop(closed.await);
        }
    }
}

/// Passes every complete line to `apply`, and returns the offset of the end of the last one.
fn replay(
    file: &mut File,
    path: &Path,
    mut apply: impl FnMut(LogRecord) -> Result<(), LogError>,
) -> Result<u64, StoreError> {
    let mut reader = BufReader::new(file);
    let mut whole = 0;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(StoreError::file("read", path))?;
        let Some(text) = line.strip_suffix(b"\n") else {
            if length > 0 {
                tracing::warn!(path = %path.display(), line = number, "removed an incomplete last line, left by a crash");
            }
            break;
        };
        LogRecord::parse(text).and_then(&mut apply).map_err(|cause| StoreError::LogRecord {
            path: path.to_owned(),
            line: number,
            cause,
        })?;
        whole += length as u64;
    }
    Ok(whole)
}

/// Writes the records of the orders, many records per sync, until it is closed.
///
/// After a failed write or sync, the state of the disk is unknown, so every later append fails too.
fn write(mut file: File, mut orders: mpsc::Receiver<Order>, lock: File) {
    let mut state: Written = Ok(());
    while let Some(first) = orders.blocking_recv() {
        let mut next = Some(first);
        let mut bytes = Vec::new();
        let mut waiting = Vec::new();
        let mut close = None;
        while let Some(order) = next {
            match order {
                Order::Append(line, sender) => {
                    bytes.extend_from_slice(&line);
                    waiting.push(sender);
                }
                Order::Close(sender) => {
                    close = Some(sender);
                    break;
                }
            }
            next = if waiting.len() < MAX_RECORDS_PER_SYNC { orders.try_recv().ok() } else { None };
        }
        if state.is_ok() && !waiting.is_empty() {
            state = file.write_all(&bytes).and_then(|()| file.sync_data()).map_err(Arc::new).inspect_err(
                |error| tracing::error!(%error, "ledger.jsonl cannot be written; nothing is accepted now"),
            );
        }
        for sender in waiting {
            // The appender may be gone, and then needs no answer.
            let _ = sender.send(state.clone());
        }
        if let Some(sender) = close {
            drop((file, lock));
            let _ = sender.send(());
            return;
        }
    }
}
