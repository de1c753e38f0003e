//! Runs that find nothing to do.

use jiff::Timestamp;

use crate::journal::{Disk, Journal, Ledger, Record, RunEvent, RunStart, Step};

use super::{Ending, RunError};

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
) -> Result<Ending, RunError> {
    let unanswered = ledger.unanswered().into_iter().map(|key| Record::Edit(key, Step::unanswered()));
    let records: Vec<Record> = std::iter::once(Record::Run(RunEvent::Run(opening)))
        .chain(unanswered)
        .chain([Record::Run(RunEvent::Ended { reason: None })])
        .collect();
    let mut journal = Journal::start(disk);
    for record in records {
        let at = now();
        journal.record(&mut ledger, &record, at).await?.later();
    }
    journal.finish().await?;
    Ok(Ending { ledger, stopped: None })
}
