use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::journal::{Chained, Ledger, ReadAt, compacted_until, replay};

use super::error::FolderError;
use super::folder::RunFolder;

/// A compacted journal with the lines that it stands for, as far back as the long ones are kept beside it: the same story, told
/// step by step. `ledger` is what `journal` adds up to, and so must the long one. Nothing where it was not compacted, or the
/// long one is gone.
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
    // Whoever has changed one of them has made another story of it.
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
