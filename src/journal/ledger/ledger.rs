use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;
use jiff::Timestamp;

use crate::api::PredictionId;
use crate::append_log::ReadAt;
use crate::color::VerdictCounts;
use crate::job::{Cents, JobId, JobIdRef, JobStatus, StatusCounts, StopKind};
use crate::journal::archive::{ArchivedEdits, JournalSource, LinesError};
use crate::journal::edits::{Brief, ColorBrief, Edit, History, TransitionError};
use crate::journal::format::{
    EditKey, EditLine, EditState, LastRunTotals, LearnedLimits, Record, RunEvent, RunStart, Totals, to_milliseconds,
};

use super::aggregates::{Aggregates, LocatedStep, Pause};
use super::money::SpendBaseline;
use super::redone::Redone;
use super::run_end::RunEnd;

/// The aggregated state of all records of a journal: every edit, and the money.
///
/// A running program applies each record here before it appends it, and a resumed one applies the records that it
/// reads, so both have the same state. Times are part of the records.
///
/// A job is either *live*, with all data of its edits in memory, or *archived*: it does not change any more by itself,
/// and a few bytes locate its lines. [`Ledger::brief`] has enough of both for a plan, [`Ledger::load`] makes an
/// archived job live, and [`Ledger::edit`] reads the details of an edit without keeping them.
#[derive(Debug, Default)]
pub struct Ledger {
    pub(super) live: HashMap<JobId, History, RandomState>,
    pub(super) archived: ArchivedEdits,
    pub(super) source: JournalSource,
    pub(super) aggregates: Aggregates,
}

/// The reason why a record cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It is invalid after the records before it.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// It is about an archived job, and the lines of that job cannot be read again.
    #[error(transparent)]
    Lines(#[from] LinesError),
}

impl Ledger {
    /// Returns an empty ledger, whose archived jobs will be read from `source`.
    pub(in crate::journal) fn reading(source: Arc<dyn ReadAt>) -> Ledger {
        Ledger { source: JournalSource::of(source), ..Ledger::default() }
    }

    /// Applies a record. After an error, the ledger must not be used.
    pub fn apply(&mut self, at: Timestamp, record: &Record) -> Result<(), LedgerError> {
        self.apply_at(at, record.clone(), None)
    }

    /// Applies a record whose line will begin at `offset`, if known. A job can only be archived if the offsets of all
    /// its lines are known.
    pub(in crate::journal) fn apply_at(
        &mut self,
        at: Timestamp,
        record: Record,
        offset: Option<u64>,
    ) -> Result<(), LedgerError> {
        // Lines have a precision of milliseconds.
        let at = to_milliseconds(at);
        match record {
            Record::Run(event) => self.apply_run(at, &event),
            Record::Edit(EditKey { job, fingerprint }, step) => {
                self.apply_step(&(&job).into(), LocatedStep { at, fingerprint, step, offset })?;
            }
        }
        Ok(())
    }

    pub(in crate::journal) fn apply_run(&mut self, at: Timestamp, event: &RunEvent) {
        self.aggregates.apply_run(at, event);
    }

    /// Applies a step that was read at `offset`. Returns the job if the step may have made it final.
    pub(in crate::journal) fn replay(
        &mut self,
        at: Timestamp,
        line: EditLine<'_>,
        offset: u64,
    ) -> Result<Option<JobId>, LedgerError> {
        let EditLine { job, fingerprint, step } = line;
        let may_rest = self.apply_step(&job, LocatedStep { at, fingerprint, step, offset: Some(offset) })?;
        Ok(if may_rest { self.live.get_key_value(job.as_str()).map(|(job, _)| job.clone()) } else { None })
    }

    /// Applies a step. Returns whether it may have made the job final.
    fn apply_step(&mut self, job: &JobIdRef<'_>, step: LocatedStep) -> Result<bool, LedgerError> {
        if let Some(history) = self.live.get_mut(job.as_str()) {
            let finality = self.aggregates.apply(history, job.as_str(), step)?;
            return Ok(finality.after && !finality.before);
        }
        let id = job.to_id();
        self.load(&id)?;
        let finality = self.aggregates.apply(self.live.entry(id).or_default(), job.as_str(), step)?;
        Ok(finality.after)
    }

    /// Returns the live jobs that could be archived.
    pub(in crate::journal) fn final_jobs(&self) -> VecDeque<JobId> {
        let finals = self.live.iter().filter(|(_, history)| history.is_final());
        finals.map(|(job, _)| job.clone()).collect()
    }

