use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::job::{Fingerprint, StatusCounts, StopKind};
use crate::journal::edits::{Edit, History, Tracked, TransitionError};
use crate::journal::format::{LastRunTotals, LearnedLimits, PauseCause, RunEvent, RunStart, Step, Totals};

use super::known_predictions::KnownPredictions;
use super::money::Money;
use super::redone::Redone;

/// The aggregates of all records, without the states of edits.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::journal) struct Aggregates {
    #[serde(skip)]
    pub(in crate::journal) known: KnownPredictions,
    pub(in crate::journal) money: Money,
    pub(in crate::journal) counts: StatusCounts,
    /// The number of submits.
    pub(in crate::journal) submits: u64,
    pub(in crate::journal) started_at: Option<Timestamp>,
    pub(in crate::journal) last_at: Option<Timestamp>,
    pub(in crate::journal) first_submit_at: Option<Timestamp>,
    pub(in crate::journal) last_submit_at: Option<Timestamp>,
    pub(in crate::journal) last_finish_at: Option<Timestamp>,
    pub(in crate::journal) last_run: Option<RunStart>,
    pub(in crate::journal) last_run_at: Option<Timestamp>,
    /// The totals of the last run; `None` if an older program has compacted them away.
    pub(in crate::journal) last_run_totals: Option<LastRunTotals>,
    pub(in crate::journal) learned: LearnedLimits,
    pub(in crate::journal) redone: Redone,
    pub(in crate::journal) ended: Option<Ended>,
    pub(in crate::journal) pauses: Vec<Pause>,
}

/// A pause of all submits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Its start.
    pub at: Timestamp,
    /// Its length in milliseconds.
    pub milliseconds: u64,
    /// Its cause.
    pub cause: PauseCause,
}

/// A run that ended properly, and the reason why it stopped before its work was done.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::journal) struct Ended {
    pub(in crate::journal) at: Timestamp,
    pub(in crate::journal) reason: Option<String>,
    pub(in crate::journal) stop: Option<StopKind>,
}

/// A step of an edit, with the offset of its line.
pub(in crate::journal) struct LocatedStep {
    pub(in crate::journal) at: Timestamp,
    pub(in crate::journal) fingerprint: Fingerprint,
    pub(in crate::journal) step: Step,
    /// The offset of its line, if known.
    pub(in crate::journal) offset: Option<u64>,
}

/// Whether an edit was final before a step, and whether it is after it.
pub(in crate::journal) struct Finality {
    pub(in crate::journal) before: bool,
    pub(in crate::journal) after: bool,
}

impl Aggregates {
    pub(in crate::journal) fn apply_run(&mut self, at: Timestamp, event: &RunEvent) {
        self.last_at = Some(at);
        match event {
            RunEvent::Run(run) => {
                let is_same = self.last_run.as_ref().is_some_and(|last| last.backend == run.backend);
                if !is_same {
                    self.learned = LearnedLimits::default();
                }
                self.counts = run.jobs;
                self.started_at.get_or_insert(at);
                self.last_run = Some(run.clone());
                self.last_run_at = Some(at);
                self.last_run_totals = Some(LastRunTotals::default());
                self.ended = None;
            }
            RunEvent::Paused { milliseconds, reason, cause } => {
                // Older programs recorded the status of the answer only as text.
                let told = if reason.starts_with("HTTP 429") { PauseCause::RateLimited } else { PauseCause::Failing };
                self.pauses.push(Pause { at, milliseconds: *milliseconds, cause: cause.unwrap_or(told) });
            }
            RunEvent::Learned(learned) => {
                let LearnedLimits { submits, unrefused, in_flight, odd_refusals, polls, generation_ms } = learned;
                if learned.submit_rate().is_some() {
                    (self.learned.submits, self.learned.unrefused) = (*submits, *unrefused);
                }
                self.learned.in_flight = in_flight.or(self.learned.in_flight);
                self.learned.odd_refusals = odd_refusals.or(self.learned.odd_refusals);
                self.learned.polls = polls.or(self.learned.polls);
                if !generation_ms.is_empty() {
                    self.learned.generation_ms.clone_from(generation_ms);
                }
            }
            RunEvent::Redo { jobs } => jobs.iter().for_each(|redo| self.redone.apply(redo)),
            RunEvent::Ended { reason, stop } => self.ended = Some(Ended { at, reason: reason.clone(), stop: *stop }),
            RunEvent::Compacted(totals) => {
                self.counts = totals.jobs;
                self.money.estimate = self.money.estimate.max(totals.estimate_cents);
                self.first_submit_at = [self.first_submit_at, totals.first_submit_at].into_iter().flatten().min();
                self.last_submit_at = self.last_submit_at.max(totals.last_submit_at);
                self.last_finish_at = self.last_finish_at.max(totals.last_finish_at);
                self.last_run_totals = totals.last_run;
            }
        }
    }

