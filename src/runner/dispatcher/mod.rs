mod color;
mod handle;
mod missing_pictures;
mod queues;
mod receipts;
mod spending;
mod start;
mod stop;
mod submitted;
mod workers;

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::iter::Peekable;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api::EditApi;
use crate::job::JobId;
use crate::journal::{Disk, Durable, EditKey, Journal, LearnedLimits, Ledger, Record, RunEvent, RunStart, Step};
use crate::outputs::ResultStore;
use crate::plan::Work;
use crate::run_folder::FolderError;

use super::breaker::CircuitBreaker;
use super::event::{Event, Observer, RunTotals};
use super::executor::Shared;
use super::messages::ExecutorMessage;
use super::pacing::Submits;
use super::picture_names::ExtraPictureNames;
use super::polling::Polling;
use super::{Effects, RunError, RunFailure, RunOutcome, Settings, StopReason, StopSignal};
use queues::WorkQueues;
use receipts::Receipts;
use spending::Spending;
use workers::{Phase, Workers};

/// How many messages are handled in a row, so that neither signals nor new work wait for long.
const MAX_MESSAGES_IN_A_ROW: usize = 64;

/// The state of the run: the ledger, the journal, the work in progress, and whether more may start.
pub(in crate::runner) struct Dispatcher<'o, A, S: ResultStore> {
    settings: Settings,
    shared: Arc<Shared<A, S>>,
    /// The seed of all random delays.
    seed: u64,
    ledger: Ledger,
    spending: Spending,
    journal: Journal,
    observer: &'o mut dyn Observer,
    submits: Submits,
    events: mpsc::UnboundedReceiver<ExecutorMessage<S::Staged>>,
    executors: JoinSet<()>,
    workers: Workers,
    queues: WorkQueues,
    receipts: Receipts,
    /// File names in use, so that no picture takes that of another job.
    picture_names: ExtraPictureNames<'o>,
    /// Jobs that are finished for this run, each with the end of the journal at that time.
    idle: VecDeque<(u64, JobId)>,
    /// Re-rolls whose predictions were given up in this run. The next run follows them again.
    given_up_rerolls: HashSet<EditKey>,
    breaker: CircuitBreaker,
    /// The end of the pause that was last announced.
    announced_pause: Instant,
    /// When the disk was last found to have enough free space.
    space_found: Option<Instant>,
    started: Instant,
    deferred: u64,
    /// Undocumented statuses that were reported.
    unknown_words: BTreeSet<String>,
    mode: Mode,
    stopped: Option<StopReason>,
    failure: Option<RunError>,
}

/// Whether more work may start.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Work may start.
    Running,
    /// No more submits go out; predictions in flight are followed until this time.
    Draining(Option<Instant>),
    /// Predictions are no longer followed since this time; submits and downloads in progress may end.
    Halting(Instant),
}

