//! Sums and statistics over all jobs.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::duplicate_pictures::{DuplicatePictureFinder, DuplicatePictures};
use super::model::{BatchView, JobView};
use super::working_time::WorkingTime;
use crate::color::{Verdict, VerdictCounts};
use crate::job::{Cents, ErrorClass, JobStatus};

/// Figures over all jobs that the batch itself does not have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) jobs: u64,
    pub(crate) colors: VerdictCounts,
    pub(crate) errors: BTreeMap<ErrorClass, u64>,
    pub(crate) pictures: u64,
    pub(crate) picture_bytes: u64,
    pub(crate) attempts: u64,
    /// The number of results that the color lock has corrected.
    pub(crate) corrected: u64,
    /// The number of jobs whose results the user has changed since they were saved.
    pub(crate) retouched: u64,
    /// The number of submits that were repeated because the color was missed.
    pub(crate) rerolls: u64,
    /// Finds jobs that show the picture of another job, if the backend may mix them up.
    pub(crate) duplicate_pictures: Option<DuplicatePictureFinder>,
    /// The data of charts, some bytes per job.
    pub(crate) ends: Vec<End>,
    /// The seconds from the last submit to the picture.
    pub(crate) seconds: Vec<f32>,
    /// The ΔE00 between the result and the requested color, with the verdict.
    pub(crate) differences: Vec<(f32, Verdict)>,
}

/// The end of a job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) at: Timestamp,
    pub(crate) status: JobStatus,
    pub(crate) cost: Cents,
}

impl Tally {
    /// Returns the time in which the batch was worked on; `None` if nothing has ended.
    pub(crate) fn working_time(&self, batch: &BatchView) -> Option<WorkingTime> {
        let started_at = batch.started_at.filter(|_| !self.ends.is_empty())?;
        let ends = self.ends.iter().map(|end| end.at).filter(|at| *at >= started_at);
        // Colors may be checked for long after the last job has ended. A run in which none has ended was no work.
        let last_run = batch.last_run.filter(|run| self.ends.iter().any(|end| end.at >= run.started_at));
        WorkingTime::of(std::iter::once(started_at).chain(ends).chain(last_run.and_then(|run| run.ended_at)))
    }

    /// Returns the jobs that show the picture of another job.
    pub(crate) fn duplicates(&self) -> DuplicatePictures {
        self.duplicate_pictures.as_ref().map(|finder| finder.found.clone()).unwrap_or_default()
    }

    pub(crate) fn add(&mut self, job: &JobView) {
        self.jobs += 1;
        self.attempts += u64::from(job.attempts);
        self.corrected += u64::from(!job.originals.is_empty());
        self.retouched += u64::from(job.is_retouched);
        self.rerolls += job.tries.len().saturating_sub(1) as u64;
        self.pictures += job.files.len() as u64;
        self.picture_bytes += job.files.iter().map(|file| file.bytes).sum::<u64>();
        if let Some(check) = &job.check {
            self.colors.add(check.verdict);
            self.differences.extend(check.delta_e.map(|difference| (difference as f32, check.verdict)));
        }
        if let Some(at) = job.finished_at.or(job.submitted_at) {
            self.ends.push(End { at, status: job.status, cost: job.cost });
        }
        if job.status == JobStatus::Completed {
            self.seconds.extend(job.seconds().map(|seconds| seconds as f32));
        }
        if let Some(class) = job.error_class {
            *self.errors.entry(class).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::LastRun;

    #[test]
    fn color_checks_after_the_last_job_count_as_work_and_an_idle_run_does_not() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let end = |second| End { at: at(second), status: JobStatus::Completed, cost: Cents(7) };
        let tally = Tally { ends: vec![end(60), end(200)], ..Tally::default() };
        let seconds = |from, to| {
            let last_run = LastRun { started_at: at(from), ended_at: Some(at(to)), totals: None, stop: None };
            let batch = BatchView { started_at: Some(at(0)), last_run: Some(last_run), ..BatchView::default() };
            tally.working_time(&batch).unwrap().seconds()
        };
        assert_eq!(seconds(0, 540), 540.0);
        assert_eq!(seconds(900, 901), 200.0);
    }
}
