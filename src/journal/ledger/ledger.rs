use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;
use jiff::Timestamp;

use crate::api::PredictionId;
use crate::color::VerdictCounts;
use crate::job::{Cents, JobId, JobIdRef, JobStatus, StatusCounts};
use crate::journal::archive::{ArchivedEdits, JournalSource, LinesError};
use crate::journal::edits::{Brief, Edit, History, TransitionError};
use crate::journal::format::{
    EditKey, EditLine, EditState, LearnedLimits, ReadAt, Record, RunEvent, RunStart, Totals, to_milliseconds,
};

use super::aggregates::{Aggregates, LocatedStep, Pause};
use super::money::SpendBaseline;
use super::run_end::RunEnd;

/// What all records of a journal add up to: the state of every edit, and the money.
///
/// The running program applies each record here before it appends it, and a resume applies them as it reads, so both
/// stand at the same state. Times come with the records.
///
/// A job is either *live*, with all that is known of its edits in memory, or *archived*: nothing more happens with it
/// by itself, and a few bytes say where its lines are. [`Ledger::brief`] knows enough of both for a plan,
/// [`Ledger::load`] makes an archived job live, and [`Ledger::edit`] reads the details of one without keeping them.
#[derive(Debug, Default, PartialEq)]
pub struct Ledger {
    pub(super) live: HashMap<JobId, History, RandomState>,
    pub(super) archived: ArchivedEdits,
    pub(super) source: JournalSource,
    pub(super) aggregates: Aggregates,
}

/// A record that the ledger cannot take in.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It cannot follow those before it.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// It is about an archived job, and the job's lines cannot be read again.
    #[error(transparent)]
    Lines(#[from] LinesError),
}

impl Ledger {
    /// Begins with nothing known; archived jobs will be read from `source`.
    pub(in crate::journal) fn reading(source: Arc<dyn ReadAt>) -> Ledger {
        Ledger { source: JournalSource::of(source), ..Ledger::default() }
    }

    /// Takes a record in. One that cannot follow what came before is an error, and the ledger of no use after it.
    pub fn apply(&mut self, at: Timestamp, record: &Record) -> Result<(), LedgerError> {
        self.apply_at(at, record, None)
    }

    /// Takes a record in whose line will begin at `offset`, where that is known. A job may only be archived if it is
    /// known of all of its lines.
    pub(in crate::journal) fn apply_at(
        &mut self,
        at: Timestamp,
        record: &Record,
        offset: Option<u64>,
    ) -> Result<(), LedgerError> {
        // A line has no more of the time than that.
        let at = to_milliseconds(at);
        match record {
            Record::Run(event) => self.apply_run(at, event),
            Record::Edit(EditKey { job, fingerprint }, step) => {
                let step = LocatedStep { at, fingerprint: *fingerprint, step: step.clone(), offset };
                self.take(&job.into(), step)?;
            }
        }
        Ok(())
    }

    pub(in crate::journal) fn apply_run(&mut self, at: Timestamp, event: &RunEvent) {
        self.aggregates.take_run(at, event);
    }

    /// Takes a step in that was read at `offset`. The answer is the job, if it may have come to rest with it.
    pub(in crate::journal) fn replay(
        &mut self,
        at: Timestamp,
        line: EditLine<'_>,
        offset: u64,
    ) -> Result<Option<JobId>, LedgerError> {
        let EditLine { job, fingerprint, step } = line;
        let may_rest = self.take(&job, LocatedStep { at, fingerprint, step, offset: Some(offset) })?;
        Ok(if may_rest { self.live.get_key_value(job.as_str()).map(|(job, _)| job.clone()) } else { None })
    }

    /// Takes a step in. The answer is whether the job may have come to rest with it.
    fn take(&mut self, job: &JobIdRef<'_>, step: LocatedStep) -> Result<bool, LedgerError> {
        if let Some(history) = self.live.get_mut(job.as_str()) {
            let finality = self.aggregates.take(history, job.as_str(), step)?;
            return Ok(finality.after && !finality.before);
        }
        let id = job.to_id();
        self.load(&id)?;
        let finality = self.aggregates.take(self.live.entry(id).or_default(), job.as_str(), step)?;
        Ok(finality.after)
    }

