use serde::Serialize;

use crate::cli::Status;
use crate::color::VerdictCounts;
use crate::exit::Exit;
use crate::job::{Cents, Partition};
use crate::journal::{Ledger, PlanCounts, RunEvent};
use crate::progress::Doubt;
use crate::run_folder::{FolderError, RunFolder};

use super::gather::{self, settled};
use super::resume::resume_from;
use super::{Failure, print, print_json};

/// What `status --json` prints.
#[derive(Debug, Serialize)]
struct Standing {
    version: u32,
    folder: String,
    state: &'static str,
    held_by: Option<String>,
    stopped: Option<String>,
    manifest: Option<String>,
    backend: Option<String>,
    partition: Option<Partition>,
    resume: Option<String>,
    started_at: Option<jiff::Timestamp>,
    last_record_at: Option<jiff::Timestamp>,
    jobs: PlanCounts,
    removed: u64,
    colors: VerdictCounts,
    cost_cents: Money,
    uncertain: Vec<Doubt>,
}

#[derive(Debug, Serialize)]
struct Money {
    spent: Cents,
    reserved: Cents,
    budget: Option<Cents>,
}

/// Tells where a run stands. It takes no lock, so it can be asked at any time.
pub(super) fn status(arguments: &Status) -> Result<Exit, Failure> {
    let folder = RunFolder::new(&arguments.dir);
    let (ledger, holder) = settled(&folder)?;
    tell(&folder, &ledger, holder, arguments.json)?;
    Ok(Exit::Complete)
}

/// Prints where the run of a folder stands; `holder` works on it.
pub(super) fn tell(folder: &RunFolder, ledger: &Ledger, holder: Option<String>, as_json: bool) -> Result<(), Failure> {
    let (manifest, backend, budget, partition) = match ledger.last_run() {
        Some(RunEvent::Run { manifest, backend, budget_cents, partition, .. }) => {
            (Some(manifest.clone()), Some(backend.clone()), *budget_cents, *partition)
        }
        _ => (None, None, None, None),
    };
    let stopped = ledger.ended().flatten().map(str::to_owned);
    let counts = ledger.counts();
    let state = match (&holder, ledger.ended()) {
        (Some(_), _) => "running",
        (None, Some(None)) => "finished",
        (None, Some(Some(_))) => "stopped",
        (None, None) => "interrupted",
    };
    let is_open = matches!(state, "stopped" | "interrupted");
    let standing = Standing {
        version: 1,
        folder: folder.path().display().to_string(),
        state,
        held_by: holder,
        stopped,
        resume: manifest.as_ref().filter(|_| is_open).map(|manifest| resume_from(ledger, manifest, folder.path())),
        manifest,
        backend,
        partition,
        started_at: ledger.started_at(),
        last_record_at: ledger.last_at(),
        jobs: counts,
        removed: removed(folder, ledger)?,
        colors: ledger.colors(),
        cost_cents: Money { spent: ledger.spent(), reserved: ledger.reserved(), budget },
        uncertain: Doubt::all(ledger).map_err(FolderError::from)?,
    };
    if as_json {
        print_json(&standing);
    } else {
        print(text(&standing).as_bytes());
    }
    Ok(())
}

/// A folder whose first run is still reading its manifest has no plan, and so nothing that was removed from it.
fn removed(folder: &RunFolder, ledger: &Ledger) -> Result<u64, FolderError> {
    match gather::removed(folder, ledger) {
        Err(FolderError::NoRun { .. }) => Ok(0),
        counted => counted,
    }
}

fn text(standing: &Standing) -> String {
    let mut head = format!("{}: {}", standing.folder, standing.state);
    for note in [&standing.held_by, &standing.stopped].into_iter().flatten() {
        head.push_str(&format!(", {note}"));
    }
    let jobs = &standing.jobs;
    if let Some(share) = standing.partition {
        head.push_str(&format!(", share {share}"));
    }
    let mut text = format!("{head}\n");
    let line = |text: &mut String, name: &str, value: String| text.push_str(&format!("  {name:<10}{value}\n"));
    let width = jobs.total.to_string().len();
    for (name, count) in [
        ("completed", jobs.completed),
        ("failed", jobs.failed),
        ("uncertain", jobs.uncertain),
        ("pending", jobs.pending),
    ] {
        line(&mut text, name, format!("{count:>width$} of {}", jobs.total));
        if name == "uncertain" {
            text.push_str(&Doubt::lines(&standing.uncertain));
        }
    }
    if standing.removed > 0 {
        line(
            &mut text,
            "removed",
            format!("{:>width$} no longer in the manifest; the pictures stay", standing.removed),
        );
    }
    let colors = standing.colors.by_word().into_iter().filter(|(_, count)| *count > 0);
    let colors: Vec<String> = colors.map(|(word, count)| format!("{count} {word}")).collect();
    if !colors.is_empty() {
        line(&mut text, "color", colors.join(", "));
    }
    let money = &standing.cost_cents;
    let mut cost = format!("{} spent", money.spent);
    if money.reserved > Cents::ZERO {
        cost.push_str(&format!(", {} reserved", money.reserved));
    }
    if let Some(budget) = money.budget {
        cost.push_str(&format!(", of a budget of {budget}"));
    }
    line(&mut text, "cost", cost);
    for (name, at) in [("started", standing.started_at), ("last news", standing.last_record_at)] {
        if let Some(at) = at {
            line(&mut text, name, at.strftime("%F %T UTC").to_string());
        }
    }
    if let Some(resume) = &standing.resume {
        line(&mut text, "resume", resume.clone());
    }
    text
}
