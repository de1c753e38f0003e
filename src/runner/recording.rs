//! Records for a folder in which no job is in progress.

use jiff::Timestamp;

use crate::api::PredictionId;
use crate::job::Cents;
use crate::journal::{Disk, Durable, Edit, EditKey, Journal, Ledger, Record, Redo, RunEvent, RunStart, Step};

use super::{RunError, RunOutcome};

/// Records a run with nothing to do, and marks earlier submits without an answer as uncertain.
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
    let ended = Record::Run(RunEvent::Ended { reason: None, stop: None });
    let records: Vec<Record> = opening.chain(unanswered(&ledger)).chain([ended]).collect();
    record_all(disk, &mut ledger, records, now).await?;
    Ok(RunOutcome { ledger, stopped: None, unpriced: 0 })
}

/// Records that none of the uncertain submits of `edits` was charged, as the user has confirmed. A submit whose
/// process is gone is recorded as uncertain first.
///
/// # Errors
///
/// The journal cannot be written, or an edit has no uncertain submit.
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

/// Records the `prediction` of an uncertain or released submit of an edit, as the user has found it at the provider. A
/// submit whose process is gone is recorded as uncertain first. Returns the cost: what was reserved, or the price of a
/// submit now if that is higher; nothing if the user has named another prediction before, which had the cost.
///
/// # Errors
///
/// The journal cannot be written, or the edit has no such submit.
pub async fn adopt(
    disk: impl Disk,
    ledger: &mut Ledger,
    key: &EditKey,
    prediction: PredictionId,
    now: impl Fn() -> Timestamp,
) -> Result<Cents, RunError> {
    let edit = ledger.live(key);
    let replaces = edit.and_then(Edit::replaceable).cloned();
    let cost_cents = match replaces {
        Some(_) => Cents::ZERO,
        None => edit.and_then(Edit::reserved_for_lost_answer).unwrap_or_default().max(ledger.estimate()),
    };
    let adopted = Record::Edit(key.clone(), Step::Adopted { prediction, cost_cents, replaces });
    let records: Vec<Record> = unanswered(ledger).chain([adopted]).collect();
    record_all(disk, ledger, records, now).await?;
    Ok(cost_cents)
}

/// Records that the user wants other results of `jobs`, or earlier ones again.
///
/// # Errors
///
/// The journal cannot be written.
pub async fn redo(
    disk: impl Disk,
    ledger: &mut Ledger,
    jobs: Vec<Redo>,
    now: impl Fn() -> Timestamp,
) -> Result<(), RunError> {
    record_all(disk, ledger, [Record::Run(RunEvent::Redo { jobs })], now).await
}

/// Records that the pictures of `edits` leave `results/`. They may be moved once this has returned: the records are
/// durable then, so that moves that a crash interrupts are completed by the next command that moves pictures, and a
/// row that returns finds its pictures in either place.
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

/// Records all of them in order. They are durable once this has returned.
async fn record_all(
    disk: impl Disk,
    ledger: &mut Ledger,
    records: impl IntoIterator<Item = Record>,
    now: impl Fn() -> Timestamp,
) -> Result<(), RunError> {
    let mut journal = Journal::start(disk)?;
    let mut recorded = Ok(());
    for record in records {
        let at = now();
        recorded = journal.record(ledger, record, at).await.map(Durable::detach);
        if recorded.is_err() {
            break;
        }
    }
    journal.finish().await?;
    Ok(recorded?)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// A disk that is full.
    struct Full;

    impl Disk for Full {
        async fn append(&mut self, _bytes: Vec<u8>) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }

        async fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A disk that cannot be read.
    struct Broken;

    impl Disk for Broken {
        async fn append(&mut self, _bytes: Vec<u8>) -> io::Result<()> {
            Ok(())
        }

        async fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn length(&self) -> io::Result<Option<u64>> {
            Err(io::ErrorKind::Other.into())
        }
    }

    #[tokio::test]
    async fn nothing_is_recorded_in_a_journal_whose_length_cannot_be_read() {
        let outcome = record_all(Broken, &mut Ledger::default(), [], || Timestamp::UNIX_EPOCH).await;
        assert!(matches!(outcome, Err(RunError::Journal(_))), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_disk_that_is_full_is_named_however_much_was_to_be_recorded() {
        for count in [1, 5000] {
            let record = || Record::Run(RunEvent::Paused { milliseconds: 1, reason: "test".into(), cause: None });
            let records = std::iter::repeat_with(record).take(count);
            let outcome = record_all(Full, &mut Ledger::default(), records, || Timestamp::UNIX_EPOCH).await;
            assert!(
                matches!(&outcome, Err(RunError::Journal(error)) if error.kind() == io::ErrorKind::StorageFull),
                "{count}: {outcome:?}"
            );
        }
    }
}
