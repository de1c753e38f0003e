//! The end of a run: what is left in its folder, and its summary.

use crate::commands::Failure;
use crate::commands::leftovers::clean_up;
use crate::commands::report_data::{self, Jobs, Outcome, PlanCounts, ReportInputs};
use crate::exit::Exit;
use crate::job::Cents;
use crate::journal::Costs;
use crate::notify::Figures;
use crate::progress::{ChangedJobs, DifferingRows, MoneySummary, RunSummary};
use crate::report::{BatchTotals, DuplicatePictures};
use crate::run_folder::{FolderError, JournalCheckpoint, ReportTurn};
use crate::runner::{RunOutcome, StopReason};

use super::run_start::resume_command;
use super::session::{Changes, FinishedRun, Session};

/// The end of a run that was carried out.
pub(super) struct End {
    pub(super) summary: RunSummary,
    pub(super) exit: Exit,
    /// The figures for notifications.
    pub(super) figures: Figures,
    /// The reason why the report is missing or incomplete. Pictures that were paid for are saved regardless.
    pub(super) report_failure: Option<Failure>,
    clean_up_failure: Option<Failure>,
}

impl End {
    /// Returns what could not be done at the end of the run, the most important first.
    pub(super) fn failures(&self) -> impl Iterator<Item = &Failure> {
        [&self.report_failure, &self.clean_up_failure].into_iter().flatten()
    }
}

impl FinishedRun<'_> {
    /// Cleans up the folder, writes the report, and returns the summary.
    pub(super) fn end(self) -> Result<End, Failure> {
        let clean_up_failure = self.clean_up().err();
        let (outcome, batch) = self.outcome()?;
        let report_failure = self.report().err();
        let exit = Exit::of(outcome.counts, outcome.colors, self.ending.stopped.as_ref().map(StopReason::kind));
        let summary = self.summary(outcome, batch.removed)?;
        let figures = figures(&summary, &batch);
        let end = End { summary, exit, figures, report_failure, clean_up_failure };
        let exit = end.failures().next().map_or(exit, Failure::exit);
        Ok(End { exit, ..end })
    }

    /// Removes temporary files that a killed process left behind.
    fn clean_up(&self) -> Result<(), Failure> {
        match self.changes {
            Changes::Jobs => clean_up(&self.session.options.folder, &self.ending.ledger),
            _ => Ok(()),
        }
    }

    /// Returns the status of the selected jobs, and the totals of the whole manifest.
    fn outcome(&self) -> Result<(Outcome, PlanCounts), FolderError> {
        let Session { options, run_plan, .. } = &self.session;
        let (folder, ledger) = (&options.folder, &self.ending.ledger);
        let has_changed = self.changes == Changes::Jobs;
        let batch = match (has_changed, run_plan.selects_all()) {
            (false, true) => run_plan.initial_totals(ledger),
            _ => PlanCounts::of(folder, ledger)?,
        };
        let outcome = match (has_changed, run_plan.selects_all()) {
            (_, true) => batch.outcome.clone(),
            (true, false) => run_plan.outcome(folder, ledger)?,
            (false, false) => run_plan.initial_outcome(),
        };
        Ok((outcome, batch))
    }

    fn report(&self) -> Result<(), Failure> {
        let Session { options, arguments, opening, .. } = &self.session;
        let folder = &options.folder;
        JournalCheckpoint::put(folder);
        let junit = arguments.junit.as_deref();
        let (ledger, manifest) = (&self.ending.ledger, opening.manifest.as_str());
        let inputs = ReportInputs { folder, ledger, manifest, is_running: false, junit };
        let _turn = ReportTurn::wait(folder)?;
        if self.changes != Changes::None || junit.is_some() {
            report_data::write(&inputs)?;
        }
        self.session.stamp()?.put(folder);
        Ok(())
    }

    /// Returns the changed jobs, by whether the run has submitted them.
    fn changed(&self) -> Result<ChangedJobs, FolderError> {
        let Session { options, run_plan, changed, .. } = &self.session;
        if changed.jobs == 0 {
            return Ok(*changed);
        }
        let (jobs, left) = run_plan.changed(&options.folder, &self.ending.ledger)?;
        Ok(ChangedJobs { jobs, left, ..*changed })
    }

    fn summary(&self, outcome: Outcome, removed: u64) -> Result<RunSummary, Failure> {
        let Outcome { counts, errors, colors, retouched, outdated, rerolled } = outcome;
        let Session { started, options, run_plan, opening, differing, .. } = &self.session;
        let RunOutcome { ledger, stopped, unpriced } = &self.ending;
        let duplicates = DuplicatePictures::of_report(&options.folder);
        // The report may be that of an earlier run.
        let duplicates = if run_plan.work_count() == 0 { duplicates.without_new() } else { duplicates };
        Ok(RunSummary {
            backend: options.backend,
            partition: options.partition,
            work: run_plan.work_count(),
            totals: BatchTotals {
                jobs: counts,
                open: ledger.open_predictions(),
                removed,
                outdated,
                held_back: run_plan.held_back.clone(),
                colors,
                retouched,
                errors,
                duplicates,
            },
            submits: ledger.submits(),
            unpriced: *unpriced,
            money: MoneySummary {
                costs: Costs::of(ledger),
                spent_now: ledger.spent().minus(self.spent_before),
                budget_per_run: options.settings.budget_per_run,
            },
            elapsed: started.elapsed(),
            stopped: stopped.clone(),
            uncertain: report_data::uncertain_submits(&options.folder, ledger)?,
            set_aside: self.set_aside,
            differing: DifferingRows { rows: *differing, manifest: opening.manifest.clone() },
            changed: self.changed()?,
            rerolls: options.settings.color.rerolls,
            rerolled,
            results: options.folder.results(),
            report: options.folder.report_page(),
            resume: resume_command(Jobs::Selected),
        })
    }
}

/// Returns the figures for notifications. They are about the whole manifest, whatever the run selected of it.
fn figures(summary: &RunSummary, batch: &PlanCounts) -> Figures {
    let MoneySummary { costs, spent_now, .. } = summary.money;
    let charged = |cents: Cents| if costs.charged { cents } else { Cents::ZERO };
    Figures {
        elapsed: summary.elapsed,
        jobs: batch.outcome.counts,
        colors: batch.outcome.colors,
        open: summary.totals.open,
        removed: batch.removed,
        costs: Costs { spent: charged(costs.spent), reserved: charged(costs.reserved), ..costs },
        spent_now: charged(spent_now),
        submits: summary.submits,
        result_bytes: None,
    }
}
