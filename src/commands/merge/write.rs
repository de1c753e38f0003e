use jiff::Timestamp;

use crate::commands::Failure;
use crate::commands::copied_folder::canonical_name;
use crate::commands::report_data::PlanCounts;
use crate::files::{replace, sync_folder};
use crate::job::{Cents, HeldBack, StatusCounts};
use crate::journal::{MergedJournal, Record, RunEvent, RunStart};
use crate::run_folder::{FolderError, JournalDraft, PlanDraft};

use super::pictures::{self, Copied};
use super::source::Source;
use super::target::Target;

/// Writes pictures, plan and journal to `target`. Until that is done, a file in the folder has the `command` that
/// continues the merge. Returns the notes on the pictures.
pub(super) fn write(
    target: &Target,
    sources: &[Source],
    merged: &MergedJournal<'_>,
    plan: PlanDraft,
    command: &str,
) -> Result<Copied, Failure> {
    let folder = &target.folder;
    let failed = |cause| FolderError::io("write", folder.merging())(cause);
    replace(&folder.merging(), command.as_bytes()).map_err(failed)?;
    sync_folder(folder.path()).map_err(failed)?;
    let copied = pictures::copy(sources, merged, target).map_err(|failure| match failure {
        Failure::Results(cause) => Failure::Copy(cause),
        other => other,
    })?;
    plan.publish()?;
    let draft = JournalDraft::begin(folder, |writer| merged.write(writer))?;
    if merged.missing_lines() > 0 || target.ledger.is_none() {
        let ledger = draft.ledger()?;
        let records = closing_records(sources, target.last_run(), PlanCounts::of(folder, &ledger)?.outcome.counts);
        draft.publish(folder, &records, Timestamp::now())?;
    }
    // If a power loss brought the file back, the complete folder would be refused.
    std::fs::remove_file(folder.merging()).and_then(|()| sync_folder(folder.path())).map_err(failed)?;
    Ok(copied)
}

/// Returns the last records of the merged journal: one run over all jobs, with the reason why it is unfinished, if any.
fn closing_records(sources: &[Source], before: Option<&RunStart>, jobs: StatusCounts) -> Vec<Record> {
    let run = sources.first().map(|source| &source.run).or(before).cloned().unwrap_or_default();
    let budgets: Option<Vec<Cents>> = sources.iter().map(|source| source.run.budget_cents).collect();
    let open = sources.iter().find_map(|source| {
        let reason = source.ledger.last_run_end().why_unfinished()?;
        Some((format!("{}: {reason}", source.folder.path().display()), source.ledger.last_stop()))
    });
    let (reason, stop) = open.unzip();
    let held_back = HeldBack::of_all(sources.iter().map(|source| &source.run.held_back));
    let program = env!("CARGO_PKG_VERSION").to_owned();
    let budget_cents = budgets.filter(|budgets| !budgets.is_empty()).map(|budgets| budgets.into_iter().sum());
    let run = RunStart {
        program,
        jobs,
        budget_cents,
        held_back,
        partition: None,
        manifest_hash: None,
        directory: None,
        folder: sources.first().and_then(|source| canonical_name(source.folder.path())),
        resume: None,
        resume_all: None,
        ..run
    };
    vec![Record::Run(RunEvent::Run(run)), Record::Run(RunEvent::Ended { reason, stop: stop.flatten() })]
}
