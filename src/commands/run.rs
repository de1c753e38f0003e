use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::runtime::{Builder, Runtime};

use crate::api::outcome::Stop;
use crate::cli::Run;
use crate::color::VerdictCounts;
use crate::exit::Exit;
use crate::job::JobId;
use crate::journal::{EditState, FileDisk, Ledger, PlanCounts, RunEvent};
use crate::manifest::{Backend, Manifest, render};
use crate::outputs::remove_strays;
use crate::plan::Work;
use crate::progress::{Closing, Doubt, Narrator, Screen};
use crate::run_folder::{FolderError, ReportMark, ReportTurn};
use crate::runner::{self, Batch, Effects, Ending, StopReason, StopSignal};

use super::agenda::{Agenda, Outcome};
use super::backend::{self, Ready};
use super::gather::{self, Gathered};
use super::live::Live;
use super::notices::Notices;
use super::opening::Opening;
use super::options::Options;
use super::planning::Planning;
use super::prune::prune;
use super::resume::resume;
use super::{Failure, interrupt, print, print_json};

/// Runs a manifest, or goes on with a run of it, and tells whoever wants to know how that ended.
pub(super) fn run(arguments: &Run, screen: &Screen) -> Result<Exit, Failure> {
    let began = Instant::now();
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|cause| Failure::Start { cause })?;
    let signal = StopSignal::default();
    let mut notices = Notices::of(arguments)?;
    let ended = carry_out(arguments, screen, &runtime, &mut notices, &signal);
    // People are told first, and the folder is free by now, for a command may want to work in it.
    match ended {
        Ok(ended) => {
            let closing = Closing { seconds: began.elapsed(), ..ended };
            if arguments.batch.json {
                print_json(&closing.json());
            } else {
                print(closing.text().as_bytes());
            }
            notices.tell(&runtime, Ok(&closing), &signal);
            Ok(closing.exit)
        }
        Err(failure) => {
            screen.tell(&failure.render(screen.style()));
            notices.tell(&runtime, Err(&failure), &signal);
            Ok(failure.exit())
        }
    }
}

