//! Starts work: the next item, if there is a slot, no pause, a token and enough budget.

use std::iter::Peekable;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{Instrument, Span};

use crate::api::{EditApi, Intended};
use crate::journal::{EditState, Step};
use crate::outputs::ResultStore;
use crate::plan::{Task, Work};
use crate::run_folder::FolderError;
use crate::runner::RunError;
use crate::runner::event::Event;
use crate::runner::executor::{Executor, StartFrom};
use crate::runner::polling::{Haste, RequestKind};

use super::workers::{Phase, Worker};
use super::{Dispatcher, Mode};

/// How many pictures may be checked, or wait for a processor, at once.
const MAX_CHECKS: usize = 16;

/// How many color reviews may be queued so that submits need not wait for them. Those of a larger catalog stay in the
/// plan because each queued one takes memory.
const MAX_COLOR_REVIEWS: usize = 1 << 14;

/// How many finished predictions may wait for their downloads before no more are started: if downloads are slower
/// than generation, the backlog takes memory and its URLs expire.
const MAX_DOWNLOAD_BACKLOG: usize = 512;

/// How often the free space of the disk is looked up, which blocks on a network file system.
const SPACE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// When the next submit may go out.
enum Turn {
    Now,
    /// At this time.
    At(Instant),
    /// Not before something else has happened.
    AfterAnEvent,
}