    /// Applies a step of a job with this `history`.
    pub(in crate::journal) fn apply(
        &mut self,
        history: &mut History,
        job: &str,
        told: LocatedStep,
    ) -> Result<Finality, TransitionError> {
        let LocatedStep { at, fingerprint, step, offset } = told;
        let Tracked { edit, offsets } = history.edit_mut(fingerprint, &step);
        let (status, before, attempts) = (edit.status(), edit.is_final(), edit.attempts);
        let next = edit.next(&step).ok_or_else(|| TransitionError {
            job: job.to_owned(),
            step: step.name(),
            state: edit.state.name(),
        })?;
        if let Some(offset) = offset.filter(|_| edit.is_changed_by(&step)) {
            offsets.0.push(offset);
        }
        self.money.apply(edit, &step);
        self.last_at = Some(at);
        match &step {
            Step::Intent { .. } => {
                self.first_submit_at.get_or_insert(at);
                self.last_submit_at = Some(at);
                if let Some(run) = &mut self.last_run_totals {
                    run.submits += 1;
                }
            }
            Step::Accepted { prediction, cost_cents, .. } | Step::Adopted { prediction, cost_cents, .. } => {
                if let Step::Adopted { replaces: Some(wrong), .. } = &step {
                    self.known.remove(wrong);
                }
                self.known.insert(prediction);
                if let Some(run) = &mut self.last_run_totals {
                    run.spent_cents += *cost_cents;
                }
            }
            Step::Summary(summary) => {
                summary.prediction.iter().chain(&summary.earlier).for_each(|prediction| self.known.insert(prediction));
            }
            _ => {}
        }
        let is_shown = is_shown_after(edit, &step);
        edit.apply(at, step, next);
        self.submits += u64::from(edit.attempts.saturating_sub(attempts));
        self.last_finish_at = self.last_finish_at.max(edit.finished_at);
        let (status_after, after) = (edit.status(), edit.is_final());
        match is_shown {
            Some(true) => history.shown = Some(fingerprint),
            Some(false) if history.shown == Some(fingerprint) => history.shown = None,
            _ => {}
        }
        let is_newest = history.newest().is_some_and(|edit| edit.fingerprint == fingerprint);
        if is_newest && status != status_after {
            self.counts.change(status, status_after);
        }
        Ok(Finality { before, after })
    }

    /// Returns the totals that cannot be derived from the edits of a compacted journal.
    pub(in crate::journal) fn totals(&self) -> Totals {
        Totals {
            jobs: self.counts,
            estimate_cents: self.money.estimate,
            first_submit_at: self.first_submit_at,
            last_submit_at: self.last_submit_at,
            last_finish_at: self.last_finish_at,
            last_run: self.last_run_totals,
        }
    }
}

/// Whether the pictures of an edit are in `results/` after a step; `None` if the step does not change that.
fn is_shown_after(edit: &Edit, step: &Step) -> Option<bool> {
    match step {
        // A re-roll is saved aside first, and moved back only if it is better.
        Step::Completed => edit.reroll.is_none().then_some(true),
        Step::Reinstated => Some(true),
        Step::Summary(summary) => summary.shown.then_some(true),
        Step::SetAside => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_have_a_cause_and_those_of_older_programs_are_classified_by_their_text() {
        let cause = |reason: &str, cause| {
            let mut aggregates = Aggregates::default();
            let reason = reason.to_owned();
            aggregates.apply_run(Timestamp::UNIX_EPOCH, &RunEvent::Paused { milliseconds: 5, reason, cause });
            aggregates.pauses[0].cause
        };
        assert_eq!(cause("slow down", Some(PauseCause::RateLimited)), PauseCause::RateLimited);
        assert_eq!(cause("HTTP 429: slow down", None), PauseCause::RateLimited);
        for other in ["connect to 127.0.0.1:44293: refused", "HTTP 503: request 1429 was lost"] {
            assert_eq!(cause(other, None), PauseCause::Failing, "{other}");
        }
    }
}
