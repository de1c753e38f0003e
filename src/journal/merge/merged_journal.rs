use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::sync::Arc;

use jiff::Timestamp;

use crate::append_log::ReadAt;
use crate::job::JobId;
use crate::words::and_more;

use super::history_comparison::{Furthest, HistoryComparison};
use super::merge_lines::{MergeLine, MergeLines};

/// Several journals as one: every line of each, once.
///
/// For each job, one journal has the most recent history. All others have the same one or less, from an earlier copy.
/// Journals that disagree about a job are not merged. Compacted journals are compared by the state that their lines
/// lead to.
///
/// The first journal is kept unchanged. The lines that it is missing are appended in chronological order. Merging the
/// same journals again adds nothing.
#[derive(Debug)]
pub struct MergedJournal<'j> {
    journals: &'j [Arc<dyn ReadAt>],
    jobs: HashMap<JobId, JobCoverage>,
    hasher: RandomState,
    missing_lines: u64,
}

/// How far the journals cover a job.
#[derive(Debug)]
struct JobCoverage {
    /// The index of the journal with the most recent history of it.
    best_index: usize,
    /// The number of lines about it in that journal.
    lines: usize,
    /// The number of these lines that the first journal covers.
    in_first: usize,
    /// Whether a journal other than the first knows it.
    is_named: bool,
}

/// The reason why journals cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum JournalMergeError {
    /// Two of them disagree about a job.
    #[error("two journals disagree about job {job}{}", and_more(*more as u64))]
    Conflict {
        /// The job with the first id in alphabetical order.
        job: JobId,
        /// The indices of the two journals.
        journals: [usize; 2],
        /// The number of further jobs with conflicts.
        more: usize,
    },
    /// One of them cannot be read.
    #[error("read a journal: {0}")]
    Read(#[from] io::Error),
}

impl<'j> MergedJournal<'j> {
    /// Compares `journals`, each of which must be valid.
    ///
    /// # Errors
    ///
    /// Two of them disagree about a job, or one cannot be read.
    pub fn of(journals: &'j [Arc<dyn ReadAt>]) -> Result<MergedJournal<'j>, JournalMergeError> {
        let hasher = RandomState::new();
        let LineComparison { mut jobs, compacted, runs, mut conflicts } = LineComparison::of(journals, &hasher)?;
        for found in HistoryComparison::of(journals, compacted.into_iter())?.jobs() {
            let (job, furthest) = found?;
            match (furthest, jobs.get_mut(job)) {
                (Ok(Furthest { journal_index, in_first, lines }), Some(known)) => {
                    known.best_index = journal_index;
                    known.in_first = in_first;
                    known.lines = lines;
                }
                (Err(diverged), _) => conflicts.push((job.clone(), diverged)),
                (Ok(_), None) => {}
            }
        }
        if let Some((job, journals)) = conflicts.iter().min().cloned() {
            return Err(JournalMergeError::Conflict { job, journals, more: conflicts.len() - 1 });
        }
        let lacking = jobs.values().map(|known| known.lines - known.in_first).sum::<usize>() as u64;
        let missing_lines = lacking + runs_missing_in_first(&runs);
        Ok(MergedJournal { journals, jobs, hasher, missing_lines })
    }

    /// Returns the index of the first journal with the most recent history of a job; `None` if no journal knows it.
    pub fn best_index(&self, job: &JobId) -> Option<usize> {
        Some(self.jobs.get(job)?.best_index)
    }

    /// Whether any journal knows a job with this id.
    pub fn knows(&self, job: &JobId) -> bool {
        self.jobs.contains_key(job)
    }

    /// Returns the jobs that only the first journal knows.
    pub fn only_in_first(&self) -> impl Iterator<Item = &JobId> {
        self.jobs.iter().filter(|(_, known)| !known.is_named).map(|(job, _)| job)
    }

    /// Returns the number of lines that the first journal is missing.
    pub fn missing_lines(&self) -> u64 {
        self.missing_lines
    }

    /// Writes the merged journal.
    ///
    /// # Errors
    ///
    /// A journal cannot be read, or `out` cannot be written.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let Some((first, others)) = self.journals.split_first() else { return Ok(()) };
        let mut runs = HashSet::new();
        let mut lines = MergeLines::of(first);
        while let Some(line) = lines.next()? {
            if line.job.is_none() {
                runs.insert(self.hasher.hash_one(&line.bytes));
            }
            out.write_all(&line.bytes)?;
        }
        let mut written_lines: HashMap<JobId, usize> = HashMap::new();
        let mut rest: Vec<MergeLines<'_>> = others.iter().map(|journal| MergeLines::of(journal)).collect();
        let mut heads = rest.iter_mut().map(MergeLines::next).collect::<io::Result<Vec<_>>>()?;
        // The number of merged journals is small, so scanning all heads is as good as a heap.
        while let Some((journal_index, _)) = earliest(&heads) {
            let Some(line) = heads[journal_index].take() else { break };
            heads[journal_index] = rest[journal_index].next()?;
            let is_lacking = match &line.job {
                None => runs.insert(self.hasher.hash_one(&line.bytes)),
                Some(job) => {
                    self.jobs.get(job).filter(|known| known.best_index == journal_index + 1).is_some_and(|known| {
                        let lines = written_lines.entry(job.clone()).or_default();
                        *lines += 1;
                        *lines > known.in_first
                    })
                }
            };
            if is_lacking {
                out.write_all(&line.bytes)?;
            }
        }
        Ok(())
    }
}

