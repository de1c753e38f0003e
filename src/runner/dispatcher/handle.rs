//! Handles the messages of executors: each one is recorded before anything follows from it.

use std::sync::Arc;

use tracing::{Instrument, Span};

use crate::api::outcome::SubmitOutcome;
use crate::api::{EditApi, PredictionId};
use crate::job::ErrorClass;
use crate::journal::{EditKey, EditState, PauseCause, SavedFile, Step};
use crate::outputs::{Destination, ResultStore};
use crate::plan::{Standing, Task, Work};
use crate::runner::RunError;
use crate::runner::event::Event;
use crate::runner::messages::{ExecutorEvent, ExecutorMessage, ExecutorOutcome, Named};

use super::Dispatcher;
use super::missing_pictures::lack_of_picture;
use super::receipts::Receipt;
use super::workers::Phase;

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
                self.handle_submitted(number, key, outcome, limits, status_path).await?;
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

    pub(super) async fn fail_job(&mut self, key: &EditKey, class: ErrorClass, message: String) -> Result<(), RunError> {
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

    pub(super) async fn mark_uncertain(
        &mut self,
        key: &EditKey,
        message: String,
        taken: Option<PredictionId>,
    ) -> Result<(), RunError> {
        self.step(key, Step::Uncertain { message: message.clone(), taken }).await?.detach();
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
