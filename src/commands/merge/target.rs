use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::commands::report_data::PlanCounts;
use crate::commands::{Failure, MergeError};
use crate::job::{Cents, HeldBack, StatusCounts};
use crate::journal::{Ledger, MergedJournal, ReadAt, Record, RunEvent, RunStart};
use crate::run_folder::{FolderError, JournalCheckpoint, JournalDraft, JournalFile, Lock, PlanDraft, RunFolder};

use super::pictures::{self, Copied};
use super::source::Source;

/// The output folder, which may not exist yet.
pub(super) struct Target {
    pub(super) folder: RunFolder,
    /// The ledger of an earlier merge or run, if any.
    pub(super) ledger: Option<Ledger>,
    pub(super) journal: Arc<dyn ReadAt>,
    /// `None` until the folder exists: it is created once all checks have passed.
    pub(super) lock: Option<Lock>,
}

impl Target {
    pub(super) fn open(out: &Path) -> Result<Target, Failure> {
        let folder = RunFolder::new(out);
        let lock = if folder.path().exists() { Some(Lock::take(&folder)?) } else { None };
        if lock.is_some() {
            JournalCheckpoint::check(&folder)?;
            folder.remove_drafts()?;
        }
        let (ledger, journal) = match JournalFile::view(&folder) {
            Ok((ledger, file)) => (Some(ledger), file as Arc<dyn ReadAt>),
            Err(FolderError::NoRun { .. }) => (None, Arc::new(Vec::new()) as Arc<dyn ReadAt>),
            Err(error) => return Err(error.into()),
        };
        Ok(Target { folder, ledger, journal, lock })
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(super) fn last_run(&self) -> Option<&RunStart> {
        self.ledger.as_ref().and_then(Ledger::last_run)
    }

    /// Refuses the folder of one share.
    pub(super) fn check_is_whole(&self) -> Result<(), MergeError> {
        match self.last_run().and_then(|run| run.partition) {
            Some(share) => Err(MergeError::IntoShare { share, out: self.path() }),
            None => Ok(()),
        }
    }

    /// Refuses a folder whose pictures are from another backend than those of `sources`.
    pub(super) fn check_backend(&self, sources: &[Source]) -> Result<(), MergeError> {
        match (self.last_run(), sources.first()) {
            (Some(ours), Some(source)) if ours.backend != source.run.backend => {
                Err(MergeError::Backends { one: self.path(), other: source.path() })
            }
            _ => Ok(()),
        }
    }

    /// Creates the folder if needed, and locks it.
    pub(super) fn take_lock(&mut self) -> Result<(), FolderError> {
        if self.lock.is_none() {
            self.lock = Some(Lock::take(&self.folder)?);
        }
        Ok(())
    }

    /// Writes everything. Until that is done, a file contains the `command` that continues it. Returns the notes on the
    /// pictures.
    pub(super) fn write(
        &self,
        sources: &[Source],
        merged: &MergedJournal<'_>,
        plan: PlanDraft,
        command: &str,
    ) -> Result<Copied, Failure> {
        let folder = &self.folder;
        let failed = |cause| FolderError::io("write", folder.merging())(cause);
        crate::files::replace(&folder.merging(), command.as_bytes()).map_err(failed)?;
        crate::files::sync_folder(folder.path()).map_err(failed)?;
        let copied = pictures::copy(sources, merged, self)?;
        plan.publish()?;
        let draft = JournalDraft::begin(folder, |writer| merged.write(writer))?;
        if merged.missing_lines() > 0 || self.ledger.is_none() {
            let ledger = draft.ledger()?;
            let records = closing_records(sources, self.last_run(), PlanCounts::of(folder, &ledger)?.jobs);
            draft.publish(folder, &records, Timestamp::now())?;
        }
        std::fs::remove_file(folder.merging()).map_err(failed)?;
        Ok(copied)
    }
}

/// Returns the last records of the joined journal: one run over all the jobs, with the reason why it is unfinished, if
/// any.
fn closing_records(sources: &[Source], before: Option<&RunStart>, jobs: StatusCounts) -> Vec<Record> {
    let run = sources.first().map(|source| &source.run).or(before).cloned().unwrap_or_default();
    let budgets: Option<Vec<Cents>> = sources.iter().map(|source| source.run.budget_cents).collect();
    let open = sources.iter().find_map(|source| {
        let reason = source.ledger.last_run_end().why_unfinished()?;
        Some(format!("{}: {reason}", source.folder.path().display()))
    });
    let held_back = HeldBack::of_all(sources.iter().map(|source| &source.run.held_back));
    let program = env!("CARGO_PKG_VERSION").to_owned();
    let budget_cents = budgets.filter(|budgets| !budgets.is_empty()).map(|budgets| budgets.into_iter().sum());
    let run =
        RunStart { program, jobs, budget_cents, held_back, partition: None, directory: None, resume: None, ..run };
    vec![Record::Run(RunEvent::Run(run)), Record::Run(RunEvent::Ended { reason: open })]
}
