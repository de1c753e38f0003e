use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::api::outcome::Stop;
use crate::cli::Run;
use crate::color::VerdictCounts;
use crate::commands::Failure;
use crate::commands::backend::{self, Ready};
use crate::commands::interrupt::Interruption;
use crate::commands::manifest_scope::{ManifestScope, OtherRunConflicts};
use crate::commands::options::Options;
use crate::commands::report_data::{self, Gathered, Live, PlanCounts, resume};
use crate::exit::Exit;
use crate::job::{Backend, Cents, ContentHash, JobId, StatusCounts};
use crate::journal::{Edit, EditState, FileDisk, Ledger, RunEnd, RunStart};
use crate::manifest::{Manifest, render};
use crate::outputs::remove_leftovers;
use crate::plan::Work;
use crate::progress::{ChangedJobs, MoneySummary, Reporter, RunSummary, Screen};
use crate::report::{BatchTotals, DuplicatePictures};
use crate::run_folder::{FolderError, JournalCheckpoint, Lock, ReportStamp, ReportTurn};
use crate::runner::{self, Batch, Effects, RunOutcome, StopReason, StopSignal};

use super::agenda::{Agenda, Outcome};
use super::notices::Notifications;
use super::opening::FolderOpening;
use super::planning::Planning;
use super::prune::prune;

/// What is left to do at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remaining {
    /// All jobs are looked at again, and the report is written.
    JobsAndReport,
    /// There was nothing to do, and the report is older than that.
    ReportOnly,
    /// The last run left everything so.
    Nothing,
}

/// A run whose manifest is planned and whose folder is held.
pub(super) struct Session<'a> {
    started: Instant,
    arguments: &'a Run,
    screen: &'a Screen,
    options: Options,
    /// The manifest, as it was named.
    name: String,
    plan: ContentHash,
    agenda: Agenda,
    /// The record that begins it.
    opening: RunStart,
    /// How many jobs had their pictures moved aside because the manifest has them no more.
    set_aside: u64,
    /// The jobs that are paid for again because they ask for something else.
    changed: ChangedJobs,
}

/// The run's folder, held: its journal is replayed and ready to be appended to.
pub(super) struct Held {
    pub(super) lock: Lock,
    pub(super) ledger: Ledger,
    pub(super) disk: FileDisk,
}

