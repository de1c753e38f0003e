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
pub struct RunSummary {
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
    /// The jobs whose requests differed from earlier runs at the start.
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
pub struct DifferingRows {
    /// Their number.
    pub rows: u64,
    /// The path of the manifest, as the user wrote it.
    pub manifest: String,
}

/// The cost of a folder's submits, in cents, and its limits.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct MoneySummary {
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
    cost_cents: MoneySummary,
    submits: u64,
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
    pub fn text(&self) -> SummaryText {
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
        if self.changed.jobs > 0 {
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
        text.add_whole("pictures", self.results.display());
        text.add_whole("report", self.report.display());
        if let Some(reason) = &self.stopped {
            text.add("stopped", reason);
            text.add_whole("resume", &self.resume);
        }
        text
    }

    /// Returns the summary as a JSON object, version 1. `exit` is the exit code of the program.
    pub fn json(&self, exit: Exit) -> serde_json::Value {
        serde_json::json!(RunSummaryJson {
            version: 1,
            exit_code: exit.code(),
            backend: self.backend.as_str(),
            totals: &self.totals,
            set_aside: self.set_aside,
            changed: self.changed.jobs,
            cost_cents: self.money,
            submits: self.submits,
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
pub fn cost_here(at_the_provider: Cents) -> String {
    format!("nothing; the provider would charge {at_the_provider}")
}

/// Returns the text about jobs whose pictures the user has changed.
fn retouched_text(jobs: u64) -> String {
    format!("{} with pictures changed since they were saved; they are kept as they are", counted(jobs, "job"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::color::VerdictCounts;
    use crate::job::{ErrorClass, JobId, StatusCounts};
    use crate::progress::{Row, UncertainKind};

    const ALL_COMPLETED: StatusCounts = StatusCounts { total: 48, completed: 48, failed: 0, uncertain: 0, pending: 0 };
    const COSTS: Costs = Costs { charged: true, spent: Cents(336), reserved: Cents::ZERO, budget: Some(Cents(2500)) };
    const MONEY: MoneySummary = MoneySummary { costs: COSTS, spent_now: Cents(336), budget_per_run: None };

    fn totals() -> BatchTotals {
        BatchTotals { jobs: ALL_COMPLETED, ..BatchTotals::default() }
    }

    fn run_summary() -> RunSummary {
        RunSummary {
            backend: Backend::Vibedream,
            partition: None,
            work: 48,
            totals: totals(),
            submits: 48,
            money: MONEY,
            elapsed: Duration::from_secs(151),
            stopped: None,
            set_aside: 0,
            differing: DifferingRows::default(),
            changed: ChangedJobs::default(),
            uncertain: Vec::new(),
            rerolls: 0,
            rerolled: 0,
            results: "runs/spring/results".into(),
            report: "runs/spring/report/index.html".into(),
            resume: "dyehouse run spring.yaml".into(),
        }
    }

    #[test]
    fn the_summary_of_a_complete_run_has_four_lines() {
        insta::assert_snapshot!(run_summary().text().to_string(), @r"
        48 jobs completed in 2 min 31 s
          cost      $3.36 spent, of a budget of $25.00
          pictures  runs/spring/results
          report    runs/spring/report/index.html
        ");
    }

    #[test]
    fn a_run_with_nothing_to_do_does_not_claim_the_work_of_earlier_ones() {
        let counts = |total, completed, failed| StatusCounts { total, completed, failed, ..StatusCounts::default() };
        let head = |jobs, partition| {
            let totals = BatchTotals { jobs, ..totals() };
            RunSummary { totals, partition, work: 0, ..run_summary() }.head()
        };
        let share = Some("2/8".parse().unwrap());
        insta::assert_snapshot!(
            [
                head(counts(48, 48, 0), share),
                head(counts(1, 1, 0), None),
                head(counts(48, 46, 2), None),
                head(counts(0, 0, 0), share),
                head(counts(0, 0, 0), None),
                RunSummary { work: 0, set_aside: 2, ..run_summary() }.head(),
            ]
            .join("\n"),
            @r"
        nothing to do: all 48 jobs are completed
        nothing to do: the job is completed
        nothing to do: 46 of 48 jobs completed, 2 failed
        nothing to do: share 2/8 has no jobs of this manifest
        nothing to do: the manifest, or what is selected of it, has no jobs
        48 jobs completed in 2 min 31 s
        "
        );
    }

    #[test]
    fn the_cost_and_the_picture_of_a_removed_row_are_reported() {
        let money = MoneySummary { spent_now: Cents(14), budget_per_run: Some(Cents(50)), ..MONEY };
        let totals = BatchTotals { removed: 1, ..totals() };
        let run_summary = RunSummary { money, totals, set_aside: 2, ..run_summary() };
        insta::assert_snapshot!(run_summary.text().to_string(), @r"
        48 jobs completed in 2 min 31 s
          removed   1 job no longer in the manifest; the pictures stay (--prune moves them to earlier/)
          removed   2 jobs no longer in the manifest; the pictures were moved to earlier/
          cost      $3.36 spent, $0.14 of it in this run, of a budget of $25.00 and $0.50 per run
          pictures  runs/spring/results
          report    runs/spring/report/index.html
        ");
    }

    #[test]
    fn predictions_that_are_left_at_the_provider_are_urgent() {
        let open = |open, backend| {
            let totals = BatchTotals { open, ..totals() };
            RunSummary { totals, backend, ..run_summary() }
                .text()
                .to_string()
                .lines()
                .nth(1)
                .unwrap_or_default()
                .to_owned()
        };
        insta::assert_snapshot!(
            [open(0, Backend::Vibedream), open(1, Backend::Vibedream), open(6, Backend::Vibedream), open(2, Backend::Embedded)]
                .join("\n"),
            @r"
          cost      $3.36 spent, of a budget of $25.00
          open      1 prediction at the provider is paid for: run again soon, because pictures may be deleted ten minutes after it is finished
          open      6 predictions at the provider are paid for: run again soon, because pictures may be deleted ten minutes after they are finished
          open      2 predictions are left to a later run
        "
        );
    }

    #[test]
    fn missed_colors_are_counted_with_a_hint() {
        let colors = VerdictCounts { on: 44, near: 2, off: 1, unmeasurable: 1 };
        let totals = BatchTotals { colors, ..totals() };
        let color =
            |run_summary: RunSummary| run_summary.text().to_string().lines().nth(1).unwrap_or_default().to_owned();
        insta::assert_snapshot!(color(RunSummary { totals: totals.clone(), ..run_summary() }), @"  color     44 on, 2 near, 1 off, 1 unmeasurable; --reroll N submits off colors again with other seeds, at most N times");
        let rerolled =
            |rerolled, rerolls| color(RunSummary { totals: totals.clone(), rerolled, rerolls, ..run_summary() });
        insta::assert_snapshot!(rerolled(3, 2), @"  color     44 on, 2 near, 1 off, 1 unmeasurable; 3 re-rolled, at most 2 times each");
        insta::assert_snapshot!(rerolled(0, 1), @"  color     44 on, 2 near, 1 off, 1 unmeasurable; 0 re-rolled, at most once each");
    }

    #[test]
    fn the_summary_of_a_failed_run_says_what_to_do() {
        let jobs = StatusCounts { total: 48, completed: 40, failed: 3, uncertain: 1, pending: 4 };
        let errors = BTreeMap::from([(ErrorClass::Moderated, 2), (ErrorClass::Lost, 1)]);
        let stopped = Some(StopReason::Signal);
        let uncertain = vec![UncertainSubmit {
            job: JobId::new("mug-ocean").unwrap(),
            submitted_at: Some("2026-11-23T22:14:03Z".parse().unwrap()),
            fingerprint: "000102030405060708090a0b0c0d0e0f".parse().unwrap(),
            reserved_cents: Cents(7),
            row: Row::Asked,
            kind: UncertainKind::Result,
        }];
        let totals = BatchTotals { jobs, errors, ..totals() };
        let money = MoneySummary { costs: Costs { reserved: Cents(7), ..COSTS }, ..MONEY };
        let run_summary = RunSummary { totals, money, uncertain, stopped, ..run_summary() };
        insta::assert_snapshot!(run_summary.text().to_string(), @r"
        40 of 48 jobs completed, 3 failed, 1 uncertain, 4 pending in 2 min 31 s
          failed    2 moderated: reword the prompt or change the picture; the same request would be refused again
          failed    1 lost: may have been charged; each run polls again, and --retry-failed pays again
          uncertain 1 may have been charged: check the provider's dashboard; `dyehouse release runs/spring mug-ocean` frees the money if it was not charged, --uncertain resubmit pays again
                    mug-ocean: submitted 2026-11-23 22:14:03 UTC, request 000102030405060708090a0b0c0d0e0f
          cost      $3.36 spent, $0.07 reserved for uncertain submits, of a budget of $25.00
          pictures  runs/spring/results
          report    runs/spring/report/index.html
          stopped   interrupted by Ctrl-C, SIGTERM or SIGHUP
          resume    dyehouse run spring.yaml
        ");
    }
}
