use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::journal::format::Record;
use crate::journal::ledger::{Ledger, LedgerError};

use super::disk::Disk;

/// The maximum number of queued records. Beyond that, appending waits.
const BACKLOG: usize = 1024;

/// The writer of a journal.
///
/// Records are written in the order in which they were appended, and synced in groups: records that are appended during
/// a sync are part of the next one, so that a slow disk costs latency but not throughput. After an error, nothing more
/// is written, because a journal with a gap would be wrong: all waiting records fail with that error, later appends
/// report that the writer has ended, and [`Journal::finish`] returns the error.
#[derive(Debug)]
pub struct Journal {
    lines: mpsc::Sender<Line>,
    /// The offset of the next line, if known.
    end: Option<u64>,
    /// The number of durable bytes, including those from before the start.
    durable: Arc<AtomicU64>,
    task: JoinHandle<Result<(), JournalError>>,
}

#[derive(Debug)]
struct Line {
    bytes: Vec<u8>,
    durable: oneshot::Sender<Result<(), JournalError>>,
}

/// The reason why the journal cannot be written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("write the journal: {cause}")]
pub struct JournalError {
    cause: Arc<io::Error>,
}

impl JournalError {
    fn new(cause: io::Error) -> JournalError {
        JournalError { cause: Arc::new(cause) }
    }

    fn closed() -> JournalError {
        JournalError::new(io::Error::other("its writer has ended"))
    }

    /// Returns the kind of the operating system's error.
    pub fn kind(&self) -> io::ErrorKind {
        self.cause.kind()
    }
}

/// The reason why a record could not be applied or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is invalid after the records before it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A record that may not be durable yet.
#[derive(Debug)]
#[must_use = "a record may be acted upon only once it is durable"]
pub struct Durable(oneshot::Receiver<Result<(), JournalError>>);

impl Durable {
    /// Waits until the record is durable.
    pub async fn wait(self) -> Result<(), JournalError> {
        self.0.await.unwrap_or_else(|_| Err(JournalError::closed()))
    }

    /// Does not wait. Intended for records whose loss only costs a later run some work.
    pub fn detach(self) {}
}

impl Journal {
    /// Starts the writer on `disk`.
    pub fn start(disk: impl Disk) -> Journal {
        let (lines, receiver) = mpsc::channel(BACKLOG);
        let end = disk.length();
        let durable = Arc::new(AtomicU64::new(end.unwrap_or(0)));
        Journal { lines, end, durable: Arc::clone(&durable), task: tokio::spawn(write(disk, receiver, durable)) }
    }

    /// Applies `record` to `ledger` and passes it to the writer. This is the only way to change the state of a run. The
    /// record is durable once [`Durable::wait`] of the returned value has returned.
    ///
    /// # Errors
    ///
    /// The record is invalid after those before it, or the writer has failed.
    pub async fn record(
        &mut self,
        ledger: &mut Ledger,
        record: &Record,
        at: Timestamp,
    ) -> Result<Durable, RecordError> {
        let line = record.to_line(at).map_err(|error| JournalError::new(error.into()))?;
        ledger.apply_at(at, record, self.end)?;
        Ok(self.append(line).await?)
    }

    /// Returns a barrier, which is durable when all records before it are.
    ///
    /// # Errors
    ///
    /// The writer has failed.
    pub async fn barrier(&self) -> Result<Durable, JournalError> {
        let (durable, receiver) = oneshot::channel();
        self.lines.send(Line { bytes: Vec::new(), durable }).await.map_err(|_| JournalError::closed())?;
        Ok(Durable(receiver))
    }

    /// Returns the offset of the next line, if known.
    pub fn end(&self) -> Option<u64> {
        self.end
    }

    /// Returns the offset up to which all lines are durable.
    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    async fn append(&mut self, bytes: Vec<u8>) -> Result<Durable, JournalError> {
        let (durable, receiver) = oneshot::channel();
        self.end = self.end.map(|end| end + bytes.len() as u64);
        self.lines.send(Line { bytes, durable }).await.map_err(|_| JournalError::closed())?;
        Ok(Durable(receiver))
    }

