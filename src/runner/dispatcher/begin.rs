//! What may begin: the next work, where there is a slot, no pause, a token and room in the budget.

use std::iter::Peekable;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::api::EditApi;
use crate::journal::{LedgerError, Step};
use crate::outputs::ResultStore;
use crate::runner::event::Event;
use crate::runner::executor::{Beginning, Executor};
use crate::runner::policy::has_room;
use crate::runner::polling::Kind;
use crate::runner::{RunError, StopReason, Task, Work};

use super::{Dispatcher, Mode, Phase, Worker};

impl<A: EditApi, S: ResultStore> Dispatcher<'_, A, S> {
    /// Begins all that may begin now; the answer is when to look again, if only time stands in the way.
    pub(super) async fn begin_what_may(
        &mut self,
        work: &mut Peekable<impl Iterator<Item = Work>>,
    ) -> Result<Option<Instant>, RunError> {
        while self.mode == Mode::Running && self.in_flight() < self.settings.in_flight.get() as usize {
            let Some(next) = self.retries.front().or_else(|| work.peek()) else {
                break;
            };
            if let Task::Submit(_) = next.task {
                if !has_room(self.settings.budget, &self.ledger) {
                    // What is on its way may yet turn out refused, and so free its reservation.
                    if !self.is_submitting() {
                        self.drain(StopReason::Budget, None);
                    }
                    break;
                }
                if self.breaker.is_probing() && self.is_submitting() {
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
            Beginning::Follow { .. } => Phase::Generating,
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
            job_timeout: self.settings.job_timeout,
            halt: self.halt.clone(),
            reports: self.reports.clone(),
            now: Arc::clone(&self.plant.now),
            kind: match &work.task {
                Task::Submit(request) => Some(Kind::of(request)),
                Task::Follow | Task::Recover | Task::Reinstate => None,
            },
            phase: fastrand::Rng::with_seed(self.plant.seed.wrapping_add(worker)).f64(),
        };
        if phase == Phase::Submitting {
            let attempt = self.ledger.live(&work.key).map_or(1, |edit| edit.attempts);
            let tally = self.tally();
            self.observer.observe(&Event::Submitting { job: &work.key.job, attempt }, &tally);
        }
        let began = self.elapsed();
        self.workers.insert(worker, Worker { work, began, phase });
        self.executors.spawn(executor.carry(beginning));
        Ok(())
    }

    /// Records what must be recorded before `work` may begin. `None` where its state no longer allows it.
    async fn beginning(&mut self, work: &Work) -> Result<Option<Beginning>, RunError> {
        self.ledger.wake(&work.key.job).map_err(LedgerError::from)?;
        let edit = self.ledger.live(&work.key);
        let prediction = edit.and_then(|edit| edit.prediction.clone());
        Ok(match &work.task {
            Task::Submit(request) => {
                let attempt = edit.map_or(0, |edit| edit.attempts) + 1;
                let step = Step::Intent { attempt, reserved_cents: self.ledger.estimate(), reroll: None };
                let intent = self.step(&work.key, step).await?;
                Some(Beginning::Submit { intent, request: Arc::clone(request) })
            }
            Task::Follow => {
                let age = edit.and_then(|edit| edit.submitted_at).map(|at| (self.plant.now)().duration_since(at));
                let age = age.and_then(|age| Duration::try_from(age).ok()).unwrap_or_default();
                prediction.map(|prediction| Beginning::Follow { prediction, age })
            }
            Task::Recover => {
                let files = edit.map_or(&[][..], |edit| edit.files()).to_vec();
                let place = self.place(work);
                prediction.map(|prediction| Beginning::Recover { files, place, prediction })
            }
            Task::Reinstate => {
                let files = edit.map_or(&[][..], |edit| edit.files()).to_vec();
                let displaced = self.displaced(&work.key);
                prediction.map(|prediction| Beginning::Reinstate { files, displaced, prediction })
            }
        })
    }

    pub(super) fn is_submitting(&self) -> bool {
        self.submitting() > 0
    }

    /// How many submits have no answer yet.
    pub(super) fn submitting(&self) -> u64 {
        self.workers.values().filter(|worker| worker.phase == Phase::Submitting).count() as u64
    }
}
