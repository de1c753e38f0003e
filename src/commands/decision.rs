use crate::journal::{Edit, EditKey, Ledger, Stage};
use crate::outputs;
use crate::plan::{self, Choices, Decision, Kept, KnownEdit};
use crate::run_folder::{FolderError, RunFolder};

/// Returns the decision on a job of `folder`, and looks for its pictures there.
///
/// # Errors
///
/// The journal cannot be read again.
pub(super) fn decide(
    folder: &RunFolder,
    ledger: &Ledger,
    key: &EditKey,
    known: &KnownEdit<'_>,
    choices: Choices,
) -> Result<Decision, FolderError> {
    let by_size = |name: &str, bytes| folder.presence(name, bytes);
    let decision = plan::decide(key, known, choices, by_size);
    let is_completed = known.edit.as_ref().is_some_and(|edit| edit.stage == Stage::Completed && edit.is_shown);
    if !is_completed || decision == Decision::Keep(Kept::Completed) {
        return Ok(decision);
    }
    // Only the journal's record of a changed picture tells what happened to it, and is read again for these few jobs.
    let history = ledger.history(&key.job)?;
    let files = history.as_ref().and_then(|history| history.current_result_of(key.fingerprint)).map(Edit::files);
    let presence = |name: &str, bytes| match files.into_iter().flatten().find(|file| file.name == name) {
        Some(file) => outputs::presence(folder.path(), file),
        None => by_size(name, bytes),
    };
    Ok(plan::decide(key, known, choices, presence))
}
