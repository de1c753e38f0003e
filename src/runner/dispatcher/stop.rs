//! Pauses, and the ways in which a run stops early.

use std::time::Duration;

use tokio::time::Instant;
use tracing::Instrument;

use crate::api::outcome::Stop;
use crate::api::{EditApi, MAX_SUBMIT_DURATION};
use crate::journal::{Edit, EditState, PauseCause, Record, RunEvent};
use crate::outputs::{OutputError, ResultStore};
use crate::runner::breaker::BreakerAction;
use crate::runner::event::{Event, InFlight};
use crate::runner::messages::{ExecutorEvent, ExecutorMessage};
use crate::runner::{RunError, StopReason};

use super::workers::Phase;
use super::{Dispatcher, Mode};

/// How long downloads in progress may take once the run was asked to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(20);

/// How long submits in progress may take then: longer than the client waits for an answer. An answer that nobody waits
/// for is a paid prediction whose id is lost.
const SUBMIT_SHUTDOWN_TIMEOUT: Duration = MAX_SUBMIT_DURATION.saturating_add(Duration::from_secs(10));

/// Pauses that end within this time of each other are reported as one, because all open requests are rejected at
/// about the same time.
const SAME_PAUSE: Duration = Duration::from_millis(500);

impl<A: EditApi, S: ResultStore> Dispatcher<'_, A, S> {
    /// Carries out the breaker's decision after a failure of the kind `cause`, reported as `reason`.
    pub(super) async fn apply_breaker(
        &mut self,
        action: BreakerAction,
        cause: PauseCause,
        reason: String,
    ) -> Result<(), RunError> {
        match action {
            BreakerAction::Continue => {}
            BreakerAction::GiveUp => self.halt(StopReason::from_pause(cause, reason)),
            // The breaker itself knows when the next submit may go out: an answered poll may end the pause.
            BreakerAction::Pause(wait) if cause == PauseCause::Failing => {
                self.announce_pause(wait, cause, reason).await?;
            }
            BreakerAction::Pause(wait) => self.pause_submits(wait, cause, reason).await?,
        }
        Ok(())
    }

    /// Sends no submit for this long, and reports why.
    pub(super) async fn pause_submits(
        &mut self,
        wait: Duration,
        cause: PauseCause,
        reason: String,
    ) -> Result<(), RunError> {
        self.submits.pause(Instant::now() + wait);
        self.announce_pause(wait, cause, reason).await
    }

    /// Reports a pause and its reason, unless the same one was just reported.
    pub(super) async fn announce_pause(
        &mut self,
        wait: Duration,
        cause: PauseCause,
        reason: String,
    ) -> Result<(), RunError> {
        let until = Instant::now() + wait;
        if until <= self.announced_pause + SAME_PAUSE {
            return Ok(());
        }
        self.announced_pause = until;
        let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let record = Record::Run(RunEvent::Paused { milliseconds, reason: reason.clone(), cause: Some(cause) });
        self.record(record).await?.detach();
        self.notify_observer(&Event::Paused { wait, reason: &reason });
        Ok(())
    }

    pub(super) fn stop_for(&mut self, stop: Stop) {
        // Predictions in flight were paid for, and polls may still be answered.
        self.drain(StopReason::Api(stop), None);
    }

    pub(super) fn drain(&mut self, reason: StopReason, until: Option<Instant>) {
        if self.mode == Mode::Running {
            self.mode = Mode::Draining(until);
            self.announce_stop(reason);
        }
    }

    pub(super) fn halt(&mut self, reason: StopReason) {
        if !matches!(self.mode, Mode::Halting(_)) {
            self.start_halting();
            self.announce_stop(reason);
        }
    }

    /// Ends the run because of an error on this machine. Submits in progress may still report their ids.
    pub(super) fn fail(&mut self, error: RunError) {
        self.failure.get_or_insert(error);
        if !matches!(self.mode, Mode::Halting(_)) {
            self.start_halting();
        }
    }

    /// Stops submitting because the disk is full. Work in progress may still find space.
    pub(super) fn stop_for_full_disk(&mut self, error: &OutputError) {
        self.drain(StopReason::NoRoom(error.to_string()), None);
    }

    fn start_halting(&mut self) {
        self.mode = Mode::Halting(Instant::now());
        self.shared.halt.cancel();
    }

    /// Returns how long a run that halts may wait for what is in progress, from when it began to halt.
    pub(super) fn shutdown_timeout(&self) -> Duration {
        // An executor that has ended without a message will send none.
        match self.is_submitting() && !self.executors.is_empty() {
            true => SUBMIT_SHUTDOWN_TIMEOUT,
            false => SHUTDOWN_TIMEOUT,
        }
    }

    /// Announces why the run stops. Only the first reason is kept because later ones follow from it.
    pub(super) fn announce_stop(&mut self, reason: StopReason) {
        if self.stopped.is_none() {
            let under_way = match self.mode {
                Mode::Halting(_) if self.has_open_predictions() => {
                    InFlight::Abandoned { submits: self.workers.count(Phase::Submitting) }
                }
                Mode::Running | Mode::Draining(_) if self.workers.are_busy() || !self.queues.is_local_empty() => {
                    InFlight::Drained
                }
                _ => InFlight::Nothing,
            };
            self.notify_observer(&Event::Stopping { reason: &reason, under_way });
            self.stopped = Some(reason);
        }
    }

    /// Returns whether the provider has predictions to follow, or may have them: some submits may be unanswered.
    fn has_open_predictions(&self) -> bool {
        let is_open = |edit: &Edit| matches!(edit.state, EditState::Submitting { .. } | EditState::Processing);
        self.ledger.live_edits().any(|(_, edit)| is_open(edit))
    }

    /// Ends all work in progress. A submit without an answer becomes uncertain; everything else is in the journal.
    pub(super) async fn abandon(&mut self) -> Result<(), RunError> {
        self.executors.shutdown().await;
        // Messages that arrived last may contain the ids of paid predictions.
        while let Ok(message) = self.events.try_recv() {
            self.handle(message).await?;
        }
        let unanswered: Vec<_> = self.workers.take_submitting().collect();
        for worker in unanswered {
            let message = "the run was stopped before the answer came".to_owned();
            self.mark_uncertain(&worker.work.key, message, None).instrument(worker.span).await?;
        }
        Ok(())
    }

    /// Waits for the answers to open submits after an error of this program, and records them.
    pub(super) async fn record_last_answers(&mut self) {
        self.shared.halt.cancel();
        let until = Instant::now() + SUBMIT_SHUTDOWN_TIMEOUT;
        while let Some(message) = self.last_message(until).await {
            // The first error is the one that is reported.
            let _ = self.handle(message).await;
        }
    }

    /// Waits for the answers to open submits after the journal has failed, so that the error can name the predictions
    /// that were paid for.
    pub(super) async fn collect_last_answers(&mut self) {
        self.shared.halt.cancel();
        let until = Instant::now() + SUBMIT_SHUTDOWN_TIMEOUT;
        while let Some(message) = self.last_message(until).await {
            let receipt = self.receipt(&message);
            self.receipts.add_unrecorded(receipt);
            match message.event {
                ExecutorEvent::Submitted { .. } => self.workers.enter(message.worker, Phase::Generating),
                ExecutorEvent::Ended(_) => drop(self.workers.remove(message.worker)),
                _ => {}
            }
        }
    }

    /// Returns the next message while a submit is open, until a time. An executor that was ended, or has panicked, sends
    /// none.
    async fn last_message(&mut self, until: Instant) -> Option<ExecutorMessage<S::Staged>> {
        while self.is_submitting() {
            tokio::select! {
                biased;
                message = self.events.recv() => return message,
                ended = self.executors.join_next() => {
                    if ended.is_none() {
                        return self.events.try_recv().ok();
                    }
                }
                () = tokio::time::sleep_until(until) => return None,
            }
        }
        None
    }
}
