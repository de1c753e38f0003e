//! Folders whose jobs another folder could submit as well.

use std::path::PathBuf;

use crate::files::{first_line, is_same_file};
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

/// Returns the warning for the first run in a folder that others were merged into: they do not know what is submitted in
/// it from now on.
pub(super) fn merged_warning(ledger: &Ledger, folder: &RunFolder, manifest: &str) -> Option<Diagnostic> {
    let share = ledger.last_run()?.merged_from.as_deref()?;
    let message = format!(
        "{} was merged from {share} and others: they do not know of the jobs that are submitted here, and would pay for them \
         again",
        folder.path().display()
    );
    let hint = "from now on, run the manifest in this folder only";
    Some(Diagnostic::about_job(Severity::Warning, manifest, None, message, hint))
}

/// Returns the folder that `folder` was copied from, as the journal knows it. Another run may be in its place.
fn original(ledger: &Ledger, folder: &RunFolder) -> Option<PathBuf> {
    let original = PathBuf::from(ledger.last_run()?.folder.as_deref()?);
    let (ours, theirs) = (folder.journal(), RunFolder::new(&original).journal());
    // No other run has the first line of a journal: it contains a time.
    (!is_same_file(&ours, &theirs) && first_line(&ours).ok()? == first_line(&theirs).ok()?).then_some(original)
}
