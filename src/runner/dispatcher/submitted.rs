//! Handles the answers to submits.

use std::time::Duration;

use crate::api::outcome::{Doubt, Obstacle, Stop, SubmitOutcome, Suspect};
use crate::api::{EditApi, PredictionId, RateLimits, StatusPath};
use crate::job::{Cents, ErrorClass, Rate};
use crate::journal::{Edit, EditKey, LearnedLimits, PauseCause, Record, RunEvent, Step};
use crate::outputs::ResultStore;
use crate::runner::breaker::Blame;
use crate::runner::event::Event;
use crate::runner::pacing::Refusal;
use crate::runner::{RunError, StopReason};

use super::Dispatcher;
use super::workers::{Phase, Worker};

impl<A: EditApi, S: ResultStore> Dispatcher<'_, A, S> {
    /// Handles the answer to a submit: first its headers, then its outcome.
    pub(super) async fn handle_submitted(
        &mut self,
        worker: u64,
        key: &EditKey,
        outcome: SubmitOutcome,
        limits: Option<RateLimits>,
        status_path: Option<StatusPath>,
    ) -> Result<(), RunError> {
        self.leave_submitting(worker, &outcome);
        if let Some(limits) = limits {
            self.handle_quota_headers(limits).await?;
        }
        self.handle_outcome(worker, key, outcome, status_path).await
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

    async fn handle_outcome(
        &mut self,
        worker: u64,
        key: &EditKey,
        outcome: SubmitOutcome,
        status_path: Option<StatusPath>,
    ) -> Result<(), RunError> {
        let (sent, in_flight_before) =
            self.workers.get(worker).map_or((self.elapsed(), 0), |worker| (worker.started, worker.in_flight_before));
        // Those that have ended since may have been open or not when the provider decided. An accepted submit is itself
        // among those in flight now.
        let own = usize::from(matches!(outcome, SubmitOutcome::Accepted { .. }));
        let in_flight_before = in_flight_before.min(self.workers.in_flight().saturating_sub(own));
        let outcome = self.unless_of_another(worker, key, outcome);
        let refusal = self.adapt_pace(&outcome, sent, u32::try_from(in_flight_before).unwrap_or(u32::MAX));
        match outcome {
            SubmitOutcome::Accepted { prediction, cost, .. } => {
                self.handle_prediction(key, prediction, cost, status_path).await?;
            }
            SubmitOutcome::NotAccepted { cause, reason } => {
                self.step(key, Step::Refused { message: cause.clone() }).await?.detach();
                if let Some(Worker { work, .. }) = self.workers.get(worker) {
                    self.queues.retry(work.clone());
                }
                if let Some(Refusal::Limit(Some(near))) = refusal {
                    self.handle_limit(near).await?;
                }
                // If it is one of those that come at any rate, a pause is of no use, unless the provider asks for it.
                if !(refusal == Some(Refusal::Odd) && reason == Obstacle::RateLimited(None)) {
                    self.handle_obstacle(sent, reason, cause).await?;
                }
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
                let is_owner = |edit: &Edit| edit.prediction.as_ref() == Some(&prediction);
                let owner = self.ledger.live_edits().find(|(_, edit)| is_owner(edit));
                let owner = owner.map_or_else(|| "an earlier submit".to_owned(), |(job, _)| job.to_string());
                let message = format!(
                    "the answer names prediction {prediction}, which belongs to {owner}; its picture may be that of either"
                );
                SubmitOutcome::Uncertain { message, doubt: Doubt::Taken(prediction) }
            }
            outcome => outcome,
        }
    }

    /// Adapts the pace of submits to the outcome of one that was sent at `sent`, with so many submits and predictions in
    /// flight. Returns what a refusal has shown. Nothing is sent before the outcome is recorded.
    fn adapt_pace(&mut self, outcome: &SubmitOutcome, sent: Duration, in_flight_before: u32) -> Option<Refusal> {
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
                Some(self.submits.refused(sent, self.elapsed(), *hint, in_flight_before))
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
        let taken = match &doubt {
            Doubt::Taken(prediction) => Some(prediction.clone()),
            _ => None,
        };
        self.mark_uncertain(key, message.clone(), taken).await?;
        match doubt {
            Doubt::Redirected => self.stop_for(Stop::Redirected(message)),
            Doubt::NoId { lack } if self.breaker.submit_without_id() => self.stop_for(Stop::NoId(lack)),
            Doubt::NoId { .. } | Doubt::Unanswered | Doubt::Taken(_) => {
                let action = self.breaker.submit_failed(self.elapsed());
                self.apply_breaker(action, PauseCause::Failing, message).await?;
            }
        }
        Ok(())
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
            self.notify_observer(&Event::Unpriced { job: &key.job, counted: estimate });
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
}