    /// The live jobs that could be archived.
    pub(in crate::journal) fn final_jobs(&self) -> VecDeque<JobId> {
        let finals = self.live.iter().filter(|(_, history)| history.is_final());
        finals.map(|(job, _)| job.clone()).collect()
    }

    /// Makes a job archived, if it is live and all of its edits are at rest.
    pub fn archive(&mut self, job: JobId) {
        if let Entry::Occupied(live) = self.live.entry(job)
            && live.get().is_final()
        {
            let (job, history) = live.remove_entry();
            self.archived.insert(&job, &history);
        }
    }

    /// Makes a job live, if it is archived: its lines are read again.
    ///
    /// # Errors
    ///
    /// The journal cannot be read, or its lines are no longer what they were. The job stays archived then.
    pub fn load(&mut self, job: &JobId) -> Result<(), LinesError> {
        if self.archived.knows(job.as_str()) {
            let history = self.source.history(job, &self.archived.stored(job.as_str()))?;
            self.archived.remove(job.as_str());
            self.live.insert(job.clone(), history);
        }
        Ok(())
    }

    /// Whether the journal knows the job, with whatever edits.
    pub fn knows(&self, job: &JobId) -> bool {
        self.live.contains_key(job) || self.archived.knows(job.as_str())
    }

    /// Whether the journal knows no job at all.
    pub fn is_blank(&self) -> bool {
        self.live.is_empty() && self.archived.is_empty()
    }

