use jiff::Timestamp;

use crate::journal::{Disk, EditKey, Journal, Ledger, Record, Step};

use super::RunError;

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
    let mut journal = Journal::start(disk);
    let unanswered = ledger.unanswered().into_iter().map(|key| (key, Step::unanswered()));
    for (key, step) in unanswered.chain(edits.into_iter().map(|key| (key, Step::Released))) {
        let (record, at) = (Record::Edit(key, step), now());
        journal.record(ledger, &record, at).await?.later();
    }
    Ok(journal.finish().await?)
}
