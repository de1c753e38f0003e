use jiff::Timestamp;

use crate::commands::Failure;
use crate::job::JobId;
use crate::journal::{EditState, FileDisk, Ledger};
use crate::outputs;
use crate::plan;
use crate::run_folder::{FolderError, RunFolder};
use crate::runner;

/// Moves the pictures of jobs that the manifest no longer has to `earlier/`, and tells of how many jobs. Those that an
/// interrupted one has left behind move as well.
pub(super) async fn prune(
    folder: &RunFolder,
    ledger: &mut Ledger,
    disk: FileDisk,
    is_asked_for: impl Fn(&JobId) -> bool,
) -> Result<u64, Failure> {
    let removed = plan::removed(ledger, &is_asked_for).map_err(FolderError::from)?;
    let count = removed.len() as u64;
    if count > 0 {
        runner::set_aside(disk, ledger, removed, Timestamp::now).await?;
    }
    for found in ledger.edits() {
        let (job, edit) = found.map_err(FolderError::from)?;
        if !is_asked_for(&job) && matches!(edit.state, EditState::Completed { .. }) {
            outputs::set_aside(folder.path(), edit.files())?;
        }
    }
    Ok(count)
}