/// The result of comparing journals line by line.
struct LineComparison {
    jobs: HashMap<JobId, JobCoverage>,
    /// The jobs with lines that differ because a journal was compacted. They are compared by the state that their lines
    /// lead to.
    compacted: HashSet<JobId>,
    /// The hashes of each journal's lines about runs.
    runs: Vec<HashSet<u64>>,
    /// The jobs with conflicts, and the two journals that disagree.
    conflicts: Vec<(JobId, [usize; 2])>,
}

impl LineComparison {
    fn of(journals: &[Arc<dyn ReadAt>], hasher: &RandomState) -> io::Result<LineComparison> {
        let mut jobs: HashMap<JobId, (JobCoverage, JobHashes)> = HashMap::new();
        let mut compacted: HashSet<JobId> = HashSet::new();
        let mut runs: Vec<HashSet<u64>> = Vec::new();
        let mut conflicts: Vec<(JobId, [usize; 2])> = Vec::new();
        for (journal_index, journal) in journals.iter().enumerate() {
            let hashes = hashes(journal, hasher)?;
            runs.push(hashes.runs);
            for (job, history) in hashes.jobs {
                let lines = history.lines.len();
                let in_first = if journal_index == 0 { lines } else { 0 };
                let Some((known, longest)) = jobs.get_mut(&job) else {
                    jobs.insert(
                        job,
                        (
                            JobCoverage { best_index: journal_index, lines, in_first, is_named: journal_index > 0 },
                            history,
                        ),
                    );
                    continue;
                };
                known.is_named = true;
                let common = lines.min(known.lines);
                if history.lines[..common] != longest.lines[..common] {
                    match history.is_summed_up || longest.is_summed_up {
                        true => drop(compacted.insert(job)),
                        false => conflicts.push((job, [known.best_index, journal_index])),
                    }
                } else if lines > known.lines {
                    known.best_index = journal_index;
                    known.lines = lines;
                    *longest = history;
                }
            }
        }
        let jobs = jobs.into_iter().map(|(job, (known, _))| (job, known)).collect();
        Ok(LineComparison { jobs, compacted, runs, conflicts })
    }
}

/// Returns the number of different lines about runs that are in other journals but not in the first.
fn runs_missing_in_first(runs: &[HashSet<u64>]) -> u64 {
    let Some((first, others)) = runs.split_first() else { return 0 };
    let missing: HashSet<u64> = others.iter().flatten().copied().filter(|run| !first.contains(run)).collect();
    missing.len() as u64
}

fn earliest(heads: &[Option<MergeLine>]) -> Option<(usize, Timestamp)> {
    let times = heads.iter().enumerate().filter_map(|(journal_index, head)| Some((journal_index, head.as_ref()?.at)));
    times.min_by_key(|(journal_index, at)| (*at, *journal_index))
}

/// The hashes of the lines of a journal.
#[derive(Default)]
struct JournalHashes {
    jobs: HashMap<JobId, JobHashes>,
    runs: HashSet<u64>,
}

