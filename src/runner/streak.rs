use std::time::Duration;

/// Consecutive failures of one kind. Pure.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Streak {
    count: u32,
    /// When the first of them was, if there are any.
    since: Duration,
}

impl Streak {
    /// Adds a failure at `now`. Returns how many there are, and how long they have lasted.
    pub(super) fn fail(&mut self, now: Duration) -> (u32, Duration) {
        if self.count == 0 {
            self.since = now;
        }
        self.count = self.count.saturating_add(1);
        (self.count, self.lasted(now))
    }

    /// Returns how long the failures have lasted at `now`.
    pub(super) fn lasted(self, now: Duration) -> Duration {
        if self.count == 0 { Duration::ZERO } else { now.saturating_sub(self.since) }
    }

    /// Records that something did not fail, which ends the streak.
    pub(super) fn end(&mut self) {
        *self = Streak::default();
    }

    /// Returns the number of failures.
    pub(super) fn count(self) -> u32 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streak_lasts_from_its_first_failure_to_its_last_and_begins_anew_after_its_end() {
        let at = Duration::from_secs;
        let mut streak = Streak::default();
        assert_eq!([5, 7, 9].map(|second| streak.fail(at(second))), [(1, at(0)), (2, at(2)), (3, at(4))]);
        streak.end();
        assert_eq!(streak.count(), 0);
        assert_eq!([20, 21].map(|second| streak.fail(at(second))), [(1, at(0)), (2, at(1))]);
    }
}