    /// Archives a job, if it is live and all its edits are final.
    pub fn archive(&mut self, job: JobId) {
        if let Entry::Occupied(live) = self.live.entry(job)
            && live.get().is_final()
        {
            let (job, history) = live.remove_entry();
            self.archived.insert(&job, &history);
        }
    }

    /// Makes an archived job live by reading its lines again.
    ///
    /// # Errors
    ///
    /// The journal cannot be read, or its lines have changed. The job then stays archived.
    pub fn load(&mut self, job: &JobId) -> Result<(), LinesError> {
        if self.archived.knows(job.as_str()) {
            let history = self.source.history(job, &self.archived.stored(job.as_str()))?;
            self.archived.remove(job.as_str());
            self.live.insert(job.clone(), history);
        }
        Ok(())
    }

    /// Whether the journal knows the job, with any edit.
    pub fn knows(&self, job: &JobId) -> bool {
        self.live.contains_key(job) || self.archived.knows(job.as_str())
    }

    /// Whether the journal knows no job at all.
    pub fn is_blank(&self) -> bool {
        self.live.is_empty() && self.archived.is_empty()
    }

    /// Returns the facts about an edit that a plan needs; `None` if the journal does not know it.
    pub fn brief(&self, key: &EditKey) -> Option<Brief<'_>> {
        match self.live.get(&key.job) {
            Some(history) => {
                let edit = history.edit(key.fingerprint)?;
                Some(Brief::of(edit, history))
            }
            None => self.archived.brief(&key.job, key.fingerprint),
        }
    }

    /// Returns the status of an edit, which is pending if the journal does not know it.
    pub fn status(&self, key: &EditKey) -> JobStatus {
        self.brief(key).map_or(JobStatus::Pending, |brief| brief.status())
    }

    /// Returns the history of a job; `None` if it is not live.
    pub fn live_history(&self, job: &JobId) -> Option<&History> {
        self.live.get(job)
    }

    /// Returns an edit; `None` if its job is not live. Every job that a run works on is live.
    pub fn live(&self, key: &EditKey) -> Option<&Edit> {
        self.live.get(&key.job)?.edit(key.fingerprint)
    }

    /// Returns the edits of all live jobs, in arbitrary order. They include all edits that are not final.
    pub fn live_edits(&self) -> impl Iterator<Item = (&JobId, &Edit)> {
        self.live.iter().flat_map(|(job, history)| history.edits().map(move |edit| (job, edit)))
    }

    /// Returns the number of archived edits, which take a few bytes each.
    pub fn archived_edits(&self) -> usize {
        self.archived.len()
    }

    /// Replaces the journal that archived lines are read from.
    #[cfg(test)]
    pub(in crate::journal) fn reads_from(&mut self, source: Arc<dyn ReadAt>) {
        self.source = JournalSource::of(source);
    }

    /// Returns the number of jobs with pictures in `results/`.
    pub fn shown_jobs(&self) -> u64 {
        let live = self.live.values().filter(|history| history.shown.is_some()).count();
        (live + self.archived.shown().count()) as u64
    }

    /// Whether a job has pictures in `results/`, of any edit.
    pub fn is_shown(&self, job: &JobId) -> bool {
        self.live.get(job).is_some_and(|history| history.shown.is_some()) || self.archived.is_shown(job.as_str())
    }

    /// Whether the pictures in `results/` are those of exactly this edit.
    pub fn shows(&self, key: &EditKey) -> bool {
        match self.live.get(&key.job) {
            Some(history) => history.shown == Some(key.fingerprint),
            None => self.archived.brief(&key.job, key.fingerprint).is_some_and(|brief| brief.is_shown),
        }
    }

    /// Returns the totals that cannot be derived from the edits of a compacted journal.
    pub(in crate::journal) fn totals(&self) -> Totals {
        self.aggregates.totals()
    }

    /// Whether another ledger has the same money, jobs and times. Other jobs may be archived in it.
    pub(crate) fn agrees_with(&self, other: &Ledger) -> bool {
        let edits = |ledger: &Ledger| ledger.archived_edits() + ledger.live_edits().count();
        let aggregates = |ledger: &Ledger| (edits(ledger), ledger.shown_jobs(), ledger.shown_colors());
        aggregates(self) == aggregates(other) && self.aggregates == other.aggregates
    }

    /// Returns the edits whose last submit has no answer, sorted. If no process works on the folder, there will be
    /// none.
    pub fn unanswered(&self) -> Vec<EditKey> {
        let open = self.live_edits().filter(|(_, edit)| matches!(edit.state, EditState::Submitting { .. }));
        let mut keys: Vec<EditKey> =
            open.map(|(job, edit)| EditKey { job: job.clone(), fingerprint: edit.fingerprint }).collect();
        keys.sort();
        keys
    }

    /// Returns the number of predictions that the provider has accepted and whose pictures are not saved here.
    pub fn open_predictions(&self) -> u64 {
        self.live_edits().filter(|(_, edit)| edit.state == EditState::Processing).count() as u64
    }

    /// Returns the money charged over all runs of the folder.
    pub fn spent(&self) -> Cents {
        self.aggregates.money.spent
    }

    /// Returns the number of announced submits over all runs of the folder, including refused ones and re-rolls.
    pub fn submits(&self) -> u64 {
        self.aggregates.submits
    }

    /// Returns the money that may still be charged for open and uncertain submits, at the highest price so far.
    pub fn reserved(&self) -> Cents {
        self.aggregates.money.reserved()
    }

    /// Returns the current money totals, for [`Ledger::committed_since`].
    pub fn baseline(&self) -> SpendBaseline {
        self.aggregates.money.baseline()
    }

    /// Returns the money spent since `baseline`, plus what may still be charged for submits since then.
    pub fn committed_since(&self, baseline: &SpendBaseline) -> Cents {
        self.aggregates.money.since(baseline)
    }

    /// Returns the estimated cost of the next submit: the highest price so far, or the documented one if there is none.
    pub fn estimate(&self) -> Cents {
        self.aggregates.money.estimate
    }

    /// Returns the status counts of the last run's manifest.
    pub fn counts(&self) -> StatusCounts {
        self.aggregates.counts
    }

    /// Returns the verdicts on the colors of all shown results, of whatever edit and manifest.
    fn shown_colors(&self) -> VerdictCounts {
        let mut counts = VerdictCounts::default();
        let live = self.live.values().filter_map(|history| Some(ColorBrief::of(history.shown()?)?.verdict));
        live.chain(self.archived.verdicts()).for_each(|verdict| counts.add(verdict));
        counts
    }

    /// Whether a prediction is known, but is not that of the live edit `key`.
    pub fn is_of_another(&self, prediction: &PredictionId, key: &EditKey) -> bool {
        self.aggregates.known.contains(prediction)
            && self.live(key).and_then(|edit| edit.prediction.as_ref()) != Some(prediction)
    }

    /// Returns the start of the folder's first run.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.aggregates.started_at
    }

    /// Returns the time of the first submit.
    pub fn first_submit_at(&self) -> Option<Timestamp> {
        self.aggregates.first_submit_at
    }

    /// Returns the time of the last submit.
    pub fn last_submit_at(&self) -> Option<Timestamp> {
        self.aggregates.last_submit_at
    }

    /// Returns the last time at which an edit ended.
    pub fn last_finish_at(&self) -> Option<Timestamp> {
        self.aggregates.last_finish_at
    }

    /// Returns the time of the last record.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.aggregates.last_at
    }

    /// Returns the start record of the last run.
    pub fn last_run(&self) -> Option<&RunStart> {
        self.aggregates.last_run.as_ref()
    }

    /// Returns the start of the last run.
    pub fn last_run_at(&self) -> Option<Timestamp> {
        self.aggregates.last_run_at
    }

    /// Returns the end of the last run; `None` if it is still running, or if its process was killed.
    pub fn last_run_ended_at(&self) -> Option<Timestamp> {
        self.aggregates.ended.as_ref().map(|ended| ended.at)
    }

    /// Returns the totals of the last run; `None` if they are not known.
    pub fn last_run_totals(&self) -> Option<LastRunTotals> {
        self.aggregates.last_run_totals
    }

    /// Returns the learned limits of the last run's backend.
    pub fn learned(&self) -> &LearnedLimits {
        &self.aggregates.learned
    }

    /// Returns the edits that are made anew with other seeds.
    pub fn redone(&self) -> &Redone {
        &self.aggregates.redone
    }

    /// Returns how the last run ended.
    pub fn last_run_end(&self) -> RunEnd<'_> {
        match &self.aggregates.ended {
            None => RunEnd::Unknown,
            Some(ended) => ended.reason.as_deref().map_or(RunEnd::Finished, RunEnd::Stopped),
        }
    }

    /// Returns the kind of reason why the last run stopped before its work was done, if it did and if it is known.
    pub fn last_stop(&self) -> Option<StopKind> {
        self.aggregates.ended.as_ref()?.stop
    }

    /// Returns the pauses of all submits, oldest first.
    pub fn pauses(&self) -> &[Pause] {
        &self.aggregates.pauses
    }
}
