//! The folder of a run: its lock, its journal file and its plan file.

mod compaction;
mod journal_checkpoint;
mod journal_file;
mod lock;
mod long_journal;
mod plan_draft;
mod plan_file;
mod plan_stamp;
mod report_stamp;
mod snapshot_file;

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use compaction::Compaction;
pub use journal_checkpoint::JournalCheckpoint;
pub use journal_file::{JournalDraft, JournalFile};
pub use lock::{Lock, ReportTurn};
pub use long_journal::long_journal;
pub use plan_draft::{DraftLine, PlanDraft};
pub use plan_file::{PlanLine, PlanLines, plan_blocks, plan_lines, read_plan};
pub use plan_stamp::PlanStamp;
pub use report_stamp::ReportStamp;

use crate::journal::{LinesError, Presence, ReplayError};
use crate::outputs::{self, ORIGINALS, RESULTS};

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
    fn snapshot(&self) -> PathBuf {
        self.path.join(".journal-snapshot")
    }

    /// Where a journal is kept whose last record is of the time `until`, once it was compacted.
    fn kept_journal(&self, until: Timestamp) -> PathBuf {
        self.path.join(format!("journal-until-{}.jsonl", until.strftime("%Y-%m-%dT%H-%M-%S.%3fZ")))
    }

    /// `.known-journal`: where the journal ended when the last run did.
    fn journal_checkpoint(&self) -> PathBuf {
        self.path.join(".known-journal")
    }

    /// `.report-of`: what the report was made of.
    fn report_stamp(&self) -> PathBuf {
        self.path.join(".report-of")
    }

    /// `.plan-of`: what the plan was made of.
    fn plan_stamp(&self) -> PathBuf {
        self.path.join(".plan-of")
    }

    /// Refuses results whose journal is gone or empty, for every job would be new, and a journal that an older copy has taken
    /// the place of.
    ///
    /// # Errors
    /// [`FolderError::JournalMissing`], [`FolderError::StaleJournal`], or the journal cannot be read.
    pub fn check_journal(&self) -> Result<(), FolderError> {
        match self.has_journal() {
            true => JournalCheckpoint::check(self),
            false if self.has_results() => Err(FolderError::JournalMissing { path: self.path.clone() }),
            false => Ok(()),
        }
    }

    /// Whether anything is in `results/`.
    pub fn has_results(&self) -> bool {
        std::fs::read_dir(self.results()).is_ok_and(|mut files| files.next().is_some())
    }

    fn has_journal(&self) -> bool {
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
                let is_draft = [journal_file::DRAFT, plan_draft::DRAFT].iter().any(|draft| name.starts_with(draft));
                if is_draft && ![self.snapshot(), self.plan_stamp()].contains(&path) {
                    std::fs::remove_file(&path)?;
                }
            }
            Ok(())
        };
        sweep().map_err(FolderError::io("sweep", &self.path))
    }

    fn report_lock_file(&self) -> PathBuf {
        self.path.join(".report-lock")
    }

    fn lock_file(&self) -> PathBuf {
        self.path.join(".lock")
    }
}

/// A run's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The file system refuses.
    #[error("{action} {}: {cause}", path.display())]
    Io {
        /// What was tried, such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// Another process has it.
    #[error("use {}: {holder} is using it", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// Who, as far as is known.
        holder: String,
    },
    /// The journal is broken.
    #[error("read {}: {cause}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// Where and how.
        cause: ReplayError,
    },
    /// The journal was replayed, and cannot be read again.
    #[error(transparent)]
    Lines(#[from] LinesError),
    /// Others were being merged into it, and that did not come to its end.
    #[error("use {}: a merge into its process ended unexpectedly", path.display())]
    MergeInterrupted {
        /// The folder.
        path: PathBuf,
        /// The command that was at work, as far as is known.
        command: String,
    },
    /// There are pictures and no journal that knows of them.
    #[error("use {}: it has results and no journal", path.display())]
    JournalMissing {
        /// The folder.
        path: PathBuf,
    },
    /// The journal does not go on from where the last run left it.
    #[error("use {}: its journal is an outdated copy, or was shortened since the last run", path.display())]
    StaleJournal {
        /// The folder.
        path: PathBuf,
        /// The file that tells where the last run left it.
        mark: PathBuf,
    },
    /// There is no run in the folder.
    #[error("find a run in {}", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// The plan file is broken.
    #[error("read {}: line {line}: {cause}", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
}

impl FolderError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> FolderError {
        let path = path.into();
        move |cause| FolderError::Io { action, path, cause }
    }

    /// The way out.
    pub fn hint(&self) -> String {
        match self {
            FolderError::Io { cause, .. } if cause.kind() == io::ErrorKind::StorageFull => {
                "free some space and run again: everything recorded so far is safe".to_owned()
            }
            FolderError::Io { .. } => "fix its permissions, or choose another folder with --out".to_owned(),
            FolderError::Locked { .. } => {
                "wait for it to end; using another folder would charge its jobs again".to_owned()
            }
            FolderError::Journal { cause: ReplayError::Newer { .. }, .. } => {
                "run it with the newer dyehouse that wrote it".to_owned()
            }
            FolderError::Journal { .. } => {
                "nothing was changed. Keep a copy, then fix or remove the line; a job whose \
                                            records are lost may be paid for again"
                    .to_owned()
            }
            FolderError::Lines(_) => "make sure that no other program writes to the folder, then run again".to_owned(),
            FolderError::MergeInterrupted { command, .. } => format!("run it again to continue: {command}"),
            FolderError::JournalMissing { .. } => {
                "restore journal.jsonl from a copy: without it, all jobs would be paid for again. To pay for all of them again, \
                 choose another folder with --out"
                    .to_owned()
            }
            FolderError::StaleJournal { mark, .. } => format!(
                "restore the newer journal.jsonl: jobs that this one does not know would be paid for again. To use it anyway, \
                 remove {}",
                mark.display()
            ),
            FolderError::NoRun { .. } => "name the folder of a run, such as runs/<manifest's stem>".to_owned(),
            FolderError::Plan { .. } => "run the manifest again: the file is rewritten each time".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
