//! Handles the messages of executors: each one is recorded before anything follows from it.

use std::sync::Arc;
use std::time::Duration;

use tracing::{Instrument, Span};

use crate::api::outcome::{Doubt, Obstacle, Stop, SubmitOutcome, Suspect};
use crate::api::{EditApi, PredictionId, RateLimits, StatusPath};
use crate::job::{Cents, ErrorClass, Rate};
use crate::journal::{EditKey, EditState, LearnedLimits, PauseCause, Record, RunEvent, SavedFile, Step};
use crate::outputs::{Destination, ResultStore};
use crate::plan::{Standing, Task, Work};
use crate::runner::breaker::Blame;
use crate::runner::event::Event;
use crate::runner::messages::{ExecutorEvent, ExecutorMessage, ExecutorOutcome, Named};
use crate::runner::{RunError, StopReason};

use super::Dispatcher;
use super::missing_pictures::lack_of_picture;
use super::receipts::Receipt;
use super::workers::{Phase, Worker};

/// How many undocumented statuses are reported, each once: a provider with a new one uses it for every job.
const MAX_UNKNOWN_WORDS: usize = 8;

impl<A: EditApi, S: ResultStore> Dispatcher<'_, A, S> {
    pub(super) async fn handle(&mut self, message: ExecutorMessage<S::Staged>) -> Result<(), RunError> {
        let span = self.workers.get(message.worker).map_or_else(Span::none, |worker| worker.span.clone());
        let receipt = self.receipt(&message);
        let handled = self.handle_in_span(message).instrument(span).await;
        if handled.is_err() {
            // Whichever step failed, the prediction was not recorded, which is the last step for an accepted submit.
            self.receipts.add_unrecorded(receipt);
        }
        handled
    }

    /// Returns the receipt of an accepted submit, if the message is the answer to one.
    pub(super) fn receipt(&self, message: &ExecutorMessage<S::Staged>) -> Option<Receipt> {
        let ExecutorEvent::Submitted { outcome: SubmitOutcome::Accepted { prediction, .. }, .. } = &message.event
        else {
            return None;
        };
        let key = &self.workers.get(message.worker)?.work.key;
        (!self.ledger.is_of_another(prediction, key)).then(|| (key.job.clone(), prediction.clone()))
    }

    async fn handle_in_span(&mut self, message: ExecutorMessage<S::Staged>) -> Result<(), RunError> {
        let Some(worker) = self.workers.get(message.worker) else {
            return Ok(());
        };
        let (number, work) = (message.worker, worker.work.clone());
        let key = &work.key;
        // The job may have been archived meanwhile because another of its edits has finished.
        self.ledger.load(&key.job)?;
        match message.event {
            ExecutorEvent::Submitted { outcome, limits, status_path } => {
                self.leave_submitting(number, &outcome);
                if let Some(limits) = limits {
                    self.handle_quota_headers(limits).await?;
                }
                self.handle_submit(number, key, outcome, status_path).await?;
            }
            ExecutorEvent::Withdrawn => {
                let message = "the run was stopped before it was sent".to_owned();
                self.workers.enter(number, Phase::Ending);
                self.step(key, Step::Refused { message }).await?.detach();
                self.queues.retry(work.clone());
            }
            ExecutorEvent::Polled(answer) => self.handle_poll(answer).await?,
            ExecutorEvent::Overdue => self.workers.enter(number, Phase::Overdue),
            ExecutorEvent::UnknownStatus(word) => {
                if self.unknown_words.len() < MAX_UNKNOWN_WORDS && self.unknown_words.insert(word.clone()) {
                    self.notify_observer(&Event::UnknownStatus { job: &key.job, word: &word });
                }
            }
            ExecutorEvent::ExtraOutputs { kept, left } => {
                self.notify_observer(&Event::ExtraOutputs { job: &key.job, kept, left });
            }
            ExecutorEvent::NamesOthers { named, answer } => {
                // An executor that is gone was aborted with the run.
                let _ = answer.send(named.into_iter().find(|other| self.ledger.is_of_another(other, key)));
            }
            ExecutorEvent::Generated { outputs } => self.handle_generated(number, key, outputs).await?,
            ExecutorEvent::DownloadFailed(cause) => self.handle_failed_download(number, &cause).await?,
            ExecutorEvent::Fetched { staged, answer } => {
                let named = self.handle_fetched(&work, staged).await?;
                // An executor that is gone was aborted with the run.
                let _ = answer.send(named);
            }
            ExecutorEvent::Ended(end) => {
                let was_stalled = self.workers.remove(number).is_some_and(|worker| worker.phase == Phase::Stalled);
                let lack = lack_of_picture(&work, &end).filter(|_| !was_stalled);
                let continues = !matches!(
                    end,
                    ExecutorOutcome::Retouched
                        | ExecutorOutcome::Deferred { .. }
                        | ExecutorOutcome::Stop(_)
                        | ExecutorOutcome::Disk(_)
                        | ExecutorOutcome::Journal(_)
                );
                self.handle_end(&work, end).await?;
                if let Some(cause) = lack {
                    let action = self.breaker.picture_missing(self.elapsed());
                    self.apply_picture_breaker(action, &cause).await?;
                }
                if continues {
                    self.review_color(&work);
                }
            }
        }
        Ok(())
    }

    /// Counts a submit as answered.
    fn leave_submitting(&mut self, worker: u64, outcome: &SubmitOutcome) {
        let is_accepted = matches!(outcome, SubmitOutcome::Accepted { .. });
        if let Some(worker) = self.workers.get(worker).filter(|_| is_accepted) {
            self.submits.went_through(worker.started);
        }
        self.workers.enter(worker, if is_accepted { Phase::Generating } else { Phase::Ending });
    }

    async fn handle_quota_headers(&mut self, limits: RateLimits) -> Result<(), RunError> {
        let open_submits = self.workers.count(Phase::Submitting) as u64;
        if let Some(wait) = self.submits.on_rate_limit_headers(limits, open_submits, self.elapsed()) {
            let reason = "the provider's headers say that its quota is used up".to_owned();
            self.pause_submits(wait, PauseCause::RateLimited, reason).await?;
        }
        Ok(())
    }

    async fn handle_submit(
        &mut self,
        worker: u64,
        key: &EditKey,
        outcome: SubmitOutcome,
        status_path: Option<StatusPath>,
    ) -> Result<(), RunError> {
        let sent = self.workers.get(worker).map_or(self.elapsed(), |worker| worker.started);
        // An accepted submit itself is among them.
        let own = usize::from(matches!(outcome, SubmitOutcome::Accepted { .. }));
        let others = self.workers.count(Phase::Generating).saturating_sub(own);
        let outcome = self.unless_of_another(worker, key, outcome);
        let near_limit = self.adapt_pace(&outcome, sent, u32::try_from(others).unwrap_or(u32::MAX));
        match outcome {
            SubmitOutcome::Accepted { prediction, cost, .. } => {
                self.handle_prediction(key, prediction, cost, status_path).await?;
            }
            SubmitOutcome::NotAccepted { cause, reason } => {
                self.step(key, Step::Refused { message: cause.clone() }).await?.detach();
                if let Some(Worker { work, .. }) = self.workers.get(worker) {
                    self.queues.retry(work.clone());
                }
                if let Some(near) = near_limit {
                    self.handle_limit(near).await?;
                }
                self.handle_obstacle(sent, reason, cause).await?;
            }
            SubmitOutcome::Failed { class, message } => self.fail_job(key, class, message).await?,
            SubmitOutcome::Doubtful { suspect, message } => self.handle_doubtful(worker, key, suspect, message).await?,
            SubmitOutcome::Uncertain { message, doubt } => self.handle_uncertain(key, message, doubt).await?,
            SubmitOutcome::Stop(stop) => {
                self.step(key, Step::Refused { message: StopReason::Api(stop.clone()).to_string() }).await?.detach();
                self.stop_for(stop);
            }
        }
        Ok(())
    }

    /// Returns the outcome, but as uncertain if its prediction belongs to an earlier submit. The executor would follow
    /// that prediction, and is ended.
    fn unless_of_another(&mut self, worker: u64, key: &EditKey, outcome: SubmitOutcome) -> SubmitOutcome {
        match outcome {
            SubmitOutcome::Accepted { prediction, .. } if self.ledger.is_of_another(&prediction, key) => {
                if let Some(worker) = self.workers.remove(worker) {
                    worker.executor.abort();
                }
                let message = format!("the answer names prediction {prediction}, which belongs to an earlier submit");
                SubmitOutcome::Uncertain { message, doubt: Doubt::Unanswered }
            }
            outcome => outcome,
        }
    }

    /// Adapts the pace of submits to the outcome of one that was sent at `sent`. Returns the learned rate if it has
    /// changed. Nothing is sent before the outcome is recorded.
    fn adapt_pace(&mut self, outcome: &SubmitOutcome, sent: Duration, in_flight_before: u32) -> Option<Rate> {
        match outcome {
            // A local picture that cannot be read was never sent, so this does not show that the provider works.
            SubmitOutcome::Failed { class: ErrorClass::Input, .. } => None,
            SubmitOutcome::Accepted { .. } => {
                self.breaker.submit_accepted();
                self.submits.accepted(sent, in_flight_before);
                None
            }
            SubmitOutcome::Failed { .. } => {
                self.breaker.submit_answered();
                self.submits.accepted(sent, in_flight_before);
                None
            }
            SubmitOutcome::NotAccepted { reason: Obstacle::RateLimited(hint), .. } => {
                self.submits.refused(sent, self.elapsed(), *hint, in_flight_before)
            }
            SubmitOutcome::NotAccepted { reason: Obstacle::Unreachable, .. }
            | SubmitOutcome::Doubtful { .. }
            | SubmitOutcome::Uncertain { .. }
            | SubmitOutcome::Stop(_) => None,
        }
    }

    /// Pauses submits, or ends the run, if too many in a row were not accepted; the last one was sent at `sent`.
    async fn handle_obstacle(&mut self, sent: Duration, reason: Obstacle, cause: String) -> Result<(), RunError> {
        let kind = match reason {
            Obstacle::RateLimited(_) => PauseCause::RateLimited,
            Obstacle::Unreachable => PauseCause::Unreachable,
        };
        let action = self.breaker.submit_refused(sent, self.elapsed(), reason);
        self.apply_breaker(action, kind, cause).await
    }

    /// Fails the job if the suspect is known to be right. Otherwise tries it again after all others, and stops if they
    /// are refused too.
    async fn handle_doubtful(
        &mut self,
        worker: u64,
        key: &EditKey,
        suspect: Suspect,
        message: String,
    ) -> Result<(), RunError> {
        match self.breaker.submit_doubtful(suspect) {
            Blame::Request => {
                let is_moderated = suspect == Suspect::Account;
                let class = if is_moderated { ErrorClass::Moderated } else { ErrorClass::Rejected };
                return self.fail_job(key, class, message).await;
            }
            Blame::Unknown => {
                if let Some(Worker { work, .. }) = self.workers.get(worker) {
                    self.queues.postpone(work.clone());
                }
            }
            Blame::Suspect => self.stop_for(match suspect {
                Suspect::Key | Suspect::Permission => Stop::Auth(message.clone()),
                Suspect::Account => Stop::Account(message.clone()),
                Suspect::Endpoint => Stop::NoEndpoint(message.clone()),
            }),
        }
        self.step(key, Step::Refused { message }).await?.detach();
        Ok(())
    }

    async fn handle_uncertain(&mut self, key: &EditKey, message: String, doubt: Doubt) -> Result<(), RunError> {
        self.mark_uncertain(key, message.clone()).await?;
        match doubt {
            Doubt::Redirected => self.stop_for(Stop::Redirected(message)),
            Doubt::NoId { lack } if self.breaker.submit_without_id() => self.stop_for(Stop::NoId(lack)),
            Doubt::NoId { .. } | Doubt::Unanswered => {
                let action = self.breaker.submit_failed(self.elapsed());
                self.apply_breaker(action, PauseCause::Failing, message).await?;
            }
        }
        Ok(())
    }

    async fn handle_generated(&mut self, worker: u64, key: &EditKey, outputs: usize) -> Result<(), RunError> {
        self.workers.enter(worker, Phase::Saving);
        // A recovery that has to fetch again starts from `fetched`, where nothing new was generated.
        if !matches!(self.ledger.live(key).map(|edit| &edit.state), Some(EditState::Fetched { .. })) {
            self.step(key, Step::Generated { outputs }).await?.detach();
        }
        Ok(())
    }

    /// Names the pictures of a job, and records them.
    async fn handle_fetched(&mut self, work: &Work, staged: Vec<S::Staged>) -> Result<Named<S::Staged>, RunError> {
        let staged = self.picture_names.assign(staged, &work.key.job, &self.ledger);
        let files = staged.iter().map(|(_, file)| file.clone()).collect();
        let destination = self.destination(work);
        let fetched = self.step(&work.key, Step::Fetched { files }).await?;
        Ok(Named { staged, destination, fetched })
    }

    async fn handle_poll(&mut self, answer: Result<(), String>) -> Result<(), RunError> {
        let Err(cause) = answer else {
            self.breaker.poll_answered(self.elapsed());
            return Ok(());
        };
        let action = self.breaker.poll_failed(self.elapsed());
        self.apply_breaker(action, PauseCause::Failing, cause).await
    }

    async fn handle_prediction(
        &mut self,
        key: &EditKey,
        prediction: PredictionId,
        cost: Option<Cents>,
        status_path: Option<StatusPath>,
    ) -> Result<(), RunError> {
        let estimate = self.ledger.estimate();
        if self.spending.is_first_unpriced(cost) {
            tracing::warn!(
                "a submit was answered without a price (`costCents` is missing, or not a number above 0): such submits count as \
                 {estimate}, the highest price so far; check their cost in the provider's dashboard"
            );
        }
        let cost = self.spending.answered(cost, estimate);
        let receipt = (key.job.clone(), prediction.clone());
        let step = Step::Accepted { prediction: prediction.clone(), cost_cents: cost, status_path };
        let durable = self.step(key, step).await?;
        self.receipts.follow(receipt, durable);
        self.notify_observer(&Event::Accepted { job: &key.job, prediction: &prediction, cost });
        if cost > estimate {
            self.notify_observer(&Event::PriceRise { job: &key.job, from: estimate, to: cost });
        }
        // The price is reported even if no other submit would follow.
        if let Some(reason) = self.spending.above_price_limit(cost) {
            self.drain(reason, None);
        }
        Ok(())
    }

    async fn handle_limit(&mut self, near: Rate) -> Result<(), RunError> {
        let learned = LearnedLimits { submits: Some(near), ..self.submits.learned() };
        self.record(Record::Run(RunEvent::Learned(learned))).await?.detach();
        self.notify_observer(&Event::RateLimitDetected { near });
        Ok(())
    }

    async fn handle_end(&mut self, work: &Work, end: ExecutorOutcome) -> Result<(), RunError> {
        let key = &work.key;
        match end {
            ExecutorOutcome::Submit | ExecutorOutcome::Retouched => {}
            ExecutorOutcome::Published => {
                self.breaker.picture_saved();
                let step = match work.standing {
                    Standing::Superseded => Step::SetAside,
                    Standing::Current | Standing::Alternative => Step::Completed,
                };
                self.step(key, step).await?.detach();
                let files = self.ledger.live(key).map(|edit| edit.files().to_vec()).unwrap_or_default();
                if !self.is_reroll(key) {
                    self.notify_observer(&Event::Completed { job: &key.job, files: &files });
                }
            }
            ExecutorOutcome::Checked(check) => self.handle_check(work, *check).await?,
            ExecutorOutcome::Corrected(outcome) => self.handle_correction(key, outcome).await?,
            ExecutorOutcome::Reinstated => self.step(key, Step::Reinstated).await?.detach(),
            ExecutorOutcome::Failed { class, message } => match &work.task {
                Task::FollowOrResubmit(request) if !class.is_ours() => {
                    self.record_failure(key, class, message).await?;
                    self.queues.retry(Work { task: Task::Submit(Arc::clone(request)), ..work.clone() });
                }
                _ => self.fail_job(key, class, message).await?,
            },
            ExecutorOutcome::Deferred { cause } => {
                self.deferred += 1;
                self.notify_observer(&Event::Deferred { job: &key.job, cause: &cause });
            }
            ExecutorOutcome::Stop(stop) => {
                self.deferred += 1;
                self.stop_for(stop);
            }
            ExecutorOutcome::Disk(error) => self.fail(RunError::Results(error)),
            ExecutorOutcome::Journal(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn fail_job(&mut self, key: &EditKey, class: ErrorClass, message: String) -> Result<(), RunError> {
        let message = self.record_failure(key, class, message).await?;
        if self.is_reroll(key) {
            self.notify_observer(&Event::RerollLost { job: &key.job, message: &message });
        } else {
            self.notify_observer(&Event::Failed { job: &key.job, class, message: &message });
        }
        Ok(())
    }

    /// Records a failure, unless a lost prediction is only found lost again. Returns the message that was recorded.
    async fn record_failure(
        &mut self,
        key: &EditKey,
        class: ErrorClass,
        mut message: String,
    ) -> Result<String, RunError> {
        let state = self.ledger.live(key).map(|edit| &edit.state);
        match (class, state) {
            (ErrorClass::Lost, Some(EditState::Failed { class: ErrorClass::Lost })) => return Ok(message),
            (ErrorClass::Lost, Some(EditState::Completed { .. })) => {
                message = format!("its picture was removed or damaged here, and cannot be downloaded again: {message}");
            }
            _ => {}
        }
        self.step(key, Step::Failed { class, message: message.clone() }).await?.detach();
        if class.is_ours() && self.is_reroll(key) {
            self.given_up_rerolls.insert(key.clone());
        }
        Ok(message)
    }

    pub(super) async fn mark_uncertain(&mut self, key: &EditKey, message: String) -> Result<(), RunError> {
        self.step(key, Step::Uncertain { message: message.clone() }).await?.detach();
        if self.is_reroll(key) {
            self.notify_observer(&Event::RerollUncertain { job: &key.job, message: &message });
        } else {
            self.notify_observer(&Event::Uncertain { job: &key.job, message: &message });
        }
        Ok(())
    }

    pub(super) fn destination(&self, work: &Work) -> Destination {
        match work.standing {
            Standing::Current => Destination::Results { displaced: self.displaced(&work.key) },
            Standing::Superseded | Standing::Alternative => Destination::Aside,
        }
    }

    /// Returns the files that are shown under the job's name, if they belong to another edit.
    pub(super) fn displaced(&self, key: &EditKey) -> Vec<SavedFile> {
        let shown = self.ledger.live_history(&key.job).and_then(|history| history.shown());
        shown.filter(|edit| edit.fingerprint != key.fingerprint).map(|edit| edit.files().to_vec()).unwrap_or_default()
    }
}
