use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api::outcome::{Obstacle, Stop, SubmitOutcome};
use crate::api::{EditApi, PredictionId};
use crate::job::JobId;
use crate::journal::{Durable, EditKey, EditState, Journal, JournalError, Ledger, Record, RunEvent, Step};
use crate::outputs::{Place, ResultStore, Verified, file_name};

use super::event::{Event, Observer, Tally};
use super::executor::{Beginning, End, Executor, Named, News, Report};
use super::pacing::Pace;
use super::policy::{backoff, has_room};
use super::{Batch, Ending, RunError, Settings, Standing, StopReason, StopSignal, Task, Work};

/// How long submits and downloads under way may take once the run was asked to stop.
const LAST_MOMENTS: Duration = Duration::from_secs(8);

/// How long a provider that only ever says 429 is asked again.
const RATE_LIMITED_FOR: Duration = Duration::from_secs(3600);

/// What executors are made of.
pub(super) struct Plant<A, S> {
    pub(super) api: Arc<A>,
    pub(super) store: Arc<S>,
    pub(super) now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(super) seed: u64,
}

/// Owns the state of the run: the ledger, the journal, what is under way, and whether more may begin.
pub(super) struct Dispatcher<'o, A, S: ResultStore> {
    settings: Settings,
    plant: Plant<A, S>,
    ledger: Ledger,
    journal: Journal,
    observer: &'o mut dyn Observer,
    submits: Pace,
    polls: Arc<Pace>,
    downloads: Arc<Semaphore>,
    halt: CancellationToken,
    reports: mpsc::UnboundedSender<Report<S::Staged>>,
    inbox: mpsc::UnboundedReceiver<Report<S::Staged>>,
    executors: JoinSet<()>,
    workers: HashMap<u64, Worker>,
    next_worker: u64,
    retries: VecDeque<Work>,
    receipts: FuturesUnordered<Receipt>,
    unrecorded: Vec<(JobId, PredictionId)>,
    obstacle: Option<(Instant, u32)>,
    left: u64,
    mode: Mode,
    stopped: Option<StopReason>,
}

/// An accepted submit whose id is on its way to the disk.
type Receipt = futures::future::BoxFuture<'static, Option<(JobId, PredictionId)>>;

/// A job under way.
struct Worker {
    work: Work,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Its submit is on its way.
    Submitting,
    /// The provider works on it.
    Generating,
    /// Its pictures are being brought here or named.
    Saving,
}

/// Whether more may begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Yes.
    Running,
    /// No more submits; what is in flight is followed, until then.
    Draining(Option<Instant>),
    /// Nothing is followed any more; submits and downloads under way have until then.
    Halting(Instant),
}

