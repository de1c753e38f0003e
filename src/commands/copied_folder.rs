use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::files::is_same_file;
use crate::journal::Ledger;
use crate::manifest::{Diagnostic, Severity};
use crate::run_folder::RunFolder;

/// Returns the warning for a run of `manifest` in a copy of a run's folder, if the original still exists: both would
/// submit the same jobs. A folder that was moved has none.
pub(super) fn copy_warning(ledger: &Ledger, folder: &RunFolder, manifest: &str) -> Option<Diagnostic> {
    let original = original(ledger, folder)?;
    let (copy, original) = (folder.path().display(), original.display());
    let message = format!("{copy} is a copy of {original}: jobs that both submit are paid for twice");
    Some(Diagnostic::about_job(Severity::Warning, manifest, None, message, "continue in one of them only"))
}

/// Returns the folder that `folder` was copied from, as the journal knows it. Another run may be in its place.
fn original(ledger: &Ledger, folder: &RunFolder) -> Option<PathBuf> {
    let original = PathBuf::from(ledger.last_run()?.folder.as_deref()?);
    let (ours, theirs) = (folder.journal(), RunFolder::new(&original).journal());
    (!is_same_file(&ours, &theirs) && first_line(&ours)? == first_line(&theirs)?).then_some(original)
}

/// Returns the first line of a journal, which no other run has: it contains a time.
fn first_line(journal: &Path) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(File::open(journal).ok()?).read_until(b'\n', &mut line).ok()?;
    Some(line)
}
