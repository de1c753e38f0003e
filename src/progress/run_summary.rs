use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::exit::Exit;
use crate::job::{Backend, Cents, HeldBack, Partition, StopKind};
use crate::journal::Costs;
use crate::report::BatchTotals;
use crate::runner::StopReason;

use super::changed_jobs::{ChangedJobs, outdated_text};
use super::open_predictions::open_text;
use super::summary_text::SummaryText;
use super::uncertain_submit::{Advice, UncertainSubmit};
use crate::words::{counted, duration};

/// The result of a run, for the user or the calling program.
#[derive(Clone, Debug)]
pub(crate) struct RunSummary {
    /// The backend.
    pub backend: Backend,
    /// The share of the manifest, if the run was limited to one.
    pub partition: Option<Partition>,
    /// The number of jobs with work to do at the start.
    pub work: u64,
    /// The totals of the selected jobs.
    pub totals: BatchTotals,
    /// The number of submits in all runs of the folder.
    pub submits: u64,
    /// The number of submits of this run that were answered without a price, and count at the highest one so far.
    pub unpriced: u64,
    /// The cost and its limits.
    pub money: MoneySummary,
    /// The duration of this run.
    pub elapsed: Duration,
    /// The reason why it stopped before its work was done.
    pub stopped: Option<StopReason>,
    /// The number of jobs whose pictures this run has moved aside because they are no longer in the manifest. They do
    /// not count as removed.
    pub set_aside: u64,
    /// The rows of a `failed.csv` that were corrected in it.
    pub differing: DifferingRows,
    /// The jobs whose requests differed from earlier runs at the start, by whether they were submitted.
    pub changed: ChangedJobs,
    /// The submits that may have been charged.
    pub uncertain: Vec<UncertainSubmit>,
    /// The maximum number of re-rolls of a job that missed its color.
    pub rerolls: u32,
    /// The number of jobs that were re-rolled, in all runs of the folder.
    pub rerolled: u64,
    /// The path of the results.
    pub results: PathBuf,
    /// The path of the report.
    pub report: PathBuf,
    /// The command that continues the run.
    pub resume: String,
}

/// The rows of a report's `failed.csv` that differ from those of the manifest of the run.
#[derive(Clone, Debug, Default)]
pub(crate) struct DifferingRows {
    /// Their number.
    pub rows: u64,
    /// The path of the manifest, as the user wrote it.
    pub manifest: String,
}

/// The cost of a folder's submits, in cents, and its limits.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct MoneySummary {
    /// The cost of all runs of the folder, and its budget.
    #[serde(flatten)]
    pub costs: Costs,
    /// The cost of this run.
    pub spent_now: Cents,
    /// The budget for this run alone.
    pub budget_per_run: Option<Cents>,
}

/// The JSON form of a run's summary.
#[derive(Serialize)]
struct RunSummaryJson<'a> {
    version: u32,
    exit_code: u8,
    backend: &'static str,
    #[serde(flatten)]
    totals: &'a BatchTotals,
    set_aside: u64,
    changed: u64,
    changed_left: u64,
    cost_cents: MoneySummary,
    submits: u64,
    unpriced: u64,
    uncertain: &'a [UncertainSubmit],
    seconds: f64,
    stopped: Option<String>,
    stop: Option<StopKind>,
    results: &'a Path,
    report: &'a Path,
    resume: Option<&'a str>,
}

impl RunSummary {
    /// Returns the summary as text.
    pub(crate) fn text(&self) -> SummaryText {
        let mut text = SummaryText::new(self.head());
        for (class, count) in &self.totals.errors {
            text.add("failed", format_args!("{count} {class}: {}", class.hint()));
        }
        let folder = self.results.parent().unwrap_or(&self.results);
        if let Some(Advice { count, text: advice, submits }) = UncertainSubmit::asked(&self.uncertain, folder) {
            text.add("uncertain", format_args!("{count} {advice}"));
            submits.iter().for_each(|submit| text.add("", submit));
        }
        if let Some(Advice { text: advice, submits, .. }) = UncertainSubmit::left_behind(&self.uncertain, folder) {
            text.add("reserved", advice);
            submits.iter().for_each(|submit| text.add("", submit));
        }
        if let Some(open) = open_text(self.totals.open, self.backend) {
            text.add("open", open);
        }
        for (count, remark) in [
            (self.totals.removed, "no longer in the manifest; the pictures stay (--prune moves them to earlier/)"),
            (self.set_aside, "no longer in the manifest; the pictures were moved to earlier/"),
        ] {
            if count > 0 {
                text.add("removed", format_args!("{} {remark}", counted(count, "job")));
            }
        }
        if self.changed.jobs + self.changed.left > 0 {
            text.add("changed", self.changed);
        }
        if self.totals.outdated > 0 {
            text.add("outdated", outdated_text(self.totals.outdated));
        }
        if self.differing.rows > 0 {
            text.add("differs", &self.differing);
        }
        if self.totals.retouched > 0 {
            text.add("retouched", retouched_text(self.totals.retouched));
        }
        let held_back = &self.totals.held_back;
        if !held_back.is_empty() {
            let (jobs, reason) = (counted(held_back.jobs, "job"), held_back.reason());
            text.add("held back", format_args!("{jobs}: {reason}; {}", HeldBack::HINT));
        }
        if self.totals.colors.total() > 0 {
            text.add("color", self.color());
        }
        if self.totals.duplicates.all.jobs > 0 {
            text.add("alike", self.totals.duplicates.after_run());
        }
        text.add("cost", self.cost());
        if self.unpriced > 0 {
            let submits = counted(self.unpriced, "submit");
            text.add("", format_args!("{submits} answered without a price, and counted at the highest one so far"));
        }
        text.add_whole("pictures", self.results.display());
        text.add_whole("report", self.report.display());
        if let Some(reason) = &self.stopped {
            text.add("stopped", reason);
            text.add_whole("resume", &self.resume);
        }
        text
    }