/// The hashes of the lines about one job.
#[derive(Default)]
struct JobHashes {
    lines: Vec<u64>,
    /// Whether any line replaces several lines from before a compaction.
    is_summed_up: bool,
}

fn hashes(journal: &dyn ReadAt, hasher: &RandomState) -> io::Result<JournalHashes> {
    let mut hashes = JournalHashes::default();
    let mut lines = MergeLines::of(journal);
    while let Some(line) = lines.next()? {
        let hash = hasher.hash_one(&line.bytes);
        match line.job {
            Some(job) => {
                let history = hashes.jobs.entry(job).or_default();
                history.lines.push(hash);
                history.is_summed_up |= line.is_summary;
            }
            None => drop(hashes.runs.insert(hash)),
        }
    }
    Ok(hashes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::job::{Backend, Cents, StatusCounts};
    use crate::journal::format::{EditKey, Record, RunEvent, RunStart, Step};
    use crate::journal::ledger::Ledger;
    use crate::journal::random_journal::{choices, random_journal};
    use crate::journal::storage::{compact, replay};

    /// Splits the lines of a journal into `count` journals by job. Each begins with its own run record.
    fn split_by_job(journal: &[u8], count: usize) -> Vec<Arc<dyn ReadAt>> {
        split_bytes(journal, count).into_iter().map(|bytes| Arc::new(bytes) as Arc<dyn ReadAt>).collect()
    }

    fn split_bytes(journal: &[u8], count: usize) -> Vec<Vec<u8>> {
        let mut split_by_job: Vec<Vec<u8>> =
            (0..count).map(|journal_index| opening(&journal_index.to_string())).collect();
        for line in journal.split_inclusive(|byte| *byte == b'\n') {
            let (_, Record::Edit(key, _)) = Record::from_line(line.trim_ascii_end()).unwrap() else { continue };
            split_by_job[key.job.as_str().bytes().map(usize::from).sum::<usize>() % count].extend(line);
        }
        split_by_job
    }

    fn opening(manifest: &str) -> Vec<u8> {
        let run = RunEvent::Run(RunStart {
            manifest: manifest.to_owned(),
            backend: Backend::Vibedream,
            program: "0".to_owned(),
            jobs: StatusCounts::default(),
            ..RunStart::default()
        });
        Record::Run(run).to_line(Timestamp::UNIX_EPOCH).unwrap()
    }

    fn with_first(first: Vec<u8>, others: &[Arc<dyn ReadAt>]) -> Vec<Arc<dyn ReadAt>> {
        std::iter::once(Arc::new(first) as Arc<dyn ReadAt>).chain(others.iter().cloned()).collect()
    }

    fn joined(first: Vec<u8>, others: &[Arc<dyn ReadAt>]) -> Result<(Vec<u8>, u64), JournalMergeError> {
        let journals = with_first(first, others);
        let merged = MergedJournal::of(&journals)?;
        let mut bytes = Vec::new();
        merged.write(&mut bytes).unwrap();
        Ok((bytes, merged.missing_lines()))
    }

    fn same(one: &Ledger, other: &Ledger) -> Result<(), TestCaseError> {
        let edits = |ledger: &Ledger| {
            let mut all: Vec<String> = ledger.edits().map(|found| format!("{:?}", found.unwrap())).collect();
            all.sort();
            all
        };
        prop_assert_eq!(edits(one), edits(other));
        prop_assert_eq!(
            (one.spent(), one.reserved(), one.estimate()),
            (other.spent(), other.reserved(), other.estimate())
        );
        prop_assert_eq!(one.shown_jobs(), other.shown_jobs());
        prop_assert_eq!(one.unanswered(), other.unanswered());
        Ok(())
    }

    proptest! {
        #[test]
        fn merged_shares_equal_a_single_journal(choices in choices(), count in 1_usize..5) {
            let (whole, lines) = random_journal(&choices);
            let shares = split_by_job(&lines, count);
            let (bytes, missing_lines) = joined(Vec::new(), &shares).unwrap();
            prop_assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count() as u64, missing_lines);
            same(&replay(bytes.clone()).unwrap().ledger, &whole)?;
            let (again, missing_lines) = joined(bytes.clone(), &shares).unwrap();
            prop_assert_eq!(missing_lines, 0);
            prop_assert_eq!(again, bytes);
        }

        #[test]
        fn continued_shares_are_merged_again_without_duplicate_lines(choices in choices(), count in 1_usize..5, cut in 0.0..1.0) {
            let (whole, lines) = random_journal(&choices);
            let ends: Vec<usize> = lines.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(end, _)| end + 1).collect();
            let early = ends.get((ends.len() as f64 * cut) as usize).map_or(&lines[..], |end| &lines[..*end]);
            let (first, _) = joined(Vec::new(), &split_by_job(early, count)).unwrap();
            let (bytes, missing_lines) = joined(first.clone(), &split_by_job(&lines, count)).unwrap();
            prop_assert!(bytes.starts_with(&first), "what was joined before stays as it is");
            prop_assert_eq!(bytes[first.len()..].iter().filter(|byte| **byte == b'\n').count() as u64, missing_lines);
            same(&replay(bytes).unwrap().ledger, &whole)?;
        }
    }

    proptest! {
        /// This holds whichever journals are compacted before the shares continue.
        #[test]
        fn a_compacted_journal_is_merged_like_the_original(
            choices in choices(), count in 1_usize..4, cut in 0.0..1.0, compacts in 1_u8..4,
        ) {
            let (whole, lines) = random_journal(&choices);
            let ends: Vec<usize> = lines.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(end, _)| end + 1).collect();
            let early = ends.get((ends.len() as f64 * cut) as usize).map_or(&lines[..], |end| &lines[..*end]);
            let before = split_bytes(early, count);
            let (first, _) = joined(Vec::new(), &split_by_job(early, count)).unwrap();
            let first = if compacts & 1 == 0 { first } else { compacted(&first) };
            let shares: Vec<Arc<dyn ReadAt>> = split_bytes(&lines, count).into_iter().zip(before).map(|(long, before)| {
                let began = if compacts & 2 == 0 { before.clone() } else { compacted(&before) };
                Arc::new([&began, &long[before.len()..]].concat()) as Arc<dyn ReadAt>
            }).collect();
            let (bytes, _) = joined(first.clone(), &shares).unwrap();
            prop_assert!(bytes.starts_with(&first), "what was joined before stays as it is");
            same(&replay(bytes.clone()).unwrap().ledger, &whole)?;
            prop_assert_eq!(joined(bytes, &shares).unwrap().1, 0);
        }
    }

    /// Returns the compacted journal.
    fn compacted(journal: &[u8]) -> Vec<u8> {
        let ledger = replay(journal.to_vec()).unwrap().ledger;
        let journal: Arc<dyn ReadAt> = Arc::new(journal.to_vec());
        let mut compacted = Vec::new();
        compact(&journal, &ledger, &mut compacted).unwrap();
        compacted
    }

    #[test]
    fn a_job_that_two_journals_have_worked_on_is_a_conflict() {
        let history = |jobs: &[&str], reserved: u64| -> Arc<dyn ReadAt> {
            let step = Step::Intent { attempt: 1, reserved_cents: Cents(reserved), reroll: None };
            let fingerprint = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
            let line = |job: &&str| {
                let key = EditKey { job: JobId::new(job).unwrap(), fingerprint };
                Record::Edit(key, step.clone()).to_line(Timestamp::UNIX_EPOCH).unwrap()
            };
            Arc::new(jobs.iter().flat_map(line).collect::<Vec<u8>>())
        };
        let others = [history(&["a", "b", "c"], 7), history(&["d", "c", "b"], 8), history(&["e"], 7)];
        let error = joined(Vec::new(), &others).unwrap_err();
        assert_eq!(error.to_string(), "two journals disagree about job b and 1 more");
        assert!(matches!(error, JournalMergeError::Conflict { journals: [1, 2], .. }));
        let twice = [history(&["a"], 7), history(&["a"], 7)];
        assert_eq!(joined(Vec::new(), &twice).unwrap().1, 1, "the same story twice is one");
        let journals = with_first(b"".to_vec(), &twice);
        assert_eq!(MergedJournal::of(&journals).unwrap().only_in_first().count(), 0);
        let journals = [history(&["a", "x"], 7), history(&["a"], 7)];
        assert_eq!(MergedJournal::of(&journals).unwrap().only_in_first().map(JobId::as_str).collect::<Vec<_>>(), ["x"]);
    }
}
