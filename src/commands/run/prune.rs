use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::commands::Failure;
use crate::job::JobId;
use crate::journal::{EditState, FileDisk, Ledger};
use crate::outputs;
use crate::run_folder::{FolderError, RunFolder};
use crate::runner;

/// Moves the pictures of jobs that are no longer in the manifest to `earlier/`, and returns the jobs. Also moves those
/// that an interrupted prune has left.
pub(super) async fn prune(
    folder: &RunFolder,
    ledger: &mut Ledger,
    disk: FileDisk,
    is_asked_for: impl Fn(&JobId) -> bool,
) -> Result<BTreeSet<JobId>, Failure> {
    let removed = ledger.shown_without(&is_asked_for).map_err(FolderError::from)?;
    let jobs = removed.iter().map(|key| key.job.clone()).collect();
    if !removed.is_empty() {
        let mut shown = Vec::new();
        for key in &removed {
            let edit = ledger.edit(key).map_err(FolderError::from)?;
            shown.push(edit.map(|edit| edit.files().to_vec()).unwrap_or_default());
        }
        runner::set_aside(disk, ledger, removed, Timestamp::now).await?;
        // These go first, because a changed picture is recognized by its path, and no other file may be mistaken for
        // it.
        shown.iter().try_for_each(|files| outputs::set_aside(folder.path(), files))?;
    }
    for found in ledger.edits() {
        let (job, edit) = found.map_err(FolderError::from)?;
        if !is_asked_for(&job) && matches!(edit.state, EditState::Completed { .. }) {
            outputs::set_aside(folder.path(), edit.files())?;
        }
    }
    Ok(jobs)
}
