use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::journal::Presence;
use crate::outputs::{self, ORIGINALS, RESULTS};

use super::error::FolderError;

/// What the names of journals begin with that are being written.
pub(super) const JOURNAL_DRAFT_PREFIX: &str = ".journal-";

/// What the names of plans begin with that are being written.
pub(super) const PLAN_DRAFT_PREFIX: &str = ".plan-";

/// Where everything of a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Names the folder at `path`; nothing is touched.
    pub fn new(path: impl Into<PathBuf>) -> RunFolder {
        RunFolder { path: path.into() }
    }

    /// Names the folder of a run that was begun: it has a journal.
    ///
    /// # Errors
    ///
    /// [`FolderError::NoRun`].
    pub fn existing(path: &Path) -> Result<RunFolder, FolderError> {
        let folder = RunFolder::new(path);
        if folder.journal().exists() { Ok(folder) } else { Err(FolderError::NoRun { path: folder.path }) }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `journal.jsonl`.
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// `pictures.jsonl`: what is known of local pictures.
    pub fn pictures(&self) -> PathBuf {
        self.path.join("pictures.jsonl")
    }

    /// `results/`.
    pub fn results(&self) -> PathBuf {
        self.path.join(RESULTS)
    }

    /// Whether a picture of `results/` is there as it was saved, told from its size. What became of one that is
    /// displaced is not.
    pub fn presence(&self, name: &str, bytes: u64) -> Presence {
        outputs::presence_by_size(&self.path, name, bytes)
    }

    /// `originals/`: pictures as the provider made them, where corrected ones are in `results/`.
    pub fn originals(&self) -> PathBuf {
        self.path.join(ORIGINALS)
    }

    /// `plan.jsonl`, the manifest as the last run understood it.
    pub fn plan(&self) -> PathBuf {
        self.path.join("plan.jsonl")
    }

    /// `report/index.html`.
    pub fn report_page(&self) -> PathBuf {
        self.path.join("report").join("index.html")
    }

    /// Where the embedded server of a run keeps its predictions.
    pub fn embedded(&self) -> PathBuf {
        self.path.join(".embedded")
    }

    /// `.merging`: while it is there, the folder is half of a merge, and names the others.
    pub fn merging(&self) -> PathBuf {
        self.path.join(".merging")
    }

    /// `.journal-snapshot`: what the journal adds up to, as far as it was read last.
    pub(super) fn snapshot(&self) -> PathBuf {
        self.path.join(".journal-snapshot")
    }

    /// Where a journal is kept whose last record is of the time `until`, once it was compacted.
    pub(super) fn kept_journal(&self, until: Timestamp) -> PathBuf {
        self.path.join(format!("journal-until-{}.jsonl", until.strftime("%Y-%m-%dT%H-%M-%S.%3fZ")))
    }

    /// `.known-journal`: where the journal ended when the last run did.
    pub(super) fn journal_checkpoint(&self) -> PathBuf {
        self.path.join(".known-journal")
    }

    /// `.report-of`: what the report was made of.
    pub(super) fn report_stamp(&self) -> PathBuf {
        self.path.join(".report-of")
    }

    /// `.plan-of`: what the plan was made of.
    pub(super) fn plan_stamp(&self) -> PathBuf {
        self.path.join(".plan-of")
    }

    /// Whether anything is in `results/`.
    pub fn has_results(&self) -> bool {
        std::fs::read_dir(self.results()).is_ok_and(|mut files| files.next().is_some())
    }

    pub(super) fn has_journal(&self) -> bool {
        self.journal().metadata().is_ok_and(|journal| journal.len() > 0)
    }

    /// Removes the journals and plans that processes were writing when they died. The folder's lock is held, and this process
    /// has not begun one.
    ///
    /// # Errors
    /// The folder cannot be read, or a draft not be removed.
    pub fn remove_drafts(&self) -> Result<(), FolderError> {
        let sweep = || -> io::Result<()> {
            for entry in std::fs::read_dir(&self.path)? {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let is_draft = [JOURNAL_DRAFT_PREFIX, PLAN_DRAFT_PREFIX].iter().any(|prefix| name.starts_with(prefix));
                if is_draft && ![self.snapshot(), self.plan_stamp()].contains(&path) {
                    std::fs::remove_file(&path)?;
                }
            }
            Ok(())
        };
        sweep().map_err(FolderError::io("sweep", &self.path))
    }

    pub(super) fn report_lock_file(&self) -> PathBuf {
        self.path.join(".report-lock")
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        self.path.join(".lock")
    }
}
