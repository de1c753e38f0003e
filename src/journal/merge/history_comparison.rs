//! Compares journals by the state that their lines lead to, because one record of a compacted journal replaces many
//! lines.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use crate::append_log::{Lines, ReadAt};
use crate::job::JobId;
use crate::journal::edits::History;
use crate::journal::format::Record;
use crate::journal::ledger::Ledger;

use super::merge_lines::{MergeLines, invalid};

/// The lines about some jobs in several journals. They are read again, one job at a time, and compared by the state
/// that they lead to.
pub(in crate::journal) struct HistoryComparison<'j> {
    journals: &'j [Arc<dyn ReadAt>],
    /// The offsets of each job's lines, in each journal.
    offsets: HashMap<JobId, Vec<Vec<u64>>>,
}

/// The journal with the most recent history of a job.
pub(in crate::journal) struct Furthest {
    /// The index of the journal.
    pub(in crate::journal) journal_index: usize,
    /// The number of its lines that the first journal covers.
    pub(in crate::journal) in_first: usize,
    /// The number of its lines.
    pub(in crate::journal) lines: usize,
}

/// The indices of two journals that disagree.
pub(in crate::journal) type Diverged = [usize; 2];

impl<'j> HistoryComparison<'j> {
    /// Finds the lines about `jobs`.
    pub(in crate::journal) fn of(
        journals: &'j [Arc<dyn ReadAt>],
        jobs: impl Iterator<Item = JobId>,
    ) -> io::Result<HistoryComparison<'j>> {
        let mut offsets: HashMap<JobId, Vec<Vec<u64>>> =
            jobs.map(|job| (job, vec![Vec::new(); journals.len()])).collect();
        if offsets.is_empty() {
            return Ok(HistoryComparison { journals, offsets });
        }
        for (journal_index, journal) in journals.iter().enumerate() {
            let mut lines = MergeLines::of(journal);
            while let Some(line) = lines.next()? {
                if let Some(found) = line.job.and_then(|job| offsets.get_mut(&job)) {
                    found[journal_index].push(line.offset);
                }
            }
        }
        Ok(HistoryComparison { journals, offsets })
    }

    /// Compares the journals for each of the jobs.
    pub(in crate::journal) fn jobs(&self) -> impl Iterator<Item = io::Result<(&JobId, Result<Furthest, Diverged>)>> {
        self.offsets.iter().map(|(job, offsets)| {
            let histories = self.journals.iter().zip(offsets).map(|(journal, offsets)| states(journal, job, offsets));
            Ok((job, best(&histories.collect::<io::Result<Vec<_>>>()?)))
        })
    }
}

/// Returns the most advanced history. Each history is the job's state after each line. A history is at least as
/// advanced as another if it contains the last state of the other.
fn best(histories: &[Vec<History>]) -> Result<Furthest, Diverged> {
    let reaches = |history: &[History], end: &History| {
        history.iter().rposition(|state| state.has_same_edits(end)).map(|at| at + 1)
    };
    let mut known = histories
        .iter()
        .enumerate()
        .filter_map(|(journal_index, history)| Some((journal_index, history, history.last()?)));
    let nothing = Furthest { journal_index: 0, in_first: 0, lines: 0 };
    let Some((mut journal_index, mut longest, mut end)) = known.next() else { return Ok(nothing) };
    for (other, history, other_end) in known {
        match reaches(history, end) {
            Some(lines) if lines < history.len() => {
                journal_index = other;
                longest = history;
                end = other_end;
            }
            Some(_) => {}
            None if reaches(longest, other_end).is_some() => {}
            None => return Err([journal_index, other]),
        }
    }
    let in_first = match histories.first().and_then(|first| first.last()) {
        Some(first) => reaches(longest, first).ok_or([0, journal_index])?,
        None => 0,
    };
    Ok(Furthest { journal_index, in_first, lines: longest.len() })
}

/// Returns the history of a job after each of its lines.
fn states(journal: &dyn ReadAt, job: &JobId, offsets: &[u64]) -> io::Result<Vec<History>> {
    let mut ledger = Ledger::default();
    let state = |&offset: &u64| {
        let line = Lines::one_at(journal, offset)?;
        let (at, record) = Record::from_line(&line).map_err(invalid)?;
        ledger.apply(at, &record).map_err(invalid)?;
        Ok(ledger.live_history(job).cloned().unwrap_or_default())
    };
    offsets.iter().map(state).collect()
}
