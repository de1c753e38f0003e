use std::time::Duration;

/// How many polls in a row must have the key refused before it is taken for the key's trouble and not for theirs, and for
/// how long: a gateway that refuses one in a hundred, or all of them for a moment, is no reason to end a night.
const MAX_REFUSALS: u32 = 8;
const REFUSAL_WINDOW: Duration = Duration::from_secs(60);

/// Polls that had the key refused since one was answered. Pure.
#[derive(Debug, Default)]
pub(super) struct KeyRefusals {
    count: u32,
    since: Option<Duration>,
}

impl KeyRefusals {
    /// One more at `now`; whether the key is no good.
    pub(super) fn refused(&mut self, now: Duration) -> bool {
        self.count += 1;
        let since = *self.since.get_or_insert(now);
        self.count >= MAX_REFUSALS && now.saturating_sub(since) >= REFUSAL_WINDOW
    }

    /// A poll was answered: the key is good.
    pub(super) fn answered(&mut self) {
        *self = KeyRefusals::default();
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
