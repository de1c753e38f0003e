mod pace;
mod table;
mod view;

use jiff::Timestamp;

use crate::cli::Status;
use crate::exit::Exit;
use crate::journal::{Costs, Ledger, RunEnd, RunState};
use crate::run_folder::{FolderError, RunFolder};

use super::Failure;
use super::print::{print_json, print_summary};
use super::report_data::{self, Outcome, PlanCounts, ReadLedger, continue_from, read_ledger};
use pace::MeasuredPace;
use view::StatusView;

/// Prints the state of a run. It takes no lock, so it works while the run is in progress.
pub(super) fn status(arguments: &Status) -> Result<Exit, Failure> {
    let folder = RunFolder::new(&arguments.dir);
    let ReadLedger { ledger, holder } = read_ledger(&folder)?;
    print_status(&folder, &ledger, holder, arguments.json)?;
    Ok(Exit::Complete)
}

/// Prints the state of the run of a folder, and returns its totals. `holder` is the process that works on it.
pub(super) fn print_status(
    folder: &RunFolder,
    ledger: &Ledger,
    holder: Option<String>,
    as_json: bool,
) -> Result<PlanCounts, Failure> {
    let run = ledger.last_run();
    let plan = plan_counts(folder, ledger)?;
    let Outcome { counts, colors, outdated, .. } = plan.outcome;
    let held_back = run.map(|run| run.held_back.clone()).unwrap_or_default();
    let state = RunState::of(ledger, counts.pending, holder.is_some());
    let is_open = !matches!(state, RunState::Running | RunState::Finished);
    let stopped = match ledger.last_run_end() {
        RunEnd::Stopped(reason) => Some(reason.to_owned()),
        RunEnd::Unknown | RunEnd::Finished => None,
    };
    let pace = pace(ledger, holder.is_some());
    let view = StatusView {
        version: 1,
        folder: folder.path().display().to_string(),
        state,
        held_by: holder,
        stopped,
        stop: ledger.last_stop(),
        resume: run.filter(|_| is_open).map(|run| continue_from(ledger, &run.manifest, folder.path())),
        manifest: run.map(|run| run.manifest.clone()),
        backend: run.map(|run| run.backend),
        partition: run.and_then(|run| run.partition),
        started_at: started_at(ledger),
        last_record_at: ledger.last_at(),
        jobs: counts,
        open: ledger.open_predictions(),
        removed: plan.removed,
        outdated,
        held_back,
        colors,
        cost_cents: Costs::of(ledger),
        pace,
        uncertain: report_data::uncertain_submits(folder, ledger)?,
    };
    if as_json {
        print_json(&view)?;
    } else {
        print_summary(&table::text(&view))?;
    }
    Ok(plan)
}

/// Returns when the folder's first run started. If the clock was set back since, it is the earliest known time, because
/// no run starts after its last record.
fn started_at(ledger: &Ledger) -> Option<Timestamp> {
    [ledger.started_at(), ledger.last_run_at(), ledger.last_at()].into_iter().flatten().min()
}

/// Returns the pace of the last run.
fn pace(ledger: &Ledger, is_running: bool) -> Option<MeasuredPace> {
    let opening = ledger.last_run()?.jobs;
    let until = if is_running { Timestamp::now() } else { ledger.last_at()? };
    MeasuredPace::between(&opening, &ledger.counts(), until.duration_since(ledger.last_run_at()?), is_running)
}

/// Returns the totals of a folder's plan. If the first run is still reading its manifest, there is none, and no job.
fn plan_counts(folder: &RunFolder, ledger: &Ledger) -> Result<PlanCounts, FolderError> {
    match PlanCounts::of(folder, ledger) {
        Err(FolderError::NoRun { .. }) => Ok(PlanCounts::default()),
        counts => counts,
    }
}
