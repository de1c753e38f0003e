//! What stands in the way: pauses, and how a run that must stop does so.

use std::time::Duration;

use tokio::time::Instant;

use crate::api::EditApi;
use crate::api::outcome::Stop;
use crate::journal::{Record, RunEvent};
use crate::outputs::ResultStore;
use crate::runner::breaker::Advice;
use crate::runner::event::Event;
use crate::runner::{RunError, StopReason};

use super::{Dispatcher, Mode, Phase};

/// How long submits and downloads under way may take once the run was asked to stop.
const LAST_MOMENTS: Duration = Duration::from_secs(8);

impl<A: EditApi, S: ResultStore> Dispatcher<'_, A, S> {
    /// Does what the breaker advises after `cause`; `reason` is what the run stops for if it is to give up.
    pub(super) async fn heed(
        &mut self,
        advice: Advice,
        cause: String,
        reason: fn(String) -> StopReason,
    ) -> Result<(), RunError> {
        match advice {
            Advice::GoOn => {}
            Advice::GiveUp => self.halt(reason(cause)),
            Advice::Pause(wait) => {
                self.submits.pause(Instant::now() + wait);
                let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                let record = Record::Run(RunEvent::Paused { milliseconds, reason: cause.clone() });
                self.record(record).await?.later();
                self.tell(&Event::Paused { wait, reason: &cause });
            }
        }
        Ok(())
    }

    pub(super) fn stop_for(&mut self, stop: Stop) {
        match stop {
            Stop::Balance(_) => self.drain(StopReason::Api(stop), None),
            Stop::Auth(_) | Stop::Redirected(_) => self.halt(StopReason::Api(stop)),
        }
    }

    pub(super) fn drain(&mut self, reason: StopReason, until: Option<Instant>) {
        if self.mode == Mode::Running {
            self.mode = Mode::Draining(until);
            self.tell_stopping(reason);
        }
    }

    pub(super) fn halt(&mut self, reason: StopReason) {
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
    pub(super) async fn abandon(&mut self) -> Result<(), RunError> {
        self.executors.abort_all();
        let workers = std::mem::take(&mut self.workers);
        for worker in workers.into_values().filter(|worker| worker.phase == Phase::Submitting) {
            self.doubt(&worker.work.key, "the run was stopped before the answer came".to_owned()).await?;
        }
        Ok(())
    }
}