impl<'a> Session<'a> {
    pub(super) fn prepare(arguments: &'a Run, screen: &'a Screen) -> Result<(Session<'a>, Held), Failure> {
        let started = Instant::now();
        let manifest = Manifest::open(&arguments.manifest).map_err(Failure::Manifest)?;
        let mut options = Options::merge(arguments, &manifest)?;
        let mut opening = FolderOpening::begin(&options.folder);
        if options.scope == ManifestScope::Part {
            opening = opening.read()?;
            if let Some(ledger) = opening.ledger() {
                options.inherit(ledger);
            }
        }
        let planning = Planning::begin(&manifest, &options, &opening)?;
        for notice in manifest.notices().iter().chain(planning.warnings()) {
            screen.say(&render(notice, screen.style()));
        }
        if options.backend == Backend::Vibedream && !options.folder.journal().exists() {
            // Nothing can be finished yet, so a key is needed, and no folder is made without one.
            backend::key()?;
        }
        let (lock, journal) = opening.finish()?;
        if journal.torn > 0 {
            tracing::info!(bytes = journal.torn, "removed an incomplete last line of the journal, left by a crash");
        }
        options.check_folder(&journal.ledger)?;
        let published = planning.publish(&options)?;
        let plan = published.plan;
        let agenda = Agenda::prepare(&journal.ledger, &options, published)?;
        options.check_origin(&journal.ledger, agenda.asked_again)?;
        let (ledger, disk) = journal.into_disk();
        let price = (options.backend == Backend::Vibedream).then(|| options.price(&ledger));
        let changed = ChangedJobs { price, ..agenda.changed };
        let name = arguments.manifest.display().to_string();
        if let Some(mut there) = OtherRunConflicts::of(options.backend, &options.scope) {
            for decided in agenda.decided(&options.folder)? {
                let (key, decision) = decided?;
                there.note(&key.job, decision);
            }
            there.warning(&name).iter().for_each(|warning| screen.say(&render(warning, screen.style())));
        }
        // The rows of a part are rows of the manifest that the run is of.
        let whole = ledger.last_run().filter(|_| options.scope == ManifestScope::Part);
        let opening = RunStart {
            manifest: whole.map_or_else(|| name.clone(), |run| run.manifest.clone()),
            backend: options.backend,
            origin: options.origin(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            jobs: agenda.counts,
            budget_cents: options.settings.budget,
            partition: options.partition,
            held_back: agenda.held_back.clone(),
            images_via: options.images_via.map(|via| via.to_string()),
            directory: std::env::current_dir().ok().and_then(|folder| folder.to_str().map(str::to_owned)),
            resume: Some(resume_command()),
        };
        let session =
            Session { started, arguments, screen, options, name, plan, agenda, opening, set_aside: 0, changed };
        Ok((session, Held { lock, ledger, disk }))
    }

    /// What the last run left in good order and this one leaves alone needs no second look.
    pub(super) fn remaining(&self, ledger: &Ledger) -> Result<Remaining, FolderError> {
        let is_idle =
            self.agenda.left() == 0 && ledger.last_run_end() == RunEnd::Finished && ledger.unanswered().is_empty();
        let is_reported = is_idle && self.mark()?.is_on_report(&self.options.folder);
        // What somebody makes of a picture after that is to be seen as well.
        let is_reported = is_reported && self.agenda.retouched() == 0;
        Ok(match (is_idle, is_reported) {
            (false, _) => Remaining::JobsAndReport,
            (true, false) => Remaining::ReportOnly,
            (true, true) => Remaining::Nothing,
        })
    }

    fn mark(&self) -> Result<ReportStamp, FolderError> {
        ReportStamp::of(&self.options.folder, self.plan, &self.opening)
    }

    pub(super) async fn work(
        &mut self,
        mut ledger: Ledger,
        disk: FileDisk,
        notices: &mut Notifications,
        interruption: &Interruption,
    ) -> Result<RunOutcome, Failure> {
        notices.begin();
        // Nobody means to move everything away: a condition that holds for no row is a slip.
        if self.arguments.prune && self.agenda.counts.total == 0 {
            self.screen.print_line("nothing is pruned, because the manifest has no jobs");
        } else if self.arguments.prune {
            let is_asked_for = |id: &JobId| self.agenda.is_job(id.as_str());
            self.set_aside = prune(&self.options.folder, &mut ledger, disk.clone(), is_asked_for).await?;
        }
        let left = self.agenda.left();
        let mut reporter = self.announce();
        let asks_api = self.agenda.asks_api();
        let ready = if left == 0 { None } else { Some(ready(&mut self.options, asks_api).await?) };
        let work = self.agenda.work(&self.options.folder);
        let _live = if left == 0 { None } else { Some(Live::begin(&self.options.folder)?) };
        let opening = self.opening.clone();
        let batch = Batch { opening, work, is_job: |stem: &str| self.agenda.is_named(stem) };
        let ended = carry(&self.options, ready, ledger, disk, batch, &mut reporter, interruption.stop.clone()).await;
        reporter.close();
        ended
    }

    /// Tells what is about to begin, and what bounds it.
    fn announce(&self) -> Reporter<'a> {
        let Options { partition, settings, backend, .. } = &self.options;
        let left = self.agenda.left();
        let share = partition.map_or_else(String::new, |share| format!(" (share {share})"));
        let name = format!("{}{share}", self.name);
        let reporter = Reporter::start(self.screen, &name, *backend, settings.submits, self.agenda.outlook());
        if let (Some(share), Some(budget)) = (partition, settings.budget) {
            let all = budget.times(share.count().into());
            self.screen
                .say(&format!("the budget is for share {share} only: all {} shares may cost {all}", share.count()));
        }
        if self.changed.jobs > 0 {
            self.screen.say(&self.changed.to_string());
        }
        if !self.agenda.held_back.is_empty() {
            self.screen.say(&self.agenda.held_back.to_string());
        }
        if let (Some(end), true) = (settings.not_after, left > 0) {
            let end = end.to_zoned_datetime(TimeZone::system());
            self.screen.say(&format!("submitting until {}", end.strftime("%F %H:%M %:z")));
        }
        reporter
    }

    /// Removes what a dead process left in `results/`, unless it may yet be asked for.
    pub(super) fn tidy(&self, ledger: &Ledger, remaining: Remaining) -> Result<(), Failure> {
        let is_wanted = |edit: &Edit| matches!(edit.state, EditState::Fetched { .. });
        if remaining == Remaining::JobsAndReport && !ledger.live_edits().any(|(_, edit)| is_wanted(edit)) {
            remove_leftovers(self.options.folder.path()).map_err(runner::RunError::Results)?;
        }
        Ok(())
    }

