use std::time::Duration;

use crate::runner::streak::Streak;

/// How many consecutive polls must have failed, and for how long, until an outage is likely.
const LIKELY: (u32, Duration) = (4, Duration::from_secs(5));

/// The same until the outage is a long one.
const LONG: (u32, Duration) = (20, Duration::from_secs(30));

/// The polls that failed since one was answered. Pure.
#[derive(Debug, Default)]
pub(super) struct Outage(Streak);

impl Outage {
    /// Records that a poll failed at `now`. Returns whether the outage is a long one.
    pub(super) fn failed(&mut self, now: Duration) -> bool {
        let (count, lasted) = self.0.fail(now);
        count >= LONG.0 && lasted >= LONG.1
    }

    /// Records that a poll was answered. Returns whether any had failed.
    pub(super) fn end(&mut self) -> bool {
        std::mem::take(&mut self.0).count() > 0
    }

    /// Returns whether an outage is likely.
    pub(super) fn is_likely(&self, now: Duration) -> bool {
        self.0.count() >= LIKELY.0 && self.0.lasted(now) >= LIKELY.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_polls_that_all_fail_for_some_time_are_an_outage() {
        let at = Duration::from_secs;
        let mut outage = Outage::default();
        assert!((0..100).all(|_| !outage.failed(at(1))));
        assert!(!outage.is_likely(at(5)) && outage.is_likely(at(6)));
        assert!(!outage.failed(at(30)) && outage.failed(at(31)));
        assert!(outage.end() && !outage.end());
        assert!(!outage.failed(at(40)) && !outage.is_likely(at(60)));
    }
}