impl<'o, A: EditApi, S: ResultStore> Dispatcher<'o, A, S> {
    pub(super) fn new(
        settings: Settings,
        plant: Plant<A, S>,
        ledger: Ledger,
        journal: Journal,
        observer: &'o mut dyn Observer,
    ) -> Dispatcher<'o, A, S> {
        let (reports, inbox) = mpsc::unbounded_channel();
        Dispatcher {
            submits: Pace::new(settings.submits, settings.burst),
            polls: Arc::new(Pace::new(settings.polls, NonZeroU32::MIN)),
            downloads: Arc::new(Semaphore::new(settings.downloads.get() as usize)),
            halt: CancellationToken::new(),
            reports,
            inbox,
            executors: JoinSet::new(),
            workers: HashMap::new(),
            next_worker: 0,
            retries: VecDeque::new(),
            receipts: FuturesUnordered::new(),
            unrecorded: Vec::new(),
            obstacle: None,
            left: 0,
            mode: Mode::Running,
            stopped: None,
            settings,
            plant,
            ledger,
            journal,
            observer,
        }
    }

    /// Does the work, and returns when nothing is under way and nothing more may begin.
    pub(super) async fn run(
        &mut self,
        batch: Batch<impl Iterator<Item = Work>, impl Fn(&str) -> bool>,
        signal: StopSignal,
        start: Instant,
    ) -> Result<(), RunError> {
        let Batch { opening, work, is_job } = batch;
        self.record(Record::Run(opening)).await?.later();
        for key in self.ledger.unanswered() {
            self.step(&key, Step::unanswered()).await?.later();
        }
        let mut work = work.peekable();
        let deadline = self.settings.deadline.map(|deadline| start + deadline);
        loop {
            let wake = self.begin_what_may(&mut work).await?;
            let nothing_left = work.peek().is_none() && self.retries.is_empty();
            if self.workers.is_empty() && (nothing_left || self.mode != Mode::Running) {
                return Ok(());
            }
            let wake = [wake, self.mode_ends(), deadline.filter(|_| self.mode == Mode::Running)];
            let wake = wake.into_iter().flatten().min();
            tokio::select! {
                biased;
                () = signal.stopped(), if !matches!(self.mode, Mode::Halting(_)) => self.halt(StopReason::Signal),
                Some(unrecorded) = self.receipts.next() => self.unrecorded.extend(unrecorded),
                Some(report) = self.inbox.recv() => self.take(report, &is_job).await?,
                Some(Err(error)) = self.executors.join_next() => return Err(RunError::Executor(error)),
                () = sleep_until(wake), if wake.is_some() => {}
            }
            if self.mode == Mode::Running && deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                self.drain(StopReason::Deadline, Some(Instant::now() + self.settings.grace));
            }
            match self.mode {
                Mode::Draining(Some(until)) if Instant::now() >= until => self.halt(StopReason::Deadline),
                Mode::Halting(until) if Instant::now() >= until => return self.abandon().await,
                _ => {}
            }
        }
    }

    /// Closes the journal and says how the run ended.
    pub(super) async fn finish(mut self, outcome: Result<(), RunError>) -> Result<Ending, RunError> {
        self.executors.abort_all();
        if self.stopped.is_none() && self.left > 0 {
            self.stopped = Some(StopReason::Unanswered(self.left));
        }
        let mut outcome = outcome;
        if outcome.is_ok() {
            let reason = self.stopped.as_ref().map(ToString::to_string);
            outcome = self.record(Record::Run(RunEvent::Ended { reason })).await.map(Durable::later);
        }
        let closed = self.journal.finish().await;
        while let Some(unrecorded) = self.receipts.next().await {
            self.unrecorded.extend(unrecorded);
        }
        let unrecorded = self.unrecorded;
        match (outcome, closed) {
            (Err(RunError::Journal { cause, .. }), _) | (Ok(()), Err(cause)) => {
                Err(RunError::Journal { cause, unrecorded })
            }
            (Err(error), _) => Err(error),
            (Ok(()), Ok(())) => Ok(Ending { ledger: self.ledger, stopped: self.stopped }),
        }
    }

    /// Begins all that may begin now; the answer is when to look again, if only time stands in the way.
    async fn begin_what_may(
        &mut self,
        work: &mut std::iter::Peekable<impl Iterator<Item = Work>>,
    ) -> Result<Option<Instant>, RunError> {
        while self.mode == Mode::Running && self.in_flight() < self.settings.in_flight.get() as usize {
            let Some(next) = self.retries.front().or_else(|| work.peek()) else {
                break;
            };
            if let Task::Submit(_) = next.task {
                if !has_room(self.settings.budget, &self.ledger) {
                    // What is on its way may yet turn out refused, and so free its reservation.
                    if !self.workers.values().any(|worker| worker.phase == Phase::Submitting) {
                        self.drain(StopReason::Budget, None);
                    }
                    break;
                }
                if let Err(until) = self.submits.try_take() {
                    return Ok(Some(until));
                }
            }
            let Some(next) = self.retries.pop_front().or_else(|| work.next()) else {
                break;
            };
            self.begin(next).await?;
        }
        Ok(None)
    }

    async fn begin(&mut self, work: Work) -> Result<(), RunError> {
        let beginning = match self.beginning(&work).await? {
            Some(beginning) => beginning,
            None => return Ok(()),
        };
        let phase = match &beginning {
            Beginning::Submit { .. } => Phase::Submitting,
            Beginning::Follow(_) => Phase::Generating,
            Beginning::Recover { .. } | Beginning::Reinstate { .. } => Phase::Saving,
        };
        let worker = self.next_worker;
        self.next_worker += 1;
        let executor = Executor {
            worker,
            api: Arc::clone(&self.plant.api),
            store: Arc::clone(&self.plant.store),
            polls: Arc::clone(&self.polls),
            downloads: Arc::clone(&self.downloads),
            schedule: self.settings.schedule,
            job_timeout: self.settings.job_timeout,
            halt: self.halt.clone(),
            reports: self.reports.clone(),
            now: Arc::clone(&self.plant.now),
            jitter: fastrand::Rng::with_seed(self.plant.seed.wrapping_add(worker)),
        };
        if phase == Phase::Submitting {
            let attempt = self.ledger.edit(&work.key).map_or(1, |edit| edit.attempts);
            let tally = self.tally();
            self.observer.observe(&Event::Submitting { job: &work.key.job, attempt }, &tally);
        }
        self.workers.insert(worker, Worker { work, phase });
        self.executors.spawn(executor.carry(beginning));
        Ok(())
    }

    /// Records what must be recorded before `work` may begin. `None` where its state no longer allows it.
    async fn beginning(&mut self, work: &Work) -> Result<Option<Beginning>, RunError> {
        let edit = self.ledger.edit(&work.key);
        let prediction = edit.and_then(|edit| edit.prediction.clone());
        Ok(match &work.task {
            Task::Submit(request) => {
                let attempt = edit.map_or(0, |edit| edit.attempts) + 1;
                let step = Step::Intent { attempt, reserved_cents: self.ledger.estimate() };
                let intent = self.step(&work.key, step).await?;
                Some(Beginning::Submit { intent, request: Arc::clone(request) })
            }
            Task::Follow => prediction.map(Beginning::Follow),
            Task::Recover => {
                let files = edit.map_or(&[][..], |edit| edit.files()).to_vec();
                let place = self.place(work);
                prediction.map(|prediction| Beginning::Recover { files, place, prediction })
            }
            Task::Reinstate => {
                let files = edit.map_or(&[][..], |edit| edit.files()).to_vec();
                Some(Beginning::Reinstate { files, displaced: self.displaced(&work.key) })
            }
        })
    }

    async fn take(&mut self, report: Report<S::Staged>, is_job: impl Fn(&str) -> bool) -> Result<(), RunError> {
        let Some(worker) = self.workers.get_mut(&report.worker) else {
            return Ok(());
        };
        let key = worker.work.key.clone();
        match report.news {
            News::Submitted(outcome) => {
                worker.phase = Phase::Generating;
                self.take_submit(report.worker, &key, outcome).await
            }
            News::UnknownStatus(word) => {
                self.tell(&Event::UnknownStatus { job: &key.job, word: &word });
                Ok(())
            }
            News::Generated { outputs } => {
                worker.phase = Phase::Saving;
                // A recovery that has to fetch again starts from `fetched`, where nothing new was generated.
                if !matches!(self.ledger.edit(&key).map(|edit| &edit.state), Some(EditState::Fetched { .. })) {
                    self.step(&key, Step::Generated { outputs }).await?.later();
                }
                Ok(())
            }
            News::Fetched { staged, answer } => {
                let mut staged: Vec<_> = staged.into_iter().map(|one| (one, None)).collect();
                let mut number = 1;
                for (one, file) in &mut staged {
                    let taken = |number: usize| number > 1 && is_job(&format!("{}-{number}", key.job));
                    while taken(number) {
                        number += 1;
                    }
                    *file = Some(one.saved_as(file_name(&key.job, number, one.extension())));
                    number += 1;
                }
                let staged: Vec<_> = staged.into_iter().filter_map(|(one, file)| Some((one, file?))).collect();
                let files = staged.iter().map(|(_, file)| file.clone()).collect();
                let place = self.place(&self.workers[&report.worker].work);
                let fetched = self.step(&key, Step::Fetched { files }).await?;
                // An executor that is gone was aborted with the run.
                let _ = answer.send(Named { staged, place, fetched });
                Ok(())
            }
            News::Ended(end) => {
                self.workers.remove(&report.worker);
                self.take_end(&key, end).await
            }
        }
    }

    async fn take_submit(&mut self, worker: u64, key: &EditKey, outcome: SubmitOutcome) -> Result<(), RunError> {
        match outcome {
            SubmitOutcome::Accepted { prediction, cost, .. } => {
                self.obstacle = None;
                let cost = cost.unwrap_or(self.ledger.estimate());
                self.unrecorded.push((key.job.clone(), prediction.clone()));
                let step = Step::Accepted { prediction: prediction.clone(), cost_cents: cost };
                let durable = self.step(key, step).await?;
                let receipt = self.unrecorded.pop();
                self.receipts.push(Box::pin(async move { durable.wait().await.err().and(receipt) }));
                self.tell(&Event::Accepted { job: &key.job, prediction: &prediction, cost });
            }
            SubmitOutcome::NotAccepted { cause, reason } => {
                self.step(key, Step::Refused { message: cause.clone() }).await?.later();
                if let Some(Worker { work, .. }) = self.workers.get(&worker) {
                    self.retries.push_back(work.clone());
                }
                self.meet_obstacle(&cause, reason).await?;
            }
            SubmitOutcome::Failed { class, message } => self.fail(key, class, message).await?,
            SubmitOutcome::Uncertain { message } => self.doubt(key, message).await?,
            SubmitOutcome::Stop(stop) => {
                self.step(key, Step::Refused { message: StopReason::Api(stop.clone()).to_string() }).await?.later();
                self.stop_for(stop);
            }
        }
        Ok(())
    }

    async fn take_end(&mut self, key: &EditKey, end: End) -> Result<(), RunError> {
        match end {
            End::Submit => {}
            End::Published => {
                self.step(key, Step::Completed).await?.later();
                let files = self.ledger.edit(key).map(|edit| edit.files().to_vec()).unwrap_or_default();
                self.tell(&Event::Completed { job: &key.job, files: &files });
            }
            End::Reinstated => self.step(key, Step::Reinstated).await?.later(),
            End::Failed { class, message } => self.fail(key, class, message).await?,
            End::Left { cause } => {
                self.left += 1;
                self.tell(&Event::Left { job: &key.job, cause: &cause });
            }
            End::Stop(stop) => {
                self.left += 1;
                self.stop_for(stop);
            }
            End::Disk(error) => return Err(RunError::Results(error)),
            End::Journal(error) => return Err(journal_error(error)),
        }
        Ok(())
    }

    async fn fail(&mut self, key: &EditKey, class: crate::job::ErrorClass, message: String) -> Result<(), RunError> {
        self.step(key, Step::Failed { class, message: message.clone() }).await?.later();
        self.tell(&Event::Failed { job: &key.job, class, message: &message });
        Ok(())
    }

    async fn doubt(&mut self, key: &EditKey, message: String) -> Result<(), RunError> {
        self.step(key, Step::Uncertain { message: message.clone() }).await?.later();
        self.tell(&Event::Uncertain { job: &key.job, message: &message });
        Ok(())
    }

    /// Pauses all submitters, and gives up where the obstacle has stood for too long.
    async fn meet_obstacle(&mut self, cause: &str, reason: Obstacle) -> Result<(), RunError> {
        let now = Instant::now();
        let (since, times) = self.obstacle.map_or((now, 1), |(since, times)| (since, times + 1));
        self.obstacle = Some((since, times));
        let (wait, patience) = match reason {
            Obstacle::RateLimited(hint) => (hint.unwrap_or_else(|| backoff(times)), RATE_LIMITED_FOR),
            Obstacle::Unreachable => (backoff(times), self.settings.give_up_after),
        };
        if now.duration_since(since) + wait > patience {
            self.halt(StopReason::Unreachable(cause.to_owned()));
            return Ok(());
        }
        self.submits.pause(now + wait);
        let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let record = Record::Run(RunEvent::Paused { milliseconds, reason: cause.to_owned() });
        self.record(record).await?.later();
        self.tell(&Event::Paused { wait, reason: cause });
        Ok(())
    }

    fn stop_for(&mut self, stop: Stop) {
        match stop {
            Stop::Balance(_) => self.drain(StopReason::Api(stop), None),
            Stop::Auth(_) | Stop::Redirected(_) => self.halt(StopReason::Api(stop)),
        }
    }

    fn drain(&mut self, reason: StopReason, until: Option<Instant>) {
        if self.mode == Mode::Running {
            self.mode = Mode::Draining(until);
            self.tell_stopping(reason);
        }
    }

    fn halt(&mut self, reason: StopReason) {
        if !matches!(self.mode, Mode::Halting(_)) {
            self.mode = Mode::Halting(Instant::now() + LAST_MOMENTS);
            self.halt.cancel();
            self.tell_stopping(reason);
        }
    }

    /// The first reason stands: what follows from it is no reason of its own.
    fn tell_stopping(&mut self, reason: StopReason) {
        if self.stopped.is_none() {
            self.tell(&Event::Stopping { reason: &reason });
            self.stopped = Some(reason);
        }
    }

    /// Ends what is still under way. A submit without an answer is uncertain; the rest is in the journal.
    async fn abandon(&mut self) -> Result<(), RunError> {
        self.executors.abort_all();
        let workers = std::mem::take(&mut self.workers);
        for worker in workers.into_values().filter(|worker| worker.phase == Phase::Submitting) {
            self.doubt(&worker.work.key, "the run was stopped before the answer came".to_owned()).await?;
        }
        Ok(())
    }

    fn place(&self, work: &Work) -> Place {
        match work.standing {
            Standing::Current => Place::Results { displaced: self.displaced(&work.key) },
            Standing::Superseded => Place::Aside,
        }
    }

    /// The files of the edit that is shown under the job's name, if that is another one.
    fn displaced(&self, key: &EditKey) -> Vec<crate::journal::SavedFile> {
        let shown = self.ledger.history(&key.job).and_then(|history| history.shown());
        shown.filter(|edit| edit.fingerprint != key.fingerprint).map(|edit| edit.files().to_vec()).unwrap_or_default()
    }

    fn in_flight(&self) -> usize {
        self.workers.values().filter(|worker| worker.phase != Phase::Saving).count()
    }

    fn mode_ends(&self) -> Option<Instant> {
        match self.mode {
            Mode::Running => None,
            Mode::Draining(until) => until,
            Mode::Halting(until) => Some(until),
        }
    }

    fn tally(&self) -> Tally {
        Tally::of(&self.ledger, self.in_flight())
    }

    fn tell(&mut self, event: &Event<'_>) {
        let tally = self.tally();
        self.observer.observe(event, &tally);
    }

    async fn step(&mut self, key: &EditKey, step: Step) -> Result<Durable, RunError> {
        self.record(Record::Edit(key.clone(), step)).await
    }

    /// Takes a record into the ledger and hands it to the journal: the one way in which the state changes.
    async fn record(&mut self, record: Record) -> Result<Durable, RunError> {
        let at = (self.plant.now)();
        self.ledger.apply(at, &record)?;
        self.journal.append(&record, at).await.map_err(journal_error)
    }
}

fn journal_error(cause: JournalError) -> RunError {
    RunError::Journal { cause, unrecorded: Vec::new() }
}

async fn sleep_until(wake: Option<Instant>) {
    if let Some(wake) = wake {
        tokio::time::sleep_until(wake).await;
    }
}