    /// How the jobs stand that were meant, and how many are shown and no longer in the manifest.
    pub(super) fn outcome(&self, ledger: &Ledger, remaining: Remaining) -> Result<(Outcome, u64), FolderError> {
        if remaining == Remaining::JobsAndReport || self.set_aside > 0 {
            let folder = &self.options.folder;
            return Ok((self.agenda.outcome(folder, ledger)?, PlanCounts::of(folder, ledger)?.removed));
        }
        Ok(self.agenda.standing(ledger))
    }

    pub(super) fn report(&self, ledger: &Ledger, remaining: Remaining) -> Result<(), Failure> {
        let folder = &self.options.folder;
        let junit = self.arguments.junit.as_deref();
        let gathered = Gathered { folder, ledger, manifest: &self.opening.manifest, junit };
        let _turn = ReportTurn::wait(folder)?;
        if remaining != Remaining::Nothing || self.set_aside > 0 || junit.is_some() {
            report_data::write(&gathered)?;
        }
        self.mark()?.put(folder);
        JournalCheckpoint::put(folder);
        Ok(())
    }

    pub(super) fn summary(
        &self,
        ending: &RunOutcome,
        spent_before: Cents,
        outcome: Outcome,
        removed: u64,
    ) -> Result<(RunSummary, Exit), Failure> {
        let Outcome { counts, errors, colors, retouched } = outcome;
        let (ledger, options) = (&ending.ledger, &self.options);
        let exit = exit(counts, colors, ending.stopped.as_ref());
        let summary = RunSummary {
            backend: options.backend,
            partition: options.partition,
            work: self.agenda.left(),
            totals: BatchTotals {
                jobs: counts,
                removed,
                held_back: self.agenda.held_back.clone(),
                colors,
                retouched,
                errors,
                duplicates: DuplicatePictures::of_report(&options.folder),
            },
            submits: ledger.submits(),
            money: MoneySummary {
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
            changed: self.changed,
            rerolls: options.settings.color.rerolls,
            results: options.folder.results(),
            report: options.folder.report_page(),
            resume: resume_command(),
        };
        Ok((summary, exit))
    }
}

/// The API. Where nobody may have to ask it, it does without a key.
async fn ready(options: &mut Options, asks_api: bool) -> Result<Ready, Failure> {
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

async fn carry(
    options: &Options,
    ready: Option<Ready>,
    ledger: Ledger,
    disk: FileDisk,
    batch: Batch<impl Iterator<Item = Result<Work, FolderError>>, impl Fn(&str) -> bool>,
    reporter: &mut Reporter<'_>,
    signal: StopSignal,
) -> Result<RunOutcome, Failure> {
    let Some(ready) = ready else {
        return Ok(runner::record_idle_run(disk, ledger, batch.opening, Timestamp::now).await?);
    };
    let effects = Effects {
        api: ready.api,
        store: Arc::clone(&ready.results),
        verifier: ready.verifier,
        disk,
        now: Arc::new(Timestamp::now),
        seed: fastrand::u64(..),
    };
    let ended = runner::run(options.settings.clone(), effects, ledger, batch, reporter, signal).await;
    if let Some(server) = ready.server {
        server.shutdown().await;
    }
    ended.map_err(Failure::from)
}

fn resume_command() -> String {
    resume(std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()))
}

/// How a run that came to its end tells that.
fn exit(counts: StatusCounts, colors: VerdictCounts, stopped: Option<&StopReason>) -> Exit {
    match stopped {
        Some(StopReason::NoRoom(_) | StopReason::Api(Stop::Auth(_) | Stop::Redirected(_))) => Exit::CannotGoOn,
        Some(
            StopReason::Signal
            | StopReason::Deadline
            | StopReason::Budget
            | StopReason::BudgetPerRun
            | StopReason::BelowPrice { .. }
            | StopReason::AbovePriceLimit { .. }
            | StopReason::Unreachable(_)
            | StopReason::RateLimited(_)
            | StopReason::Failing(_)
            | StopReason::Unanswered(_)
            | StopReason::Api(Stop::Balance(_)),
        ) => Exit::StoppedEarly,
        None if counts.completed == counts.total && colors.off == 0 => Exit::Complete,
        None => Exit::Incomplete,
    }
}
