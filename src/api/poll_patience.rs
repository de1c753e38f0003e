use std::time::Duration;

/// The limits of how long the beginning of an answer to a poll is waited for.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(30);

/// An answer may take this many times as long as the slow ones among the last, of which each counts a little less than
/// the next.
const MARGIN: u32 = 4;
const REMEMBERED_SHARE: f64 = 0.95;

/// How long polls wait for an answer.
///
/// A poll costs nothing and may be repeated, so one that hangs is given up long before a submit would be. A provider
/// that is slow as a whole gets more time after each poll that was given up, until one is answered. Pure.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PollPatience {
    /// How long the slow ones among the last answers took to begin.
    slow: Duration,
    /// How many polls were given up since the last answer.
    given_up: u32,
}

impl PollPatience {
    /// Returns how long the beginning of the next answer is waited for.
    pub(super) fn limit(&self) -> Duration {
        let usual = (self.slow * MARGIN).max(SHORTEST);
        usual.saturating_mul(1 << self.given_up.min(4)).min(LONGEST)
    }

    /// Records that an answer began after this time.
    pub(super) fn answered(&mut self, took: Duration) {
        self.slow = self.slow.mul_f64(REMEMBERED_SHARE).max(took);
        self.given_up = 0;
    }

    /// Records that a poll was given up.
    pub(super) fn gave_up(&mut self) {
        self.given_up = self.given_up.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn quick_answers_leave_little_patience_and_slow_ones_more() {
        let mut patience = PollPatience::default();
        patience.answered(Duration::from_millis(80));
        assert_eq!(patience.limit(), seconds(5));
        patience.answered(seconds(3));
        assert_eq!(patience.limit(), seconds(12));
        (0..100).for_each(|_| patience.answered(Duration::from_millis(80)));
        assert_eq!(patience.limit(), seconds(5));
        patience.answered(seconds(20));
        assert_eq!(patience.limit(), seconds(30));
    }

    #[test]
    fn a_provider_that_is_slow_as_a_whole_gets_more_time_until_it_answers() {
        let mut patience = PollPatience::default();
        let limits = [(); 5].map(|()| {
            let limit = patience.limit();
            patience.gave_up();
            limit
        });
        assert_eq!(limits, [5, 10, 20, 30, 30].map(seconds));
        patience.answered(seconds(1));
        assert_eq!(patience.limit(), seconds(5));
    }
}
