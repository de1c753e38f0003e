use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::Run;
use crate::color::VerdictCounts;
use crate::commands::Failure;
use crate::commands::backend::{self, ApiSetup};
use crate::commands::interrupt::Interruption;
use crate::commands::manifest_scope::{self, ManifestScope, OtherRunConflicts};
use crate::commands::options::Options;
use crate::commands::report_data::{self, Live, Outcome, PlanCounts, ReportInputs, resume};
use crate::exit::Exit;
use crate::job::{Backend, Cents, ContentHash, JobId, StatusCounts};
use crate::journal::{Edit, EditState, FileDisk, Ledger, RunEnd, RunStart};
use crate::manifest::{Diagnostic, render};
use crate::outputs::remove_leftovers;
use crate::plan::Work;
use crate::progress::{ChangedJobs, DifferingRows, MoneySummary, PlannedRerolls, Reporter, RunSummary, Screen};
use crate::report::{BatchTotals, DuplicatePictures};
use crate::run_folder::{FolderError, JournalCheckpoint, Lock, ReportStamp, ReportTurn};
use crate::runner::{self, Batch, Effects, RunOutcome, StopReason, StopSignal};

use super::notifications::Notifications;
use super::opening::FolderOpening;
use super::planning::Planning;
use super::prune::prune;
use super::run_plan::RunPlan;

/// The work that is left at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remaining {
    /// All jobs are examined again, and the report is written.
    JobsAndReport,
    /// There was no work, but the report is outdated.
    ReportOnly,
    /// The report is up to date.
    Nothing,
}

/// A run whose manifest is planned and whose folder is locked.
pub(super) struct Session<'a> {
    started: Instant,
    arguments: &'a Run,
    screen: &'a Screen,
    options: Options,
    /// The path of the manifest, as the user wrote it.
    name: String,
    plan: ContentHash,
    run_plan: RunPlan,
    /// The record for the start of the run.
    opening: RunStart,
    /// The number of jobs whose pictures were moved aside because they are no longer in the manifest.
    set_aside: u64,
    /// The number of rows of a partial manifest that are not those of the whole one.
    differing: u64,
    /// The jobs that are paid for again because their requests have changed.
    changed: ChangedJobs,
    /// The re-rolls that are known or possible before the run.
    rerolls: PlannedRerolls,
}

/// The run's folder, locked, with its journal replayed and ready to be appended to.
pub(super) struct HeldFolder {
    pub(super) lock: Lock,
    pub(super) ledger: Ledger,
    pub(super) disk: FileDisk,
}

impl<'a> Session<'a> {
    pub(super) fn prepare(arguments: &'a Run, screen: &'a Screen) -> Result<(Session<'a>, HeldFolder), Failure> {
        let started = Instant::now();
        let mut manifest = manifest_scope::open(&arguments.manifest).map_err(Failure::Manifest)?;
        let mut options = Options::merge(arguments, &manifest)?;
        let mut opening = FolderOpening::begin(&options.folder);
        if options.scope == ManifestScope::Part {
            opening = opening.read()?;
            if let Some(ledger) = opening.ledger() {
                options = options.inherit(arguments, ledger)?;
                manifest.set_model(options.model());
            }
        }
        let planning = Planning::begin(&manifest, &options, &opening)?;
        for notice in manifest.notices().iter().chain(planning.warnings()) {
            screen.say(&render(notice, screen.style()));
        }
        if options.backend == Backend::Vibedream && !options.folder.journal().exists() {
            // In a new folder, jobs have to be submitted, so a key is needed. Without one, no folder is created.
            backend::key()?;
        }
        let (lock, journal) = opening.finish()?;
        if journal.torn > 0 {
            tracing::info!(bytes = journal.torn, "removed an incomplete last line of the journal, left by a crash");
        }
        options.check_folder(&journal.ledger, &arguments.manifest)?;
        let published = planning.publish(&options)?;
        let (plan, differing) = (published.plan, published.differing);
        let run_plan = RunPlan::prepare(&journal.ledger, &options, published)?;
        options.check_origin(&journal.ledger, run_plan.asked_again)?;
        let (ledger, disk) = journal.into_disk();
        let price = (options.backend == Backend::Vibedream).then(|| options.price(&ledger));
        let decided = &run_plan.decided;
        let changed = ChangedJobs { jobs: decided.changed, shown: decided.displaced, price };
        let rerolls = PlannedRerolls {
            known: decided.rerolls,
            further: decided.further_rerolls,
            limit: options.settings.color.rerolls,
            price,
        };
        let name = arguments.manifest.display().to_string();
        if let Some(warning) = other_run_warning(&options, &run_plan, &name)? {
            screen.say(&render(&warning, screen.style()));
        }
        let opening = opening_record(&ledger, &options, &run_plan, &name);
        let session = Session {
            started,
            arguments,
            screen,
            options,
            name,
            plan,
            run_plan,
            opening,
            set_aside: 0,
            differing,
            changed,
            rerolls,
        };
        Ok((session, HeldFolder { lock, ledger, disk }))
    }

