//! The totals of jobs. `run`, `status`, `merge`, the metrics and the report all count in the same way.

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::color::{Verdict, VerdictCounts};
use crate::job::{ErrorClass, JobStatus, StatusCounts};
use crate::journal::{Brief, Ledger, Stage};
use crate::run_folder::{FolderError, PlanLine, RunFolder, plan_blocks};

use super::shown_pictures::ShownPictures;

/// The status of jobs.
#[derive(Clone, Debug, Default)]
pub(in crate::commands) struct Outcome {
    pub(in crate::commands) counts: StatusCounts,
    /// The failed jobs by class.
    pub(in crate::commands) errors: BTreeMap<ErrorClass, u64>,
    /// The completed jobs by the verdict on their color.
    pub(in crate::commands) colors: VerdictCounts,
    /// The number of jobs whose pictures the user has changed since they were saved.
    pub(in crate::commands) retouched: u64,
    /// The number of jobs without pictures of their current request, but with those of an earlier one in `results/`.
    pub(in crate::commands) outdated: u64,
    /// The number of jobs that were submitted again for their color.
    pub(in crate::commands) rerolled: u64,
}

impl Outcome {
    /// Adds a job, which the journal may not know. The colors of pictures that the user has changed count as not
    /// measured.
    pub(in crate::commands) fn add(&mut self, edit: Option<&Brief<'_>>, pictures: ShownPictures) {
        let is_retouched = pictures == ShownPictures::Retouched;
        self.counts.add(edit.map_or(JobStatus::Pending, Brief::status));
        self.retouched += u64::from(is_retouched);
        self.outdated += u64::from(pictures == ShownPictures::Earlier);
        self.rerolled += u64::from(edit.is_some_and(|edit| edit.rerolls > 0));
        match edit.map(|edit| (edit.stage, &edit.color)) {
            Some((Stage::Failed(class), _)) => *self.errors.entry(class).or_default() += 1,
            Some((Stage::Completed, Some(_))) if is_retouched => self.colors.add(Verdict::Unmeasurable),
            Some((Stage::Completed, Some(color))) => self.colors.add(color.verdict),
            _ => {}
        }
    }
}

/// The totals of a folder's plan.
#[derive(Clone, Debug, Default)]
pub(in crate::commands) struct PlanCounts {
    /// The status of its jobs.
    pub(in crate::commands) outcome: Outcome,
    /// The number of other jobs with pictures in `results/`, which are no longer in the manifest.
    pub(in crate::commands) removed: u64,
}

impl PlanCounts {
    /// Counts the jobs of a folder's plan.
    ///
    /// # Errors
    ///
    /// The plan cannot be read.
    pub(in crate::commands) fn of(folder: &RunFolder, ledger: &Ledger) -> Result<PlanCounts, FolderError> {
        let mut outcome = Outcome::default();
        // The ids in a plan are unique, so counting is enough.
        let mut removed = ledger.shown_jobs();
        for block in plan_blocks(folder)? {
            let block = block?;
            let lines: Vec<PlanLine<'_>> = block.lines().collect();
            let state_of = |line: &PlanLine<'_>| {
                let key = line.key()?;
                let edit = ledger.brief(&key);
                let pictures = ShownPictures::of(edit.as_ref(), &key, ledger, folder);
                Ok((edit, pictures))
            };
            // Looking up a million pictures is mostly waiting.
            let states: Vec<_> = lines.par_iter().map(state_of).collect::<Result<_, FolderError>>()?;
            for (edit, pictures) in states {
                outcome.add(edit.as_ref(), pictures);
                removed = removed.saturating_sub(u64::from(pictures.exist()));
            }
        }
        Ok(PlanCounts { outcome, removed })
    }
}
