use std::time::Duration;

use crate::runner::streak::Streak;

/// How many consecutive polls must have the key refused, and for how long, before the key is considered invalid. A
/// gateway that refuses one poll in a hundred, or all of them for a short time, must not end a run.
const MAX_REFUSALS: u32 = 8;
const REFUSAL_WINDOW: Duration = Duration::from_secs(60);

/// The polls with a refused key since one was answered. Pure.
#[derive(Debug, Default)]
pub(super) struct KeyRefusals(Streak);

impl KeyRefusals {
    /// Records a refusal at `now`. Returns whether the key is considered invalid.
    pub(super) fn refused(&mut self, now: Duration) -> bool {
        let (count, lasted) = self.0.fail(now);
        count >= MAX_REFUSALS && lasted >= REFUSAL_WINDOW
    }

    /// Records that a poll was answered, which shows that the key is valid.
    pub(super) fn answered(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn only_a_key_that_is_refused_again_and_again_for_a_minute_is_no_good() {
        let mut refusals = KeyRefusals::default();
        assert!((0..60).all(|second| !refusals.refused(seconds(second))), "it may be a moment's trouble");
        assert!(refusals.refused(seconds(60)));
        refusals.answered();
        assert!(!refusals.refused(seconds(61)) && !refusals.refused(seconds(200)), "one answer is enough");
    }
}
