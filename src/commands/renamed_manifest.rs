//! Manifests that were run under another name before.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::journal::EditKey;
use crate::run_folder::{RunFolder, plan_lines};

use super::UsageError;
use super::folder_owner::is_orphaned;

/// The number of jobs at the beginning of a manifest that are looked for, and of those of an earlier run among which they
/// are. Rows may have been added in between.
const FIRST: usize = 20;
const FIRST_BEFORE: usize = 200;

/// The largest number of folders that are looked at.
const MAX_FOLDERS: usize = 200;

/// The first edits of a manifest that is to have a new default folder, beside folders of other runs. If one of these has
/// the same edits, and its manifest is gone, that has been renamed, and every job would be paid for again.
pub(super) struct RenamedManifest {
    manifest: PathBuf,
    folder: RunFolder,
    others: Vec<RunFolder>,
    first: Vec<EditKey>,
}

impl RenamedManifest {
    /// Starts without edits of `manifest`; `None` if `folder` is not new, or if there are no others beside it.
    pub(super) fn of(manifest: &Path, folder: &RunFolder) -> Option<RenamedManifest> {
        if folder.journal().exists() {
            return None;
        }
        let entries = std::fs::read_dir(folder.path().parent()?).ok()?;
        let folders = entries.filter_map(|entry| Some(RunFolder::new(entry.ok()?.path())));
        let others: Vec<RunFolder> = folders.filter(|other| other.journal().is_file()).take(MAX_FOLDERS).collect();
        let (manifest, folder) = (manifest.to_owned(), folder.clone());
        (!others.is_empty()).then_some(RenamedManifest { manifest, folder, others, first: Vec::new() })
    }

    /// Notes the next edit of the manifest, if it is one of the first.
    pub(super) fn note(&mut self, edit: impl FnOnce() -> Option<EditKey>) {
        if self.first.len() < FIRST {
            self.first.extend(edit());
        }
    }

    /// Refuses to make the folder if the manifest was run in another one under a name that is no longer there.
    pub(super) fn check(self) -> Result<(), UsageError> {
        let theirs = self.others.iter().find(|other| self.has_most(other) && is_orphaned(other));
        theirs.map_or(Ok(()), |theirs| {
            let (folder, theirs) = (self.folder.path().to_owned(), theirs.path().to_owned());
            Err(UsageError::RunBeside { folder, theirs, ours: self.manifest.clone() })
        })
    }

    /// Whether the first edits of another run are most of these. A plan that cannot be read has none.
    fn has_most(&self, other: &RunFolder) -> bool {
        let Ok(lines) = plan_lines(other) else { return false };
        let known: HashSet<EditKey> = lines.take(FIRST_BEFORE).filter_map(|line| line.ok()?.key().ok()).collect();
        let common = self.first.iter().filter(|edit| known.contains(edit)).count();
        common > 0 && common * 2 >= self.first.len()
    }
}