impl<A: EditApi, S: ResultStore> Dispatcher<'_, A, S> {
    /// Starts all work that may start. Returns when to try again if only time prevents more.
    pub(super) async fn start_eligible_work(
        &mut self,
        work: &mut Peekable<impl Iterator<Item = Result<Work, FolderError>>>,
    ) -> Result<Option<Instant>, RunError> {
        while self.mode == Mode::Running
            && self.workers.in_flight() < self.settings.in_flight.get() as usize
            && self.workers.saving() < MAX_DOWNLOAD_BACKLOG
        {
            if let Some(Err(error)) = work.next_if(Result::is_err) {
                self.fail(RunError::Plan(error));
                break;
            }
            let planned = work.peek().and_then(|planned| planned.as_ref().ok());
            let Some((source, next)) = self.queues.peek(planned) else { break };
            let (was_paced, is_color_review) = (next.task.submits(), matches!(next.task, Task::ReviewColor));
            if was_paced {
                match self.take_turn() {
                    Turn::Now => {}
                    Turn::At(until) => return Ok(Some(until)),
                    Turn::AfterAnEvent => break,
                }
            }
            let must_wait = is_color_review && self.workers.count(Phase::Checking) >= MAX_CHECKS;
            if must_wait && self.queues.color_reviews() >= MAX_COLOR_REVIEWS {
                break;
            }
            let Some(next) = self.queues.take(source, work)? else { break };
            if must_wait {
                self.queues.add_color_review(next);
                continue;
            }
            match self.resolved(next)? {
                Some(next) if next.task.submits() && !was_paced => self.queues.postpone(next),
                Some(next) => self.start(next).await?,
                None => {}
            }
        }
        Ok(None)
    }

    /// Takes the turn of a submit, if one may go out now. If none may for the rest of the run, the run stops submitting.
    fn take_turn(&mut self) -> Turn {
        if let Some(ceiling) = self.spending.stop_reason(&self.ledger) {
            // An open submit may still be rejected, which frees its reservation.
            if !self.is_submitting() {
                self.drain(ceiling, None);
            }
            return Turn::AfterAnEvent;
        }
        if let Some(probe) = self.breaker.next_picture_probe() {
            // Whatever is bought now may be lost like the jobs before it, so it waits for their fate.
            if self.workers.in_flight() + self.workers.saving() > 0 {
                return Turn::AfterAnEvent;
            }
            let probe = self.started + probe;
            if probe > Instant::now() {
                return Turn::At(probe);
            }
        }
        let open_predictions = self.workers.count(Phase::Generating) + self.workers.count(Phase::Overdue);
        let probe = self.started + self.breaker.next_probe(self.elapsed(), open_predictions);
        if probe > Instant::now() {
            return Turn::At(probe);
        }
        let submitting = self.workers.count(Phase::Submitting) as u64;
        let is_probing = submitting > 0 && self.breaker.is_half_open();
        let is_full = self.submits.max_in_flight().is_some_and(|max| self.workers.in_flight() >= max as usize);
        self.shared.polls.set_haste(if is_full { Haste::Slots } else { Haste::Usual });
        if is_probing || is_full || self.spending.must_wait(&self.ledger, submitting) {
            return Turn::AfterAnEvent;
        }
        if let Err(until) = self.submits.try_take() {
            return Turn::At(until);
        }
        if self.space_found.is_none_or(|at| at.elapsed() >= SPACE_CHECK_INTERVAL) {
            if let Err(error) = self.shared.store.check_free_space() {
                self.stop_for_full_disk(&error);
                return Turn::AfterAnEvent;
            }
            self.space_found = Some(Instant::now());
        }
        Turn::Now
    }

    /// Starts the remaining work that needs no API request, unless the run is halting.
    pub(super) async fn start_local_work(&mut self) -> Result<(), RunError> {
        while !matches!(self.mode, Mode::Halting(_))
            && self.workers.count(Phase::Checking) < MAX_CHECKS
            && let Some(next) = self.queues.take_local()
        {
            self.start(next).await?;
        }
        while self.mode == Mode::Running
            && self.workers.count(Phase::Checking) < MAX_CHECKS
            && self.workers.saving() < MAX_DOWNLOAD_BACKLOG
            && let Some(next) = self.queues.take_color_review()
        {
            match self.resolved(next)? {
                Some(next) if next.task.is_local() => self.start(next).await?,
                Some(next) if next.task.submits() => self.queues.postpone(next),
                Some(next) => self.queues.retry(next),
                None => {}
            }
        }
        Ok(())
    }

    async fn start(&mut self, work: Work) -> Result<(), RunError> {
        // The span has the level of errors, so that every log line names its job.
        let span = tracing::error_span!("job", id = %work.key.job);
        self.start_in_span(span.clone(), work).instrument(span).await
    }

    async fn start_in_span(&mut self, span: Span, work: Work) -> Result<(), RunError> {
        let start_from = match self.start_from(&work).await? {
            Some(start_from) => start_from,
            None => return Ok(()),
        };
        let phase = match &start_from {
            StartFrom::Submit { .. } => Phase::Submitting,
            StartFrom::Follow { .. } => Phase::Generating,
            StartFrom::Recover { .. } | StartFrom::Reinstate { .. } => Phase::Saving,
            StartFrom::Check { .. } | StartFrom::Correct { .. } => Phase::Checking,
        };
        let worker = self.workers.next_id();
        let executor = Executor {
            shared: Arc::clone(&self.shared),
            worker,
            kind: match &work.task {
                Task::Submit(request) | Task::Reroll(request, _) => Some(RequestKind::of(request)),
                Task::Follow
                | Task::FollowOrResubmit(_)
                | Task::Recover
                | Task::Reinstate
                | Task::ReviewColor
                | Task::Check
                | Task::Correct => None,
            },
            failed_before: self.ledger.live(&work.key).and_then(|edit| match edit.state {
                EditState::Failed { class } => Some(class),
                _ => None,
            }),
            jitter: fastrand::Rng::with_seed(self.seed.wrapping_add(worker)).f64(),
            status_path: self.ledger.live(&work.key).and_then(|edit| edit.status_path.clone()),
            polls_by_id: false,
            polls_sent: 0,
            is_old: false,
        };
        if phase == Phase::Submitting {
            let attempt = self.ledger.live(&work.key).map_or(1, |edit| edit.attempts);
            let totals = self.totals();
            self.observer.observe(&Event::Submitting { job: &work.key.job, attempt }, &totals);
        }
        let (started, in_flight_before) = (self.elapsed(), self.workers.in_flight());
        let executor = self.executors.spawn(executor.run(start_from).instrument(span.clone()));
        self.workers.start(worker, Worker { work, started, in_flight_before, phase, span, executor });
        Ok(())
    }

    /// Records what must be recorded before `work` may start. Returns `None` if its state no longer allows it.
    async fn start_from(&mut self, work: &Work) -> Result<Option<StartFrom>, RunError> {
        self.ledger.load(&work.key.job)?;
        let edit = self.ledger.live(&work.key);
        let prediction = edit.and_then(|edit| edit.prediction.clone());
        Ok(match &work.task {
            Task::Submit(request) | Task::Reroll(request, _) => {
                let reroll = match work.task {
                    Task::Reroll(_, reroll) => Some(reroll),
                    _ => None,
                };
                let attempt = edit.map_or(0, |edit| edit.attempts) + 1;
                let step = Step::Intent { attempt, reserved_cents: self.ledger.estimate(), reroll };
                let intent = self.step(&work.key, step).await?;
                let intended = match (reroll, &work.target) {
                    (Some(reroll), Some(target)) => {
                        Intended { fingerprint: reroll.of, request: Arc::clone(&target.request) }
                    }
                    _ => Intended { fingerprint: work.key.fingerprint, request: Arc::clone(request) },
                };
                Some(StartFrom::Submit { intent, request: Arc::clone(request), intended })
            }
            Task::Follow | Task::FollowOrResubmit(_) => {
                let age = edit.and_then(|edit| edit.submitted_at).map(|at| (self.shared.now)().duration_since(at));
                let age = age.and_then(|age| Duration::try_from(age).ok()).unwrap_or_default();
                prediction.map(|prediction| StartFrom::Follow { prediction, age })
            }
            Task::Recover => {
                let files = edit.map_or(&[][..], |edit| edit.files()).to_vec();
                let destination = self.destination(work);
                prediction.map(|prediction| StartFrom::Recover { files, destination, prediction })
            }
            Task::Reinstate => {
                let files = edit.map_or(&[][..], |edit| edit.files_to_reinstate()).to_vec();
                let displaced = self.displaced(&work.key);
                let known = self.journal.barrier().await?;
                prediction.map(|prediction| StartFrom::Reinstate { known, files, displaced, prediction })
            }
            Task::Check => self.subject(work).map(|subject| {
                let corrected = edit.and_then(|edit| edit.corrected.as_ref()).map(|known| known.files.clone());
                StartFrom::Check {
                    subject,
                    corrected: corrected.unwrap_or_default(),
                    is_shown: self.is_shown(&work.key),
                }
            }),
            Task::Correct => {
                let known = self.journal.barrier().await?;
                self.subject(work).map(|subject| StartFrom::Correct { known, subject })
            }
            // Color reviews are resolved before they start.
            Task::ReviewColor => None,
        })
    }

    pub(super) fn is_submitting(&self) -> bool {
        self.workers.count(Phase::Submitting) > 0
    }
}