    /// Returns the summary as a JSON object, version 1. `exit` is the exit code of the program.
    pub(crate) fn json(&self, exit: Exit) -> serde_json::Value {
        serde_json::json!(RunSummaryJson {
            version: 1,
            exit_code: exit.code(),
            backend: self.backend.as_str(),
            totals: &self.totals,
            set_aside: self.set_aside,
            changed: self.changed.jobs,
            changed_left: self.changed.left,
            cost_cents: self.money,
            submits: self.submits,
            unpriced: self.unpriced,
            uncertain: &self.uncertain,
            seconds: self.elapsed.as_secs_f64(),
            stopped: self.stopped.as_ref().map(ToString::to_string),
            stop: self.stopped.as_ref().map(StopReason::kind),
            results: &self.results,
            report: &self.report,
            resume: self.stopped.as_ref().map(|_| self.resume.as_str()),
        })
    }

    /// Returns the first line: the number of completed jobs, or that there was nothing to do.
    fn head(&self) -> String {
        let counts = &self.totals.jobs;
        let done = if counts.completed == counts.total {
            format!("{} completed", counted(counts.total, "job"))
        } else {
            format!("{} of {} completed", counts.completed, counted(counts.total, "job"))
        };
        let others = [(counts.failed, "failed"), (counts.uncertain, "uncertain"), (counts.pending, "pending")];
        let others: String =
            others.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!(", {count} {word}")).collect();
        let is_idle = self.work == 0 && self.set_aside == 0 && self.stopped.is_none();
        match (counts.total, self.partition) {
            _ if !is_idle => format!("{done}{others} in {}", duration(self.elapsed)),
            (0, Some(share)) => format!("nothing to do: share {share} has no jobs of this manifest"),
            (0, None) => "nothing to do: the manifest, or what is selected of it, has no jobs".to_owned(),
            (1, _) if counts.completed == 1 => "nothing to do: the job is completed".to_owned(),
            (total, _) if counts.completed == total => format!("nothing to do: all {total} jobs are completed"),
            _ => format!("nothing to do: {done}{others}"),
        }
    }

    fn color(&self) -> String {
        let counts = self.totals.colors.by_word().into_iter().filter(|(_, count)| *count > 0);
        let mut counts: Vec<String> = counts.map(|(word, count)| format!("{count} {word}")).collect();
        let unchecked = self.totals.jobs.completed.saturating_sub(self.totals.colors.total());
        if unchecked > 0 {
            counts.push(format!("{unchecked} not checked"));
        }
        let advice = match (self.totals.colors.off, self.rerolls) {
            (0, _) => String::new(),
            (_, 0) => "; --reroll N submits off colors again with other seeds, at most N times".to_owned(),
            (_, 1) => format!("; {} re-rolled, at most once each", self.rerolled),
            (_, times) => format!("; {} re-rolled, at most {times} times each", self.rerolled),
        };
        counts.join(", ") + &advice
    }

    fn cost(&self) -> String {
        let MoneySummary { costs, spent_now, budget_per_run } = self.money;
        if !costs.charged {
            return cost_here(costs.spent);
        }
        let mut text = format!("{} spent", costs.spent);
        if spent_now < costs.spent {
            text.push_str(&format!(", {spent_now} of it in this run"));
        }
        if costs.reserved > Cents::ZERO {
            text.push_str(&format!(", {} reserved for uncertain submits", costs.reserved));
        }
        let a_run = budget_per_run.map(|budget| format!("{budget} per run"));
        let budgets: Vec<String> = costs.budget.map(|budget| budget.to_string()).into_iter().chain(a_run).collect();
        if !budgets.is_empty() {
            text.push_str(&format!(", of a budget of {}", budgets.join(" and ")));
        }
        text
    }
}

impl std::fmt::Display for DifferingRows {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let DifferingRows { rows, manifest } = self;
        let (differ, them) = if *rows == 1 { ("differs", "it") } else { ("differ", "them") };
        let rows = counted(*rows, "row");
        write!(
            formatter,
            "{rows} {differ} from {manifest}: change {them} there too, or its next run goes back to the old"
        )
    }
}

/// Returns the cost of edits by the embedded backend as text.
pub(crate) fn cost_here(at_the_provider: Cents) -> String {
    format!("nothing; the provider would charge {at_the_provider}")
}

/// Returns the text about jobs whose pictures the user has changed.
fn retouched_text(jobs: u64) -> String {
    format!("{} with pictures changed since they were saved; they are kept as they are", counted(jobs, "job"))
}

#[cfg(test)]
mod tests;
