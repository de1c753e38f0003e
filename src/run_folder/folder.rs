use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::files::remove_drafts;
use crate::journal::Presence;
use crate::outputs::{self, ORIGINALS, RESULTS};

use super::error::FolderError;

/// The folder of a run, with the paths of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Returns the folder at `path`, without accessing the file system.
    pub fn new(path: impl Into<PathBuf>) -> RunFolder {
        RunFolder { path: path.into() }
    }

    /// Returns the folder of a run that was started, which has a journal.
    ///
    /// # Errors
    ///
    /// [`FolderError::NoRun`] if there is none.
    pub fn existing(path: &Path) -> Result<RunFolder, FolderError> {
        let folder = RunFolder::new(path);
        if folder.journal().exists() { Ok(folder) } else { Err(FolderError::NoRun { path: folder.path }) }
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of `journal.jsonl`.
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// Returns the path of `pictures.jsonl`, a cache of the hashes of local pictures.
    pub fn pictures(&self) -> PathBuf {
        self.path.join("pictures.jsonl")
    }

    /// Returns the path of `results/`.
    pub fn results(&self) -> PathBuf {
        self.path.join(RESULTS)
    }

    /// Returns the presence of a picture in `results/`, judged by its size. Displaced pictures are not detected.
    pub fn presence(&self, name: &str, bytes: u64) -> Presence {
        outputs::presence_by_size(&self.path, name, bytes)
    }

    /// Returns the path of `originals/`, which has the provider's originals of corrected pictures in `results/`.
    pub fn originals(&self) -> PathBuf {
        self.path.join(ORIGINALS)
    }

    /// Returns the path of `plan.jsonl`, the jobs of the last run's manifest.
    pub fn plan(&self) -> PathBuf {
        self.path.join("plan.jsonl")
    }

    /// Returns the path of `report/index.html`.
    pub fn report_page(&self) -> PathBuf {
        self.path.join("report").join("index.html")
    }

    /// Returns the path of `.embedded`, the data folder of the embedded server.
    pub fn embedded(&self) -> PathBuf {
        self.path.join(".embedded")
    }

    /// Returns the path of `.merging`, which exists while a merge is unfinished, and contains its command.
    pub fn merging(&self) -> PathBuf {
        self.path.join(".merging")
    }

    /// Returns the path of `.journal-snapshot`, a cache of the journal's aggregated state.
    pub(super) fn snapshot(&self) -> PathBuf {
        self.path.join(".journal-snapshot")
    }

    /// Returns the path of an original journal that is kept after a compaction. `until` is the time of its last record.
    pub(super) fn kept_journal(&self, until: Timestamp) -> PathBuf {
        self.path.join(format!("journal-until-{}.jsonl", until.strftime("%Y-%m-%dT%H-%M-%S.%3fZ")))
    }

    /// Returns the path of `.known-journal`, the checkpoint of the journal after the last run.
    pub(super) fn journal_checkpoint(&self) -> PathBuf {
        self.path.join(".known-journal")
    }

    /// Returns the path of `.report-of`, the stamp of the report's inputs.
    pub(super) fn report_stamp(&self) -> PathBuf {
        self.path.join(".report-of")
    }

    /// Returns the path of `.plan-of`, the stamp of the plan's inputs.
    pub(super) fn plan_stamp(&self) -> PathBuf {
        self.path.join(".plan-of")
    }

    /// Whether `results/` has any files.
    pub fn has_results(&self) -> bool {
        std::fs::read_dir(self.results()).is_ok_and(|mut files| files.next().is_some())
    }

    pub(super) fn has_journal(&self) -> bool {
        self.journal().metadata().is_ok_and(|journal| journal.len() > 0)
    }

    /// Removes unfinished journals, plans and other files of dead processes, except those in subfolders. The folder must
    /// be locked, and this process must not have started one.
    ///
    /// # Errors
    /// The folder cannot be read, or a draft cannot be removed.
    pub fn remove_drafts(&self) -> Result<(), FolderError> {
        remove_drafts(&self.path).map_err(|(path, cause)| FolderError::io("remove", path)(cause))
    }

    pub(super) fn report_lock_file(&self) -> PathBuf {
        self.path.join(".report-lock")
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        self.path.join(".lock")
    }
}