    /// Returns the work that is left at the end: nothing if the last run finished and its report is up to date.
    pub(super) fn remaining(&self, ledger: &Ledger) -> Result<Remaining, FolderError> {
        let is_idle = self.run_plan.work_count() == 0
            && ledger.last_run_end() == RunEnd::Finished
            && ledger.unanswered().is_empty();
        let is_reported = is_idle && self.stamp()?.is_on_report(&self.options.folder);
        // Pictures that were changed after the report was written must be updated in it.
        let is_reported = is_reported && self.run_plan.retouched() == 0;
        Ok(match (is_idle, is_reported) {
            (false, _) => Remaining::JobsAndReport,
            (true, false) => Remaining::ReportOnly,
            (true, true) => Remaining::Nothing,
        })
    }

    fn stamp(&self) -> Result<ReportStamp, FolderError> {
        ReportStamp::of(&self.options.folder, self.plan, &self.opening)
    }

    pub(super) async fn work(
        &mut self,
        mut ledger: Ledger,
        disk: FileDisk,
        remaining: Remaining,
        notifications: &mut Notifications,
        interruption: &Interruption,
    ) -> Result<RunOutcome, Failure> {
        notifications.begin();
        // A manifest without jobs is probably a mistake, and must not remove all pictures.
        if self.arguments.prune && self.run_plan.counts.total == 0 {
            self.screen.print_line("nothing is pruned, because the manifest has no jobs");
        } else if self.arguments.prune {
            let is_asked_for = |id: &JobId| self.run_plan.is_job(id.as_str());
            self.set_aside = prune(&self.options.folder, &mut ledger, disk.clone(), is_asked_for).await?;
        }
        let work_count = self.run_plan.work_count();
        if remaining == Remaining::Nothing && self.set_aside == 0 && self.is_recorded(&ledger) {
            return Ok(RunOutcome { ledger, stopped: None });
        }
        let mut reporter = self.announce();
        let asks_api = self.run_plan.asks_api();
        let setup = if work_count == 0 { None } else { Some(set_up_api(&mut self.options, asks_api).await?) };
        let work = self.run_plan.work(&self.options.folder);
        let _live = if work_count == 0 { None } else { Some(Live::begin(&self.options.folder)?) };
        let opening = self.opening.clone();
        let batch = Batch { opening, work, is_job: |stem: &str| self.run_plan.is_named(stem) };
        let ended =
            run_batch(&self.options, setup, ledger, disk, batch, &mut reporter, interruption.stop.clone()).await;
        reporter.close();
        ended
    }

    /// Whether the journal would not change by another record of a run with nothing to do.
    fn is_recorded(&self, ledger: &Ledger) -> bool {
        let counts = ledger.counts();
        let is_same = |run: &RunStart| RunStart { jobs: self.opening.jobs, ..run.clone() } == self.opening;
        counts == self.opening.jobs && ledger.last_run().is_some_and(is_same)
    }