    /// What a plan asks of an edit, if the journal knows it.
    pub fn brief(&self, key: &EditKey) -> Option<Brief<'_>> {
        match self.live.get(&key.job) {
            Some(history) => {
                let edit = history.edit(key.fingerprint)?;
                Some(Brief::of(edit, history))
            }
            None => self.archived.brief(&key.job, key.fingerprint),
        }
    }

    /// Where an edit stands: pending, where the journal does not know it.
    pub fn status(&self, key: &EditKey) -> JobStatus {
        self.brief(key).map_or(JobStatus::Pending, |brief| brief.status())
    }

    /// The history of a job, if it is live.
    pub fn live_history(&self, job: &JobId) -> Option<&History> {
        self.live.get(job)
    }

    /// One edit, if its job is live: as every job is that a run works on.
    pub fn live(&self, key: &EditKey) -> Option<&Edit> {
        self.live.get(&key.job)?.edit(key.fingerprint)
    }

    /// The edits of all live jobs, in no order: among them are all with which more happens by itself.
    pub fn live_edits(&self) -> impl Iterator<Item = (&JobId, &Edit)> {
        self.live.iter().flat_map(|(job, history)| history.edits().map(move |edit| (job, edit)))
    }

    /// How many edits are archived, and so take a few bytes each.
    pub fn archived_edits(&self) -> usize {
        self.archived.len()
    }

    /// Says where the lines are now.
    #[cfg(test)]
    pub(in crate::journal) fn reads_from(&mut self, source: Arc<dyn ReadAt>) {
        self.source = JournalSource::of(source);
    }

    /// How many jobs have pictures in `results/`.
    pub fn shown_jobs(&self) -> u64 {
        let live = self.live.values().filter(|history| history.shown.is_some()).count();
        (live + self.archived.shown().count()) as u64
    }

    /// Whether a job has pictures in `results/`, of whatever edit.
    pub fn is_shown(&self, job: &JobId) -> bool {
        self.live.get(job).is_some_and(|history| history.shown.is_some()) || self.archived.is_shown(job.as_str())
    }

    /// Whether the pictures in `results/` are those of this very edit.
    pub fn shows(&self, key: &EditKey) -> bool {
        match self.live.get(&key.job) {
            Some(history) => history.shown == Some(key.fingerprint),
            None => self.archived.brief(&key.job, key.fingerprint).is_some_and(|brief| brief.is_shown),
        }
    }

    /// What a compacted journal cannot tell from its edits.
    pub(in crate::journal) fn totals(&self) -> Totals {
        self.aggregates.totals()
    }

    /// Whether another ledger has the same money, jobs and times. Its archived jobs may be other ones.
    pub(crate) fn agrees_with(&self, other: &Ledger) -> bool {
        let edits = |ledger: &Ledger| ledger.archived_edits() + ledger.live_edits().count();
        let aggregates = |ledger: &Ledger| (edits(ledger), ledger.shown_jobs(), ledger.colors());
        aggregates(self) == aggregates(other) && self.aggregates == other.aggregates
    }

    /// The edits whose last submit has no answer yet. Where no process works on the folder, none will come.
    pub fn unanswered(&self) -> Vec<EditKey> {
        let open = self.live_edits().filter(|(_, edit)| matches!(edit.state, EditState::Submitting { .. }));
        let mut keys: Vec<EditKey> =
            open.map(|(job, edit)| EditKey { job: job.clone(), fingerprint: edit.fingerprint }).collect();
        keys.sort();
        keys
    }

    /// What was charged over the folder's whole life.
    pub fn spent(&self) -> Cents {
        self.aggregates.money.spent
    }

    /// How many submits were announced over the folder's whole life, refused ones and re-rolls included.
    pub fn submits(&self) -> u64 {
        self.aggregates.submits
    }

    /// What may yet be charged: submits on their way and submits of unknown fate. A price that turned out higher
    /// than it was when they were announced counts for them as well.
    pub fn reserved(&self) -> Cents {
        self.aggregates.money.reserved()
    }

    /// How the money stands now, for [`Ledger::committed_since`].
    pub fn baseline(&self) -> SpendBaseline {
        self.aggregates.money.baseline()
    }

    /// What was spent since `baseline`, and what may yet be charged for submits made since then.
    pub fn committed_since(&self, baseline: &SpendBaseline) -> Cents {
        self.aggregates.money.since(baseline)
    }

    /// What the next submit is thought to cost: the highest price seen, and the documented one before that.
    pub fn estimate(&self) -> Cents {
        self.aggregates.money.estimate
    }

    /// How the jobs of the last run's manifest stand.
    pub fn counts(&self) -> StatusCounts {
        self.aggregates.counts
    }

    /// The results that are shown under their jobs' names, by the verdict on their color.
    pub fn colors(&self) -> VerdictCounts {
        let mut counts = VerdictCounts::default();
        let live = self.live.values().filter_map(|history| Some(history.shown()?.check()?.verdict));
        live.chain(self.archived.verdicts()).for_each(|verdict| counts.add(verdict));
        counts
    }

    /// Whether a prediction is known, and not as the one of the live edit `key`.
    pub fn is_of_another(&self, prediction: &PredictionId, key: &EditKey) -> bool {
        self.aggregates.known.contains(prediction)
            && self.live(key).and_then(|edit| edit.prediction.as_ref()) != Some(prediction)
    }

    /// When the folder's first run began.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.aggregates.started_at
    }

    /// When the first submit was announced.
    pub fn first_submit_at(&self) -> Option<Timestamp> {
        self.aggregates.first_submit_at
    }

    /// When an edit last came to an end.
    pub fn last_finish_at(&self) -> Option<Timestamp> {
        self.aggregates.last_finish_at
    }

    /// When the last record was written.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.aggregates.last_at
    }

    /// The record that began the last run.
    pub fn last_run(&self) -> Option<&RunStart> {
        self.aggregates.last_run.as_ref()
    }

    /// When the last run began.
    pub fn last_run_at(&self) -> Option<Timestamp> {
        self.aggregates.last_run_at
    }

    /// What was learned of the pace of the last run's backend.
    pub fn learned(&self) -> &LearnedLimits {
        &self.aggregates.learned
    }

    /// How the last run ended.
    pub fn last_run_end(&self) -> RunEnd<'_> {
        match &self.aggregates.ended {
            None => RunEnd::Unknown,
            Some(ended) => ended.reason.as_deref().map_or(RunEnd::Finished, RunEnd::Stopped),
        }
    }

    /// The pauses of all submitters, in order of time.
    pub fn pauses(&self) -> &[Pause] {
        &self.aggregates.pauses
    }
}