    /// Waits until all appended records are durable, and closes the journal.
    pub async fn finish(self) -> Result<(), JournalError> {
        drop(self.lines);
        self.task.await.unwrap_or_else(|error| Err(JournalError::new(io::Error::other(error))))
    }
}

async fn write(
    mut disk: impl Disk,
    mut lines: mpsc::Receiver<Line>,
    durable: Arc<AtomicU64>,
) -> Result<(), JournalError> {
    let mut group = Vec::new();
    while lines.recv_many(&mut group, BACKLOG).await > 0 {
        let mut bytes = Vec::with_capacity(group.iter().map(|line| line.bytes.len()).sum());
        group.iter().for_each(|line| bytes.extend_from_slice(&line.bytes));
        let length = bytes.len() as u64;
        let outcome = commit(&mut disk, bytes).await;
        if outcome.is_ok() {
            durable.fetch_add(length, Ordering::Release);
        }
        for line in group.drain(..) {
            // The caller may have stopped waiting. The record is durable regardless.
            let _ = line.durable.send(outcome.clone());
        }
        if let Err(error) = outcome {
            refuse(lines, &error).await;
            return Err(error);
        }
    }
    Ok(())
}

async fn commit(disk: &mut impl Disk, bytes: Vec<u8>) -> Result<(), JournalError> {
    disk.append(bytes).await.map_err(JournalError::new)?;
    disk.sync().await.map_err(JournalError::new)
}

/// Answers all further lines with the error that ended the writer.
async fn refuse(mut lines: mpsc::Receiver<Line>, error: &JournalError) {
    lines.close();
    while let Some(line) = lines.recv().await {
        let _ = line.durable.send(Err(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::journal::format::RunEvent;

    /// Counts the written bytes and syncs, and fails from the `fail_at`th sync on.
    #[derive(Clone, Default)]
    struct CountingDisk {
        log: Arc<Mutex<(Vec<u8>, usize)>>,
        fail_at: Option<usize>,
    }

    impl Disk for CountingDisk {
        async fn append(&mut self, bytes: Vec<u8>) -> io::Result<()> {
            self.log.lock().unwrap().0.extend(bytes);
            Ok(())
        }

        async fn sync(&mut self) -> io::Result<()> {
            tokio::task::yield_now().await;
            let mut log = self.log.lock().unwrap();
            log.1 += 1;
            match self.fail_at {
                Some(at) if log.1 >= at => Err(io::Error::from(io::ErrorKind::StorageFull)),
                _ => Ok(()),
            }
        }
    }

    fn line(milliseconds: u64) -> Vec<u8> {
        let record = Record::Run(RunEvent::Paused { milliseconds, reason: "test".into(), cause: None });
        record.to_line(Timestamp::UNIX_EPOCH).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_records_share_a_sync_and_keep_their_order() {
        let disk = CountingDisk::default();
        let mut journal = Journal::start(disk.clone());
        let mut waiting = Vec::new();
        for number in 0..100 {
            waiting.push(journal.append(line(number)).await.unwrap());
        }
        for durable in waiting {
            durable.wait().await.unwrap();
        }
        journal.finish().await.unwrap();
        let (bytes, syncs) = disk.log.lock().unwrap().clone();
        assert!(syncs < 10, "{syncs} syncs for 100 records");
        let numbers: Vec<u64> = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice::<serde_json::Value>(line).unwrap()["milliseconds"].as_u64().unwrap())
            .collect();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failed_sync_no_record_is_durable() {
        let disk = CountingDisk { fail_at: Some(2), ..CountingDisk::default() };
        let mut journal = Journal::start(disk.clone());
        journal.append(line(1)).await.unwrap().wait().await.unwrap();
        let second = journal.append(line(2)).await.unwrap();
        assert_eq!(second.wait().await.unwrap_err().kind(), io::ErrorKind::StorageFull);
        if let Ok(third) = journal.append(line(3)).await {
            assert!(third.wait().await.is_err());
        }
        assert_eq!(journal.finish().await.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
