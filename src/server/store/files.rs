//! Atomic writes, and the removal of files that a crash left behind.

use std::collections::HashMap;
use std::path::Path;

use uuid::Uuid;

use super::error::StoreError;
use super::stored_prediction::{PredictionState, StoredPrediction};
use crate::files::{folder_of, remove_drafts, replace, sync_folder};

/// Atomically writes a file, and makes its directory entry durable.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    replace(path, bytes).map_err(StoreError::file("write", path))?;
    sync_parent(path)
}

/// Makes the directory entry of `path` durable.
pub(super) fn sync_parent(path: &Path) -> Result<(), StoreError> {
    sync_folder(folder_of(path)).map_err(StoreError::file("sync", folder_of(path)))
}

/// Removes the files that a crash left behind: requests of finished or unknown predictions, and outputs without a
/// record.
///
/// Only files with names that the server uses are removed, because the folder may have files of the user.
pub(super) fn sweep(root: &Path, entries: &HashMap<Uuid, StoredPrediction>) {
    let state = |id: &Uuid| entries.get(id).map(|entry| &entry.state);
    drop(remove_drafts(&root.join("requests")));
    for name in list(&root.join("requests")) {
        let id: Option<Uuid> = name.strip_suffix(".json").and_then(|stem| stem.parse().ok());
        if id.is_some_and(|id| state(&id) != Some(&PredictionState::Processing)) {
            drop(std::fs::remove_file(root.join("requests").join(name)));
        }
    }
    for name in list(&root.join("outputs")) {
        let id: Option<Uuid> = name.parse().ok();
        if id.is_some_and(|id| !matches!(state(&id), Some(PredictionState::Completed { .. }))) {
            drop(std::fs::remove_dir_all(root.join("outputs").join(name)));
        }
    }
}

fn list(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
