use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::Run;
use crate::commands::Failure;
use crate::commands::backend::{self, ApiSetup};
use crate::commands::copied_folder::copy_warning;
use crate::commands::interrupt::Interruption;
use crate::commands::manifest_scope::{self, ManifestScope, OtherRunConflicts};
use crate::commands::many_changed::many_changed_warning;
use crate::commands::missing_pictures::missing_pictures_warning;
use crate::commands::options::Options;
use crate::commands::report_data::Live;
use crate::job::{Backend, Cents, ContentHash, JobId};
use crate::journal::{FileDisk, Ledger, RunEnd, RunStart};
use crate::manifest::Diagnostic;
use crate::plan::Work;
use crate::progress::{ChangedJobs, PlannedRerolls, Reporter, Screen};
use crate::run_folder::{FolderError, Lock, ReportStamp};
use crate::runner::{self, Batch, Effects, RunOutcome, StopSignal};

use super::notifications::Notifications;
use super::opening::FolderOpening;
use super::planning::Planning;
use super::prune::prune;
use super::run_plan::RunPlan;
use super::run_start::run_start;

/// A run whose manifest is planned and whose folder is locked.
pub(super) struct Session<'a> {
    pub(super) started: Instant,
    pub(super) arguments: &'a Run,
    screen: &'a Screen,
    pub(super) options: Options,
    /// The path of the manifest, as the user wrote it.
    name: String,
    plan: ContentHash,
    pub(super) run_plan: RunPlan,
    /// The record for the start of the run.
    pub(super) opening: RunStart,
    /// The number of rows of a partial manifest that are not those of the whole one.
    pub(super) differing: u64,
    /// The jobs that are paid for again because their requests have changed.
    pub(super) changed: ChangedJobs,
    /// The re-rolls that are known or possible before the run.
    rerolls: PlannedRerolls,
}

/// A run whose work is over.
pub(super) struct FinishedRun<'a> {
    pub(super) session: Session<'a>,
    pub(super) ending: RunOutcome,
    /// What had been spent in the folder before the run.
    pub(super) spent_before: Cents,
    /// The number of jobs whose pictures were moved aside because they are no longer in the manifest.
    pub(super) set_aside: u64,
    pub(super) changes: Changes,
}

/// What a run changes in its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changes {
    /// Jobs and pictures, and so the report.
    Jobs,
    /// Only the report, which was outdated.
    ReportOnly,
    /// Nothing.
    None,
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
        options.check_new_folder(&arguments.manifest)?;
        let mut opening = FolderOpening::begin(&options.folder);
        if options.scope == ManifestScope::Part {
            opening = opening.read()?;
            if let Some(ledger) = opening.ledger() {
                options = options.inherit(arguments, ledger)?;
                manifest.set_model(options.model());
            }
        }
        let planning = Planning::begin(&manifest, &arguments.manifest, &options, &opening)?;
        for notice in manifest.notices().iter().chain(planning.warnings()) {
            screen.show_diagnostic(notice);
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
        let changed = ChangedJobs { jobs: decided.changed, left: 0, shown: decided.displaced, price };
        let rerolls = PlannedRerolls {
            known: decided.rerolls,
            further: decided.further_rerolls,
            limit: options.settings.color.rerolls,
            price,
        };
        let name = arguments.manifest.display().to_string();
        let copied = copy_warning(&ledger, &options.folder, &name).filter(|_| decided.submits > 0);
        let many_changed = many_changed_warning(decided, options.backend, options.price(&ledger), &name);
        let renamed = run_plan.renamed.warning(&ledger, &name).map_err(FolderError::from)?;
        let missing = missing_pictures_warning(decided, &name);
        let other_run = other_run_warning(&options, &run_plan, &name)?;
        for warning in other_run.into_iter().chain(copied).chain(many_changed).chain(renamed).chain(missing) {
            screen.show_diagnostic(&warning);
        }
        let opening = run_start(&ledger, &options, &run_plan, &manifest, &name);
        let session =
            Session { started, arguments, screen, options, name, plan, run_plan, opening, differing, changed, rerolls };
        Ok((session, HeldFolder { lock, ledger, disk }))
    }

    /// Returns what the run will change: nothing if the last run finished and its report is up to date.
    fn expected_changes(&self, ledger: &Ledger) -> Result<Changes, FolderError> {
        let is_idle = self.run_plan.work_count() == 0
            && ledger.last_run_end() == RunEnd::Finished
            && ledger.unanswered().is_empty();
        let is_reported = is_idle && self.stamp()?.is_on_report(&self.options.folder);
        // Pictures that were changed after the report was written must be updated in it.
        let is_reported = is_reported && self.run_plan.retouched() == 0;
        Ok(match (is_idle, is_reported) {
            (false, _) => Changes::Jobs,
            (true, false) => Changes::ReportOnly,
            (true, true) => Changes::None,
        })
    }

    pub(super) fn stamp(&self) -> Result<ReportStamp, FolderError> {
        ReportStamp::of(&self.options.folder, self.plan, &self.opening)
    }

    /// Does the work of the run.
    pub(super) async fn work(
        mut self,
        mut ledger: Ledger,
        disk: FileDisk,
        notifications: &mut Notifications,
        interruption: &Interruption,
    ) -> Result<FinishedRun<'a>, Failure> {
        let spent_before = ledger.spent();
        let mut changes = self.expected_changes(&ledger)?;
        notifications.begin();
        let mut set_aside = BTreeSet::new();
        if self.run_plan.prunes(&self.options) {
            let is_asked_for = |id: &JobId| self.run_plan.is_job(id.as_str());
            let removed = self.run_plan.removed(&ledger);
            set_aside = prune(&self.options.folder, &mut ledger, disk.clone(), removed, is_asked_for).await?;
        } else if self.options.prunes {
            self.screen.print_line("nothing is pruned, because the manifest has no jobs");
        }
        if !set_aside.is_empty() {
            changes = Changes::Jobs;
        }
        let ending = if changes == Changes::None && self.is_recorded(&ledger) {
            RunOutcome { ledger, stopped: None, unpriced: 0 }
        } else {
            self.run_jobs(ledger, disk, interruption).await?
        };
        set_aside.extend(self.run_plan.saved_aside(&ending.ledger).cloned());
        let set_aside = set_aside.len() as u64;
        Ok(FinishedRun { session: self, ending, spent_before, set_aside, changes })
    }

    async fn run_jobs(
        &mut self,
        ledger: Ledger,
        disk: FileDisk,
        interruption: &Interruption,
    ) -> Result<RunOutcome, Failure> {
        let work_count = self.run_plan.work_count();
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
    end_connections().await;
    ended.map_err(Failure::from)
}

/// Lets the tasks of the connections that were closed with their clients end, because the report needs their memory. A
/// yield runs some dozens of them.
async fn end_connections() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}
