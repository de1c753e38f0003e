use std::io;
use std::sync::Arc;

use jiff::Timestamp;

use crate::append_log::{AppendLog, Disk, Receipt};
use crate::journal::format::Record;
use crate::journal::ledger::{Ledger, LedgerError};

/// The writer of a journal.
///
/// Records are written in the order in which they were appended, and synced in groups. After an error, nothing more is
/// written: all waiting and all later records fail with that error, and [`Journal::finish`] returns it.
#[derive(Debug)]
pub struct Journal {
    log: AppendLog,
    /// The length before the first record.
    start: u64,
    /// The offset of the next line; `None` if lines cannot be read again.
    end: Option<u64>,
}

/// The reason why the journal cannot be written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("write the journal: {cause}")]
pub struct JournalError {
    cause: Arc<io::Error>,
}

impl JournalError {
    fn new(cause: Arc<io::Error>) -> JournalError {
        JournalError { cause }
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
pub struct Durable(Receipt);

impl Durable {
    /// Waits until the record is durable.
    pub async fn wait(self) -> Result<(), JournalError> {
        self.0.wait().await.map_err(JournalError::new)
    }

    /// Does not wait. Intended for records whose loss only costs a later run some work.
    pub fn detach(self) {}
}

impl Journal {
    /// Starts the writer on `disk`.
    ///
    /// # Errors
    ///
    /// The length of the journal cannot be read.
    pub fn start(disk: impl Disk) -> Result<Journal, JournalError> {
        let end = disk.length().map_err(|error| JournalError::new(Arc::new(error)))?;
        Ok(Journal { start: end.unwrap_or(0), end, log: AppendLog::start(disk) })
    }

    /// Applies `record` to `ledger` and passes it to the writer. This is the only way to change the state of a run. The
    /// record is durable once [`Durable::wait`] of the returned value has returned.
    ///
    /// # Errors
    ///
    /// The record is invalid after those before it, or the writer has failed.
    pub async fn record(&mut self, ledger: &mut Ledger, record: Record, at: Timestamp) -> Result<Durable, RecordError> {
        let line = record.to_line(at).map_err(|error| JournalError::new(Arc::new(error.into())))?;
        ledger.apply_at(at, record, self.end)?;
        self.end = self.end.map(|end| end + line.len() as u64);
        Ok(self.append(line).await?)
    }

    /// Returns a barrier, which is durable when all records before it are.
    ///
    /// # Errors
    ///
    /// The writer has failed.
    pub async fn barrier(&self) -> Result<Durable, JournalError> {
        self.append(Vec::new()).await
    }

    /// Returns the offset of the next line; `None` if lines cannot be read again.
    pub fn end(&self) -> Option<u64> {
        self.end
    }

    /// Returns the offset up to which all lines are durable.
    pub fn durable(&self) -> u64 {
        self.start + self.log.durable()
    }

    /// Waits until all appended records are durable, and closes the journal.
    pub async fn finish(self) -> Result<(), JournalError> {
        self.log.finish().await.map_err(JournalError::new)
    }

    async fn append(&self, bytes: Vec<u8>) -> Result<Durable, JournalError> {
        self.log.append(bytes).await.map(Durable).map_err(JournalError::new)
    }
}
