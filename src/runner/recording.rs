//! What is recorded of a folder in which no job is under way.

use jiff::Timestamp;

use crate::journal::{Disk, Durable, EditKey, Journal, Ledger, Record, RunEvent, RunStart, Step};

use super::{RunError, RunOutcome};

/// A run with nothing to do: the journal says that it was there, and what earlier submits without an answer are.
///
/// # Errors
///
/// The journal cannot be written.
pub async fn record_idle_run(
    disk: impl Disk,
    mut ledger: Ledger,
    opening: RunStart,
    now: impl Fn() -> Timestamp,
) -> Result<RunOutcome, RunError> {
    let opening = std::iter::once(Record::Run(RunEvent::Run(opening)));
    let ended = Record::Run(RunEvent::Ended { reason: None });
    let records: Vec<Record> = opening.chain(unanswered(&ledger)).chain([ended]).collect();
    record_all(disk, &mut ledger, records, now).await?;
    Ok(RunOutcome { ledger, stopped: None })
}

/// Records that none of the uncertain submits of `edits` was charged, as somebody has found out. One whose process is gone is
/// uncertain from now on.
///
/// # Errors
///
/// The journal cannot be written, or an edit has none.
pub async fn release(
    disk: impl Disk,
    ledger: &mut Ledger,
    edits: impl IntoIterator<Item = EditKey>,
    now: impl Fn() -> Timestamp,
) -> Result<(), RunError> {
    let released = edits.into_iter().map(|key| Record::Edit(key, Step::Released));
    let records: Vec<Record> = unanswered(ledger).chain(released).collect();
    record_all(disk, ledger, records, now).await
}

/// Records that the pictures of `edits` leave `results/`. They may move once this has returned: the records are durable
/// then, so that whatever a crash leaves half done is found by the next one that moves them, and a row that comes back
/// finds its pictures in either place.
///
/// # Errors
///
/// The journal cannot be written.
pub async fn set_aside(
    disk: impl Disk,
    ledger: &mut Ledger,
    edits: Vec<EditKey>,
    now: impl Fn() -> Timestamp,
) -> Result<(), RunError> {
    let records = edits.into_iter().map(|key| Record::Edit(key, Step::SetAside));
    record_all(disk, ledger, records, now).await
}

fn unanswered(ledger: &Ledger) -> impl Iterator<Item = Record> + use<> {
    ledger.unanswered().into_iter().map(|key| Record::Edit(key, Step::unanswered()))
}

/// Records all of them in their order. They are durable once this has returned.
async fn record_all(
    disk: impl Disk,
    ledger: &mut Ledger,
    records: impl IntoIterator<Item = Record>,
    now: impl Fn() -> Timestamp,
) -> Result<(), RunError> {
    let mut journal = Journal::start(disk);
    let mut recorded = Ok(());
    for record in records {
        let at = now();
        recorded = journal.record(ledger, &record, at).await.map(Durable::detach);
        if recorded.is_err() {
            break;
        }
    }
    // Where the writer has ended, it alone knows why: what comes after that only knows that it is gone.
    journal.finish().await?;
    Ok(recorded?)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// Takes nothing.
    struct Full;

    impl Disk for Full {
        async fn append(&mut self, _bytes: Vec<u8>) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }

        async fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_disk_that_is_full_is_named_however_much_was_to_be_recorded() {
        for count in [1, 5000] {
            let record = || Record::Run(RunEvent::Paused { milliseconds: 1, reason: "test".into(), cause: None });
            let records = std::iter::repeat_with(record).take(count);
            let outcome = record_all(Full, &mut Ledger::default(), records, || Timestamp::UNIX_EPOCH).await;
            assert!(
                matches!(&outcome, Err(RunError::Journal { cause, .. }) if cause.kind() == io::ErrorKind::StorageFull),
                "{count}: {outcome:?}"
            );
        }
    }
}
