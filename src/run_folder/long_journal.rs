use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::journal::{Chained, Ledger, ReadAt, compacted_until, replay};

use super::error::FolderError;
use super::folder::RunFolder;

/// Returns a compacted journal with the lines of the original journals that are kept next to it. Both must replay to
/// the state of `ledger`, like `journal`. Returns `None` if it was not compacted, or an original is missing.
///
/// # Errors
///
/// A journal cannot be read.
pub fn long_journal(
    folder: &RunFolder,
    journal: &Arc<dyn ReadAt>,
    ledger: &Ledger,
) -> Result<Option<Arc<dyn ReadAt>>, FolderError> {
    let long = with_long_journals(folder, journal).map_err(FolderError::io("read", folder.journal()))?;
    // An original journal that was edited is another history, and is not used.
    Ok(long.filter(|long| replay(Arc::clone(long)).is_ok_and(|long| long.ledger.agrees_with(ledger))))
}

fn with_long_journals(folder: &RunFolder, journal: &Arc<dyn ReadAt>) -> io::Result<Option<Arc<dyn ReadAt>>> {
    let (mut history, mut is_longer) = (Arc::clone(journal), false);
    while let Some((until, from)) = compacted_until(&history)? {
        let kept = match File::open(folder.kept_journal(until)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            kept => kept?,
        };
        let length = kept.metadata()?.len();
        history = Arc::new(Chained { first: Arc::new(kept), length, then: history, from });
        is_longer = true;
    }
    Ok(is_longer.then_some(history))
}
