mod pace;
mod table;
mod view;
mod work_left;

use jiff::Timestamp;

use crate::cli::Status;
use crate::exit::Exit;
use crate::journal::{Costs, Ledger, RunEnd, RunState};
use crate::run_folder::{FolderError, RunFolder, plan_lines};

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
    let open = ledger.open_predictions();
    let is_running = holder.is_some();
    let pace = pace(ledger, is_running.then(|| counts.pending.saturating_sub(open)));
    let color_checks_left = if is_running { color_checks_left(folder, ledger)? } else { 0 };
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
        open,
        removed: plan.removed,
        outdated,
        held_back,
        to_redo: to_redo(folder, ledger)?,
        colors,
        color_checks_left,
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

/// Returns the pace of the last run. `waiting` is how many of its jobs are not submitted, if it is in progress.
fn pace(ledger: &Ledger, waiting: Option<u64>) -> Option<MeasuredPace> {
    let opening = ledger.last_run()?.jobs;
    let until = if waiting.is_some() { Timestamp::now() } else { ledger.last_at()? };
    let took = until.duration_since(ledger.last_run_at()?);
    MeasuredPace::between(&opening, &ledger.counts(), took, waiting.unwrap_or(0))
}

/// Returns how many colors are still to be checked. If the first run is still reading its manifest, there are none.
fn color_checks_left(folder: &RunFolder, ledger: &Ledger) -> Result<u64, FolderError> {
    match work_left::color_checks(folder, ledger) {
        Err(FolderError::NoRun { .. }) => Ok(0),
        left => left,
    }
}

/// Returns how many jobs the next run makes anew, because the user wants that since the last one.
fn to_redo(folder: &RunFolder, ledger: &Ledger) -> Result<u64, FolderError> {
    let redone = ledger.redone();
    if redone.is_empty() {
        return Ok(0);
    }
    plan_lines(folder)?.try_fold(0, |count, line| {
        let key = line?.key()?;
        Ok(count + u64::from(redone.has(key.job.as_str(), key.fingerprint)))
    })
}

/// Returns the totals of a folder's plan. If the first run is still reading its manifest, there is none, and no job.
fn plan_counts(folder: &RunFolder, ledger: &Ledger) -> Result<PlanCounts, FolderError> {
    match PlanCounts::of(folder, ledger) {
        Err(FolderError::NoRun { .. }) => Ok(PlanCounts::default()),
        counts => counts,
    }
}
