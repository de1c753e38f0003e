//! What may happen next, decided from numbers alone.

use std::time::Duration;

use crate::job::Cents;
use crate::journal::Ledger;

/// When a prediction is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PollSchedule {
    /// The shortest wait.
    pub shortest: Duration,
    /// The longest wait while all is well.
    pub longest: Duration,
    /// The wait as a share of the time that the prediction has taken so far.
    pub share: f64,
    /// How long a 404 is taken for a prediction that is not visible yet.
    pub not_found_grace: Duration,
    /// How many 404s in a row, after that, mean that it is lost.
    pub not_found_limit: u32,
    /// After how many failed polls in a row a prediction is left to a later run.
    pub error_limit: u32,
}

impl Default for PollSchedule {
    fn default() -> PollSchedule {
        PollSchedule {
            shortest: Duration::from_millis(500),
            longest: Duration::from_secs(2),
            share: 0.1,
            not_found_grace: Duration::from_secs(60),
            not_found_limit: 3,
            error_limit: 40,
        }
    }
}

impl PollSchedule {
    /// How long to wait before the next poll of a prediction that has taken `elapsed`, after `errors` failed polls in
    /// a row. `jitter` in 0..1 spreads waits by a tenth, so that jobs that began together do not ask together.
    pub(super) fn wait(&self, elapsed: Duration, errors: u32, jitter: f64) -> Duration {
        let usual = elapsed.mul_f64(self.share).clamp(self.shortest, self.longest);
        usual.max(backoff(errors)).mul_f64(0.95 + 0.1 * jitter)
    }
}

/// The wait after `failures` in a row: a second, doubled each time, half a minute at most.
pub(super) fn backoff(failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        1..=5 => Duration::from_secs(1 << (failures - 1)),
        _ => Duration::from_secs(30),
    }
}

/// Whether one more submit stays under the ceiling, whatever becomes of those under way and of the uncertain ones.
pub fn has_room(ceiling: Option<Cents>, ledger: &Ledger) -> bool {
    ceiling.is_none_or(|ceiling| ledger.spent() + ledger.reserved() + ledger.estimate() <= ceiling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_with_the_age_of_a_prediction_within_their_bounds() {
        let schedule = PollSchedule::default();
        let wait = |seconds: u64| schedule.wait(Duration::from_secs(seconds), 0, 0.5).as_secs_f64();
        assert_eq!((wait(0), wait(10), wait(100)), (0.5, 1.0, 2.0));
    }

    #[test]
    fn failed_polls_are_spread_out() {
        let schedule = PollSchedule::default();
        let wait = |errors: u32| schedule.wait(Duration::ZERO, errors, 0.5).as_secs_f64();
        assert_eq!((wait(1), wait(3), wait(100)), (1.0, 4.0, 30.0));
    }
}