    /// Prints the work of the run and its limits.
    fn announce(&self) -> Reporter<'a> {
        let Options { partition, settings, backend, .. } = &self.options;
        let work_count = self.run_plan.work_count();
        let share = partition.map_or_else(String::new, |share| format!(" (share {share})"));
        let name = format!("{}{share}", self.name);
        let reporter = Reporter::start(self.screen, &name, *backend, settings.submits, self.run_plan.remaining_work());
        if let (Some(share), Some(budget)) = (partition, settings.budget) {
            let all = budget.times(share.count().into());
            self.screen
                .say(&format!("the budget is for share {share} only: all {} shares may cost {all}", share.count()));
        }
        if self.changed.jobs > 0 {
            self.screen.say(&self.changed.to_string());
        }
        if !self.rerolls.is_empty() {
            self.screen.say(&self.rerolls.to_string());
        }
        if !self.run_plan.held_back.is_empty() {
            self.screen.say(&self.run_plan.held_back.to_string());
        }
        if let (Some(end), true) = (settings.not_after, work_count > 0) {
            let end = end.to_zoned_datetime(TimeZone::system());
            self.screen.say(&format!("submitting until {}", end.strftime("%F %H:%M %:z")));
        }
        reporter
    }

    /// Removes temporary files in `results/` that a killed process left behind, unless they may still be needed.
    pub(super) fn clean_up(&self, ledger: &Ledger, remaining: Remaining) -> Result<(), Failure> {
        let is_wanted = |edit: &Edit| matches!(edit.state, EditState::Fetched { .. });
        if remaining == Remaining::JobsAndReport && !ledger.live_edits().any(|(_, edit)| is_wanted(edit)) {
            remove_leftovers(self.options.folder.path()).map_err(runner::RunError::Results)?;
        }
        Ok(())
    }

    /// Returns the status of the selected jobs, and the totals of the whole manifest.
    pub(super) fn outcome(&self, ledger: &Ledger, remaining: Remaining) -> Result<(Outcome, PlanCounts), FolderError> {
        let folder = &self.options.folder;
        let has_changed = remaining == Remaining::JobsAndReport || self.set_aside > 0;
        let batch = match (has_changed, self.run_plan.selects_all()) {
            (false, true) => self.run_plan.initial_totals(ledger),
            _ => PlanCounts::of(folder, ledger)?,
        };
        let outcome = match (has_changed, self.run_plan.selects_all()) {
            (_, true) => batch.outcome.clone(),
            (true, false) => self.run_plan.outcome(folder, ledger)?,
            (false, false) => self.run_plan.initial_outcome(),
        };
        Ok((outcome, batch))
    }

    pub(super) fn report(&self, ledger: &Ledger, remaining: Remaining) -> Result<(), Failure> {
        JournalCheckpoint::put(&self.options.folder);
        let folder = &self.options.folder;
        let junit = self.arguments.junit.as_deref();
        let inputs = ReportInputs { folder, ledger, manifest: &self.opening.manifest, junit };
        let _turn = ReportTurn::wait(folder)?;
        if remaining != Remaining::Nothing || self.set_aside > 0 || junit.is_some() {
            report_data::write(&inputs)?;
        }
        self.stamp()?.put(folder);
        Ok(())
    }

    pub(super) fn summary(
        &self,
        ending: &RunOutcome,
        spent_before: Cents,
        outcome: Outcome,
        removed: u64,
    ) -> Result<(RunSummary, Exit), Failure> {
        let Outcome { counts, errors, colors, retouched, rerolled } = outcome;
        let (ledger, options) = (&ending.ledger, &self.options);
        let exit = exit(counts, colors, ending.stopped.as_ref());
        let duplicates = DuplicatePictures::of_report(&options.folder);
        // The report may be that of an earlier run.
        let duplicates = if self.run_plan.work_count() == 0 { duplicates.without_new() } else { duplicates };
        let summary = RunSummary {
            backend: options.backend,
            partition: options.partition,
            work: self.run_plan.work_count(),
            totals: BatchTotals {
                jobs: counts,
                open: ledger.open_predictions(),
                removed,
                held_back: self.run_plan.held_back.clone(),
                colors,
                retouched,
                errors,
                duplicates,
            },
            submits: ledger.submits(),
            money: MoneySummary {
                charged: options.backend.charges(),
                spent: ledger.spent(),
                spent_now: ledger.spent().minus(spent_before),
                reserved: ledger.reserved(),
                budget: options.settings.budget,
                budget_per_run: options.settings.budget_per_run,
            },
            elapsed: self.started.elapsed(),
            stopped: ending.stopped.clone(),
            uncertain: report_data::uncertain_submits(&options.folder, ledger)?,
            set_aside: self.set_aside,
            differing: DifferingRows { rows: self.differing, manifest: self.opening.manifest.clone() },
            changed: self.changed,
            rerolls: options.settings.color.rerolls,
            rerolled,
            results: options.folder.results(),
            report: options.folder.report_page(),
            resume: resume_command(),
        };
        Ok((summary, exit))
    }
}

