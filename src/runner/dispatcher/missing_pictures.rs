//! What follows when jobs that were paid for have no pictures.

use crate::api::EditApi;
use crate::job::ErrorClass;
use crate::journal::PauseCause;
use crate::outputs::ResultStore;
use crate::plan::Work;
use crate::runner::breaker::BreakerAction;
use crate::runner::messages::ExecutorOutcome;
use crate::runner::{RunError, StopReason};

use super::Dispatcher;
use super::workers::{Phase, Worker};

impl<A: EditApi, S: ResultStore> Dispatcher<'_, A, S> {
    pub(super) async fn handle_failed_download(&mut self, worker: u64, cause: &str) -> Result<(), RunError> {
        let Some(Worker { work, phase, .. }) = self.workers.get(worker) else { return Ok(()) };
        let (was_stalled, is_paid_now) = (*phase == Phase::Stalled, work.task.submits());
        self.workers.enter(worker, Phase::Stalled);
        if !is_paid_now {
            // Predictions of earlier runs may have expired, which says nothing about those of this one.
            return Ok(());
        }
        let action = match was_stalled {
            false => self.breaker.picture_missing(self.elapsed()),
            true => self.breaker.picture_still_missing(self.elapsed()),
        };
        self.apply_picture_breaker(action, cause).await
    }

    /// Carries out the breaker's decision after a paid job has no picture. Its probe waits for more than the time: see
    /// `take_turn`.
    pub(super) async fn apply_picture_breaker(&mut self, action: BreakerAction, cause: &str) -> Result<(), RunError> {
        let reason = || format!("the last jobs have no pictures: {cause}");
        match action {
            BreakerAction::Continue => Ok(()),
            BreakerAction::GiveUp => {
                self.halt(StopReason::Failing(reason()));
                Ok(())
            }
            BreakerAction::Pause(wait) => self.announce_pause(wait, PauseCause::Failing, reason()).await,
        }
    }
}

/// Returns why a job that was paid for in this run has no picture, if the provider may fail for others as well.
pub(super) fn lack_of_picture(work: &Work, end: &ExecutorOutcome) -> Option<String> {
    match end {
        ExecutorOutcome::Failed {
            class: ErrorClass::Provider | ErrorClass::Download | ErrorClass::Timeout,
            message,
        } if work.task.submits() => Some(message.clone()),
        _ => None,
    }
}
