use std::collections::HashMap;

use jiff::Timestamp;

use crate::job::{Cents, JobId, JobStatus};

use super::edit::{Edit, EditState, History, TransitionError, state_name, step_name};
use super::{EditKey, PlanCounts, Record, RunEvent, Step};

/// The price of a submit before any answer has named one, in cents: the provider's page says "from $0.07".
const FIRST_ESTIMATE: Cents = Cents(7);

/// What all records of a journal add up to: the state of every edit, and the money.
///
/// The running program applies each record here before it appends it, and a resume applies them as it reads, so both
/// stand at the same state. Pure: times come with the records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    jobs: HashMap<JobId, History>,
    money: Money,
    counts: PlanCounts,
    started_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    last_run: Option<RunEvent>,
    ended: Option<Option<String>>,
    pauses: Vec<(Timestamp, u64, String)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Money {
    spent: Cents,
    open: Cents,
    open_submits: u64,
    held: Cents,
    held_submits: u64,
    estimate: Cents,
}

impl Default for Money {
    fn default() -> Money {
        let none = Cents::ZERO;
        Money { spent: none, open: none, open_submits: 0, held: none, held_submits: 0, estimate: FIRST_ESTIMATE }
    }
}

impl Ledger {
    /// Takes a record in. One that cannot follow what came before is an error, and the ledger of no use after it.
    pub fn apply(&mut self, at: Timestamp, record: &Record) -> Result<(), TransitionError> {
        match record {
            Record::Run(event) => self.apply_run(at, event),
            Record::Edit(key, step) => self.apply_step(at, key, step)?,
        }
        self.last_at = Some(at);
        Ok(())
    }

    fn apply_run(&mut self, at: Timestamp, event: &RunEvent) {
        match event {
            RunEvent::Run { jobs, .. } => {
                self.counts = *jobs;
                self.started_at.get_or_insert(at);
                self.last_run = Some(event.clone());
                self.ended = None;
            }
            RunEvent::Paused { milliseconds, reason } => self.pauses.push((at, *milliseconds, reason.clone())),
            RunEvent::Ended { reason } => self.ended = Some(reason.clone()),
        }
    }

    fn apply_step(&mut self, at: Timestamp, key: &EditKey, step: &Step) -> Result<(), TransitionError> {
        let history = self.jobs.entry(key.job.clone()).or_default();
        let edit = history.edit_mut(key.fingerprint, step);
        let before = edit.status();
        let next = edit.next(step).ok_or_else(|| TransitionError {
            job: key.job.clone(),
            step: step_name(step),
            state: state_name(&edit.state),
        })?;
        self.money.apply(&edit.state, step);
        edit.apply(at, step, next);
        let after = edit.status();
        let is_reroll = edit.reroll.is_some();
        // A re-roll goes aside first, and is brought back only if it is better.
        if matches!(step, Step::Reinstated) || matches!(step, Step::Completed) && !is_reroll {
            history.shown = Some(key.fingerprint);
        }
        let is_newest = history.newest().is_some_and(|edit| edit.fingerprint == key.fingerprint);
        if is_newest && before != after {
            self.counts.moved(before, after);
        }
        Ok(())
    }

    /// The history of a job, if the journal knows it.
    pub fn history(&self, job: &JobId) -> Option<&History> {
        self.jobs.get(job)
    }

    /// One edit, if the journal knows it.
    pub fn edit(&self, key: &EditKey) -> Option<&Edit> {
        self.jobs.get(&key.job)?.edit(key.fingerprint)
    }

    /// All edits, in no order.
    pub fn edits(&self) -> impl Iterator<Item = (&JobId, &Edit)> {
        self.jobs.iter().flat_map(|(job, history)| history.edits.iter().map(move |edit| (job, edit)))
    }

    /// The edits whose last submit has no answer yet. Where no process works on the folder, none will come.
    pub fn unanswered(&self) -> Vec<EditKey> {
        let open = self.edits().filter(|(_, edit)| matches!(edit.state, EditState::Submitting { .. }));
        let mut keys: Vec<EditKey> =
            open.map(|(job, edit)| EditKey { job: job.clone(), fingerprint: edit.fingerprint }).collect();
        keys.sort();
        keys
    }

    /// What was charged over the folder's whole life.
    pub fn spent(&self) -> Cents {
        self.money.spent
    }

    /// What may yet be charged: submits on their way and submits of unknown fate. A price that turned out higher
    /// than it was when they were announced counts for them as well.
    pub fn reserved(&self) -> Cents {
        let at_least = |sum: Cents, count: u64| sum.max(self.money.estimate.times(count));
        at_least(self.money.open, self.money.open_submits) + at_least(self.money.held, self.money.held_submits)
    }

    /// What the next submit is thought to cost: the highest price seen, and the documented one before that.
    pub fn estimate(&self) -> Cents {
        self.money.estimate
    }

    /// How the jobs of the last run's manifest stand.
    pub fn counts(&self) -> PlanCounts {
        self.counts
    }

    /// When the folder's first run began.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.started_at
    }

    /// When the last record was written.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    /// The record that began the last run.
    pub fn last_run(&self) -> Option<&RunEvent> {
        self.last_run.as_ref()
    }

    /// Whether the last run ended in good order, and if so, what stopped it early.
    pub fn ended(&self) -> Option<Option<&str>> {
        self.ended.as_ref().map(Option::as_deref)
    }

    /// The pauses of all submitters: when, for how many milliseconds, and why.
    pub fn pauses(&self) -> &[(Timestamp, u64, String)] {
        &self.pauses
    }
}

impl Money {
    fn apply(&mut self, state: &EditState, step: &Step) {
        if let Step::Intent { reserved_cents, .. } = step {
            self.open += *reserved_cents;
            self.open_submits += 1;
            return;
        }
        if let EditState::Submitting { reserved } = state {
            self.open = self.open.minus(*reserved);
            self.open_submits -= 1;
            if let Step::Uncertain { .. } = step {
                self.held += *reserved;
                self.held_submits += 1;
            }
        }
        if let Step::Accepted { cost_cents, .. } = step {
            self.spent += *cost_cents;
            self.estimate = self.estimate.max(*cost_cents);
        }
    }
}

impl PlanCounts {
    /// Counts one more job in.
    pub fn add(&mut self, status: JobStatus) {
        self.total += 1;
        *self.of(status) += 1;
    }

    fn moved(&mut self, from: JobStatus, to: JobStatus) {
        let old = self.of(from);
        *old = old.saturating_sub(1);
        *self.of(to) += 1;
    }

    fn of(&mut self, status: JobStatus) -> &mut u64 {
        match status {
            JobStatus::Completed => &mut self.completed,
            JobStatus::Failed => &mut self.failed,
            JobStatus::Uncertain => &mut self.uncertain,
            JobStatus::Pending => &mut self.pending,
        }
    }
}