/// Returns the warning about jobs that are open in the run whose report contains the manifest, if that is another run.
fn other_run_warning(options: &Options, run_plan: &RunPlan, name: &str) -> Result<Option<Diagnostic>, FolderError> {
    let Some(mut conflicts) = OtherRunConflicts::of(options.backend, &options.scope) else { return Ok(None) };
    for decided in run_plan.decided(&options.folder)? {
        let (key, decision) = decided?;
        conflicts.note(&key.job, decision);
    }
    Ok(conflicts.warning(name))
}

/// Returns the record for the start of a run of the manifest `name`.
fn opening_record(ledger: &Ledger, options: &Options, run_plan: &RunPlan, name: &str) -> RunStart {
    // A partial manifest belongs to the manifest of the run.
    let whole = ledger.last_run().filter(|_| options.scope == ManifestScope::Part);
    // Its path is relative to the directory of that run.
    let home = manifest_scope::original_directory(ledger);
    let of_whole = |run: &RunStart| match &home {
        Some(home) if run.manifest != "-" => home.join(&run.manifest).display().to_string(),
        _ => run.manifest.clone(),
    };
    RunStart {
        manifest: whole.map_or_else(|| name.to_owned(), of_whole),
        backend: options.backend,
        origin: options.origin(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        jobs: run_plan.counts,
        budget_cents: options.settings.budget,
        partition: options.partition,
        held_back: run_plan.held_back.clone(),
        images_via: options.images_via.map(|via| via.to_string()),
        settings: options.inheritable(),
        directory: std::env::current_dir().ok().and_then(|folder| folder.to_str().map(str::to_owned)),
        resume: Some(resume_command()),
    }
}

/// Sets up the API. If no request is needed, a key is optional.
async fn set_up_api(options: &mut Options, asks_api: bool) -> Result<ApiSetup, Failure> {
    Ok(match options.backend {
        Backend::Vibedream => {
            let key = if asks_api { backend::key()? } else { backend::key().unwrap_or_default() };
            for notice in &key.notices {
                tracing::warn!("{notice}");
            }
            backend::provider(options.base_url.clone(), &key.value, &options.folder)?
        }
        Backend::Embedded => {
            options.use_local_poll_schedule();
            backend::embedded(&options.folder).await?
        }
    })
}

async fn run_batch(
    options: &Options,
    setup: Option<ApiSetup>,
    ledger: Ledger,
    disk: FileDisk,
    batch: Batch<impl Iterator<Item = Result<Work, FolderError>>, impl Fn(&str) -> bool>,
    reporter: &mut Reporter<'_>,
    signal: StopSignal,
) -> Result<RunOutcome, Failure> {
    let Some(setup) = setup else {
        return Ok(runner::record_idle_run(disk, ledger, batch.opening, Timestamp::now).await?);
    };
    let effects = Effects {
        api: setup.api,
        store: Arc::clone(&setup.results),
        verifier: setup.verifier,
        disk,
        now: Arc::new(Timestamp::now),
        seed: fastrand::u64(..),
    };
    let ended = runner::run(options.settings.clone(), effects, ledger, batch, reporter, signal).await;
    if let Some(server) = setup.server {
        server.shutdown().await;
    }
    ended.map_err(Failure::from)
}

fn resume_command() -> String {
    resume(std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()))
}

/// Returns the exit code of a run that has ended.
fn exit(counts: StatusCounts, colors: VerdictCounts, stopped: Option<&StopReason>) -> Exit {
    match stopped.map(StopReason::kind) {
        Some(kind) if kind.is_resumable() => Exit::StoppedEarly,
        Some(_) => Exit::CannotGoOn,
        None if counts.completed == counts.total && colors.off == 0 => Exit::Complete,
        None => Exit::Incomplete,
    }
}
