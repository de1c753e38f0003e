use jiff::SignedDuration;
use serde::Serialize;

use crate::job::StatusCounts;

/// The pace at which the jobs of one run end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct MeasuredPace {
    /// The number of jobs that have ended, successfully or not.
    pub(super) ended: u64,
    /// The duration of the run, in seconds.
    pub(super) seconds: f64,
    pub(super) per_minute: f64,
    /// The estimated remaining time in seconds, while jobs wait for their submit. How long the provider and the downloads
    /// of the last jobs take does not follow from the pace.
    pub(super) seconds_left: Option<f64>,
}

impl MeasuredPace {
    /// Returns the pace from the `opening` counts of a run until `now`; `None` if no job has ended. `waiting` is
    /// how many jobs of a run in progress are not submitted.
    pub(super) fn between(
        opening: &StatusCounts,
        now: &StatusCounts,
        took: SignedDuration,
        waiting: u64,
    ) -> Option<MeasuredPace> {
        let ended = |counts: &StatusCounts| counts.completed + counts.failed + counts.uncertain;
        let (ended, seconds) = (ended(now).saturating_sub(ended(opening)), took.as_secs_f64());
        (ended > 0 && seconds > 0.0).then(|| MeasuredPace {
            ended,
            seconds,
            per_minute: ended as f64 * 60.0 / seconds,
            seconds_left: (waiting > 0).then(|| now.pending as f64 * seconds / ended as f64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(completed: u64, failed: u64, pending: u64) -> StatusCounts {
        StatusCounts { total: completed + failed + pending, completed, failed, pending, ..StatusCounts::default() }
    }

    #[test]
    fn the_pace_is_based_on_the_last_run_only() {
        let took = SignedDuration::from_mins(10);
        let pace = MeasuredPace::between(&counts(100, 0, 900), &counts(145, 5, 850), took, 840).unwrap();
        assert_eq!((pace.ended, pace.per_minute, pace.seconds_left), (50, 5.0, Some(10_200.0)));
        assert_eq!(
            MeasuredPace::between(&counts(100, 0, 900), &counts(145, 5, 850), took, 0).unwrap().seconds_left,
            None,
            "all are submitted, or the run is over"
        );
    }

    #[test]
    fn there_is_no_pace_before_a_job_has_ended() {
        let same = counts(3, 0, 2);
        assert_eq!(MeasuredPace::between(&same, &same, SignedDuration::from_mins(1), 2), None);
        assert_eq!(MeasuredPace::between(&counts(0, 0, 5), &same, SignedDuration::ZERO, 2), None);
    }
}
