//! Atomic writes, and the removal of files that a crash left behind.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use uuid::Uuid;

use super::error::StoreError;
use super::stored_prediction::{PredictionState, StoredPrediction};
use crate::files::sync_folder;

/// Writes a temporary file, syncs it, renames it to `path`, and syncs the folder.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(StoreError::file("write", path))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(StoreError::file("write", path))?;
    file.persist(path).map_err(|error| StoreError::file("write", path)(error.error))?;
    sync_parent(path)
}

/// Makes the directory entry of `path` durable.
pub(super) fn sync_parent(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    sync_folder(folder).map_err(StoreError::file("sync", folder))
}

/// Removes the files that a crash left behind: requests of finished or unknown predictions, and outputs without a
/// record.
///
/// Only files with names that the server uses are removed, because the folder may have files of the user.
pub(super) fn sweep(root: &Path, entries: &HashMap<Uuid, StoredPrediction>) {
    let state = |id: &Uuid| entries.get(id).map(|entry| &entry.state);
    for name in list(&root.join("requests")) {
        let id: Option<Uuid> = name.strip_suffix(".json").and_then(|stem| stem.parse().ok());
        let left = id.is_some_and(|id| state(&id) != Some(&PredictionState::Processing));
        if left || name.starts_with(".tmp") {
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