fn carry_out(
    arguments: &Run,
    screen: &Screen,
    runtime: &Runtime,
    notices: &mut Notices,
    signal: &StopSignal,
) -> Result<Closing, Failure> {
    let batch = &arguments.batch;
    let manifest = Manifest::open(&batch.manifest).map_err(Failure::Manifest)?;
    let mut options = Options::merge(batch, Some(arguments), &manifest)?;
    let name = batch.manifest.display().to_string();
    let opening = Opening::begin(&options.folder);
    let planning = Planning::begin(&manifest, &options, &opening)?;
    for notice in manifest.notices().iter().chain(planning.warning()) {
        screen.say(&render(notice, screen.style()));
    }
    if options.backend == Backend::Vibedream && !options.folder.journal().exists() {
        // Nothing can be finished yet, so a key is needed, and no folder is made without one.
        backend::key()?;
    }
    let (_lock, journal) = opening.finish()?;
    if journal.torn > 0 {
        tracing::info!(bytes = journal.torn, "the journal ended in a line that a crash had torn; it was cut");
    }
    options.suit(&journal.ledger)?;
    let (plan, ids) = planning.publish(&options)?;
    let agenda = Agenda::prepare(&journal.ledger, &options, ids)?;
    let (mut ledger, disk) = journal.into_disk();
    let spent_before = ledger.spent();
    let opening = RunEvent::Run {
        manifest: name.clone(),
        backend: options.backend.to_string(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        jobs: agenda.counts,
        budget_cents: options.settings.budget,
        partition: options.partition,
    };
    // What the last run left in good order and this one leaves alone needs no second look.
    let is_idle = agenda.left() == 0 && ledger.ended() == Some(None) && ledger.unanswered().is_empty();
    let is_reported = is_idle && ReportMark::of(&options.folder, plan, &opening)?.is_on_report(&options.folder);
    let broken = Cell::new(None);
    let mut set_aside = 0;
    let ending = runtime.block_on(async {
        interrupt::listen(signal.clone())?;
        notices.begin();
        if arguments.prune {
            let is_asked_for = |id: &JobId| agenda.is_job(id.as_str());
            set_aside = prune(&options.folder, &mut ledger, disk.clone(), is_asked_for).await?;
        }
        let mut narrator = Narrator::new(screen, agenda.meant(), options.settings.submits);
        let share = options.partition.map_or_else(String::new, |share| format!(" (share {share})"));
        narrator.open(&format!("{name}{share}"), &options.backend.to_string(), agenda.left());
        if let (Some(share), Some(budget)) = (options.partition, options.settings.budget) {
            let all = budget.times(share.count().into());
            screen.say(&format!("the budget is for share {share} alone: all {} may cost {all}", share.count()));
        }
        if let (Some(end), true) = (options.settings.not_after, agenda.left() > 0) {
            let end = end.to_zoned_datetime(TimeZone::system());
            screen.say(&format!("submitting until {}", end.strftime("%F %H:%M %:z")));
        }
        let ready = if agenda.left() == 0 { None } else { Some(ready(&mut options, agenda.asks_api()).await?) };
        let work = agenda.work(&options.folder, &broken);
        let _live = if agenda.left() == 0 { None } else { Some(Live::begin(&options.folder)?) };
        let batch = Batch { opening: opening.clone(), work, is_job: |text: &str| agenda.is_job(text) };
        let ended = carry(&options, ready, ledger, disk, batch, &mut narrator, signal.clone()).await;
        narrator.close();
        ended
    })?;
    if let Some(error) = broken.take() {
        return Err(error.into());
    }
    let is_idle = is_idle && set_aside == 0;
    if ending.ledger.live_edits().all(|(_, edit)| !matches!(edit.state, EditState::Fetched { .. })) {
        remove_strays(options.folder.path()).map_err(runner::RunError::Results)?;
    }
    let (outcome, removed) = match is_idle {
        true => agenda.standing(&ending.ledger),
        false => {
            let outcome = agenda.outcome(&options.folder, &ending.ledger)?;
            (outcome, gather::removed(&options.folder, &ending.ledger)?)
        }
    };
    let Outcome { counts, errors, colors } = outcome;
    let gathered = Gathered {
        folder: &options.folder,
        ledger: &ending.ledger,
        manifest: &name,
        junit: arguments.junit.as_deref(),
    };
    let turn = ReportTurn::wait(&options.folder)?;
    if !is_idle || !is_reported || arguments.junit.is_some() {
        gather::write(&gathered)?;
    }
    ReportMark::of(&options.folder, plan, &opening)?.put(&options.folder);
    drop(turn);
    let exit = exit(counts, colors, ending.stopped.as_ref());
    Ok(Closing {
        backend: options.backend,
        counts,
        spent: ending.ledger.spent(),
        spent_now: ending.ledger.spent().minus(spent_before),
        reserved: ending.ledger.reserved(),
        budget: options.settings.budget,
        budget_per_run: options.settings.budget_per_run,
        seconds: Duration::ZERO,
        stopped: ending.stopped.as_ref().map(ToString::to_string),
        errors,
        uncertain: Doubt::all(&ending.ledger).map_err(FolderError::from)?,
        removed,
        set_aside,
        colors,
        rerolls: options.settings.color.rerolls,
        results: options.folder.results(),
        report: options.folder.report_page(),
        resume: resume(std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned())),
        exit,
    })
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
            options.quicken_polls();
            backend::embedded(&options.folder).await?
        }
    })
}

async fn carry(
    options: &Options,
    ready: Option<Ready>,
    ledger: Ledger,
    disk: FileDisk,
    batch: Batch<impl Iterator<Item = Work>, impl Fn(&str) -> bool>,
    narrator: &mut Narrator<'_>,
    signal: StopSignal,
) -> Result<Ending, Failure> {
    let Some(ready) = ready else {
        return Ok(runner::rest(disk, ledger, batch.opening, Timestamp::now).await?);
    };
    let effects = Effects {
        api: ready.api,
        store: Arc::clone(&ready.results),
        verifier: ready.verifier,
        disk,
        now: Arc::new(Timestamp::now),
        seed: fastrand::u64(..),
    };
    let ended = runner::run(options.settings.clone(), effects, ledger, batch, narrator, signal).await;
    if let Some(server) = ready.server {
        server.shutdown().await;
    }
    ended.map_err(Failure::from)
}

fn exit(counts: PlanCounts, colors: VerdictCounts, stopped: Option<&StopReason>) -> Exit {
    match stopped {
        Some(StopReason::Api(Stop::Auth(_) | Stop::Redirected(_))) => Exit::CannotGoOn,
        Some(
            StopReason::Signal
            | StopReason::Deadline
            | StopReason::Budget
            | StopReason::BudgetPerRun
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