impl<'o, A: EditApi, S: ResultStore> Dispatcher<'o, A, S> {
    /// Starts the journal with the record of the run.
    pub(super) async fn open<D: Disk>(
        settings: Settings,
        effects: Effects<A, S, D>,
        mut ledger: Ledger,
        opening: RunStart,
        is_job: impl Fn(&str) -> bool + 'o,
        observer: &'o mut dyn Observer,
    ) -> Result<Dispatcher<'o, A, S>, RunError> {
        let Effects { api, store, verifier, disk, now, seed } = effects;
        let mut journal = Journal::start(disk)?;
        let at = now();
        // If the clock was set back, the time since the last submit is not known.
        let idle = ledger.last_submit_at().and_then(|last| Duration::try_from(at.duration_since(last)).ok());
        journal.record(&mut ledger, Record::Run(RunEvent::Run(opening)), at).await?.detach();
        // The limits of another provider are forgotten by now.
        let learned = ledger.learned();
        let submits = Submits::new(settings.submits, settings.burst, learned, idle.unwrap_or(Duration::MAX));
        let (event_sender, events) = mpsc::unbounded_channel();
        let shared = Shared {
            api,
            store,
            verifier,
            now,
            polls: Arc::new(Polling::new(&settings, learned)),
            spacing: submits.spacing(),
            downloads: Arc::new(Semaphore::new(settings.downloads.get() as usize)),
            job_timeout: settings.job_timeout,
            halt: CancellationToken::new(),
            event_sender,
        };
        Ok(Dispatcher {
            shared: Arc::new(shared),
            seed,
            submits,
            events,
            executors: JoinSet::new(),
            workers: Workers::default(),
            queues: WorkQueues::default(),
            receipts: Receipts::default(),
            picture_names: ExtraPictureNames::of(&ledger, is_job),
            idle: VecDeque::new(),
            given_up_rerolls: HashSet::new(),
            breaker: CircuitBreaker::new(settings.give_up_after),
            announced_pause: Instant::now(),
            space_found: None,
            started: Instant::now(),
            deferred: 0,
            unknown_words: BTreeSet::new(),
            mode: Mode::Running,
            stopped: None,
            failure: None,
            spending: Spending::new(&settings, &ledger),
            settings,
            ledger,
            journal,
            observer,
        })
    }

    /// Does the work. Returns when nothing is in progress and nothing more may start.
    pub(super) async fn run(
        &mut self,
        work: impl Iterator<Item = Result<Work, FolderError>>,
        signal: StopSignal,
    ) -> Result<(), RunError> {
        for key in self.ledger.unanswered() {
            self.step(&key, Step::unanswered()).await?.detach();
        }
        let mut work = work.peekable();
        loop {
            if self.mode == Mode::Running && self.submitting_ends().is_some_and(|end| Instant::now() >= end) {
                let until = Some(Instant::now() + self.settings.grace);
                if self.has_more(&mut work) {
                    self.drain(self.time_limit(), until);
                } else {
                    // No work is left that the end of submitting could stop.
                    self.mode = Mode::Draining(until);
                }
            }
            self.join_finished();
            self.archive_idle();
            self.start_local_work().await?;
            let wake = self.start_eligible_work(&mut work).await?;
            let is_finished = !self.has_more(&mut work);
            if self.workers.is_empty() && (is_finished || self.mode != Mode::Running) {
                if !is_finished && self.failure.is_none() {
                    self.announce_stop(self.time_limit());
                }
                if is_finished && self.deferred == 0 && self.queues.is_local_empty() {
                    // The stop left nothing undone: what was in progress has ended all the same.
                    self.stopped.take_if(|reason| reason.is_external());
                }
                return Ok(());
            }
            let wake = [wake, self.mode_ends()];
            let wake = wake.into_iter().flatten().min();
            tokio::select! {
                biased;
                () = signal.stopped(), if !matches!(self.mode, Mode::Halting(_)) => self.halt(StopReason::Signal),
                Some(()) = self.receipts.settle_next() => {}
                Some(message) = self.events.recv() => self.handle_waiting(message).await?,
                Some(ended) = self.executors.join_next() => self.note_executor_end(ended),
                () = sleep_until(wake), if wake.is_some() => {}
            }
            match self.mode {
                Mode::Draining(Some(until)) if Instant::now() >= until => self.halt(self.time_limit()),
                Mode::Halting(since) if since.elapsed() >= self.shutdown_timeout() => return self.abandon().await,
                _ => {}
            }
        }
    }

    /// Handles a message, and those that wait behind it.
    async fn handle_waiting(&mut self, first: ExecutorMessage<S::Staged>) -> Result<(), RunError> {
        self.handle(first).await?;
        for _ in 1..MAX_MESSAGES_IN_A_ROW {
            let Ok(next) = self.events.try_recv() else { break };
            self.handle(next).await?;
        }
        Ok(())
    }

    /// Returns whether more work is waiting.
    fn has_more(&self, work: &mut Peekable<impl Iterator<Item = Result<Work, FolderError>>>) -> bool {
        work.peek().is_some() || !self.queues.is_empty()
    }

    /// Frees the memory of executors that have ended. Messages always come first in the select, so it would keep them
    /// until the end.
    fn join_finished(&mut self) {
        while let Some(ended) = self.executors.try_join_next() {
            self.note_executor_end(ended);
        }
    }

    /// Ends the run if an executor has panicked. Submits in progress may still report their ids.
    fn note_executor_end(&mut self, ended: Result<(), JoinError>) {
        if let Err(error) = ended
            && error.is_panic()
        {
            self.fail(RunError::Executor(error));
        }
    }

    /// Marks a job as finished for this run.
    fn mark_idle(&mut self, job: JobId) {
        if let Some(end) = self.journal.end() {
            self.idle.push_back((end, job));
        }
    }

    /// Archives idle jobs, of which only the positions of their lines are kept, once those lines are on the disk.
    fn archive_idle(&mut self) {
        while self.idle.len() > self.settings.recent_jobs
            && let Some((end, job)) = self.idle.pop_front()
        {
            if end > self.journal.durable() {
                self.idle.push_front((end, job));
                break;
            }
            self.ledger.archive(job);
        }
    }

    /// Closes the journal and returns the result of the run. Of several errors, the first is returned.
    pub(super) async fn finish(mut self, outcome: Result<(), RunError>) -> Result<RunOutcome, RunFailure> {
        match outcome {
            Err(RunError::Journal(_)) => self.collect_last_answers().await,
            Err(_) => self.record_last_answers().await,
            Ok(()) => {}
        }
        self.executors.abort_all();
        if self.stopped.is_none() && self.deferred > 0 {
            self.stopped = Some(StopReason::Unanswered(self.deferred));
        }
        let mut outcome = outcome.and(self.failure.take().map_or(Ok(()), Err));
        if outcome.is_ok() {
            outcome = self.record_end().await;
        }
        let closed = self.journal.finish().await;
        if let (Err(first), Err(error)) = (&outcome, &closed)
            && !matches!(first, RunError::Journal(_))
        {
            tracing::error!("failed to {error}");
        }
        let unrecorded = self.receipts.unrecorded().await;
        match outcome.and(closed.map_err(RunError::Journal)) {
            Ok(()) => {
                let unpriced = self.spending.unpriced();
                Ok(RunOutcome { ledger: self.ledger, stopped: self.stopped, unpriced })
            }
            Err(error) => Err(RunFailure { error, unrecorded }),
        }
    }

    async fn record_end(&mut self) -> Result<(), RunError> {
        self.record_learned_limits().await?;
        let reason = self.stopped.as_ref().map(ToString::to_string);
        let stop = self.stopped.as_ref().map(StopReason::kind);
        self.record(Record::Run(RunEvent::Ended { reason, stop })).await?.detach();
        Ok(())
    }

    async fn record_learned_limits(&mut self) -> Result<(), RunError> {
        let (polls, generation_ms) = self.shared.polls.learned();
        let learned = LearnedLimits { polls, generation_ms, ..self.submits.learned() };
        if learned != LearnedLimits::default() {
            self.record(Record::Run(RunEvent::Learned(learned))).await?.detach();
        }
        Ok(())
    }

    /// Returns the time since the run started, for decisions that know no clock.
    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns when submitting ends. The wall clock is read each time because it may be set, and because it advances
    /// while the machine sleeps.
    fn submitting_ends(&self) -> Option<Instant> {
        let deadline = self.settings.deadline.map(|deadline| self.started + deadline);
        let not_after = self.settings.not_after.map(|end| {
            let left = end.duration_since((self.shared.now)());
            Instant::now() + Duration::try_from(left).unwrap_or_default()
        });
        [deadline, not_after].into_iter().flatten().min()
    }

    /// Returns the reason why submitting has ended: the wall-clock time, or else the deadline.
    fn time_limit(&self) -> StopReason {
        let is_over = |end| (self.shared.now)() >= end;
        if self.settings.not_after.is_some_and(is_over) { StopReason::NotAfter } else { StopReason::Deadline }
    }

    fn mode_ends(&self) -> Option<Instant> {
        match self.mode {
            Mode::Running => self.submitting_ends(),
            Mode::Draining(until) => until,
            Mode::Halting(since) => Some(since + self.shutdown_timeout()),
        }
    }

    fn totals(&self) -> RunTotals {
        RunTotals {
            in_flight: (self.workers.in_flight() + self.workers.count(Phase::Overdue)) as u64,
            saving: self.workers.saving() as u64,
            color_checks: (self.workers.count(Phase::Checking) + self.queues.color_checks()) as u64,
            ..RunTotals::of(&self.ledger)
        }
    }

    fn notify_observer(&mut self, event: &Event<'_>) {
        let totals = self.totals();
        self.observer.observe(event, &totals);
    }

    async fn step(&mut self, key: &EditKey, step: Step) -> Result<Durable, RunError> {
        self.record(Record::Edit(key.clone(), step)).await
    }

    /// Applies a record to the ledger and writes it to the journal: the only way in which the state changes.
    async fn record(&mut self, record: Record) -> Result<Durable, RunError> {
        let at = (self.shared.now)();
        Ok(self.journal.record(&mut self.ledger, record, at).await?)
    }
}

async fn sleep_until(wake: Option<Instant>) {
    if let Some(wake) = wake {
        tokio::time::sleep_until(wake).await;
    }
}
