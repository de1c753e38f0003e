//! Folders whose jobs another folder could submit as well.

use std::path::{Path, PathBuf};

use crate::files::{first_line, is_same_file};
use crate::journal::Ledger;
use crate::manifest::{Diagnostic, Severity};
use crate::run_folder::RunFolder;

/// Returns the warning for a run of `manifest` in a copy of a run's folder, or in one that others were merged into, if
/// the original, or the first of them, still exists: both would submit the same jobs. A folder that was moved has none.
pub(super) fn copy_warning(ledger: &Ledger, folder: &RunFolder, manifest: &str) -> Option<Diagnostic> {
    let original = original(ledger, folder)?;
    let (copy, original) = (folder.path().display(), original.display());
    let message = format!("{copy} continues a copy of {original}: jobs that both submit are paid for twice");
    Some(Diagnostic::about_job(Severity::Warning, manifest, None, message, "from now on, continue in one of them only"))
}

/// Returns the canonical path of a folder, as a journal records it.
pub(super) fn canonical_name(folder: &Path) -> Option<String> {
    folder.canonicalize().ok()?.to_str().map(str::to_owned)
}

/// Returns the folder that `folder` was copied from, as the journal knows it. Another run may be in its place.
fn original(ledger: &Ledger, folder: &RunFolder) -> Option<PathBuf> {
    let original = PathBuf::from(ledger.last_run()?.folder.as_deref()?);
    let (ours, theirs) = (folder.journal(), RunFolder::new(&original).journal());
    // No other run has the first line of a journal: it contains a time.
    (!is_same_file(&ours, &theirs) && first_line(&ours).ok()? == first_line(&theirs).ok()?).then_some(original)
}
