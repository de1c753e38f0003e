use jiff::Timestamp;

use crate::journal::{Disk, EditKey, Journal, Ledger, Record, Step};

use super::RunError;

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
    let mut journal = Journal::start(disk);
    for key in edits {
        let (record, at) = (Record::Edit(key, Step::SetAside), now());
        journal.record(ledger, &record, at).await?.later();
    }
    Ok(journal.finish().await?)
}
