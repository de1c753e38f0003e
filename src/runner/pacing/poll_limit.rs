use std::time::Duration;

use crate::runner::policy::backoff;

use super::search::Search;

/// What is known of the rate at which the provider answers polls: nothing until it has refused one. From then on the rate
/// is searched for as that of submits is, and all polls of the run share it. Pure: the time is handed in, as what has
/// passed since the run began.
#[derive(Debug, Default)]
pub(super) struct PollLimit {
    search: Option<Search>,
    sent: Sent,
    /// When a poll was last refused. What was sent before tells nothing new.
    refused_at: Duration,
    /// How many were refused since one was answered.
    in_a_row: u32,
}

/// How many polls were sent in the present second, and in the one before it.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    second: u64,
    now: u32,
    before: u32,
}

impl PollLimit {
    /// The time between two polls, once the limit was met.
    pub(super) fn interval(&self) -> Option<Duration> {
        self.search.as_ref().map(Search::interval)
    }

    /// A poll goes out at `now`; whether the limit made it wait.
    pub(super) fn sent(&mut self, now: Duration, was_held_back: bool) {
        self.sent.count(now);
        if let (Some(search), true) = (&mut self.search, was_held_back) {
            search.held_back();
        }
    }

    /// A poll that was sent at `sent` was answered.
    pub(super) fn answered(&mut self, sent: Duration) {
        if sent >= self.refused_at {
            self.in_a_row = 0;
        }
        if let Some(search) = &mut self.search {
            search.accepted(sent);
        }
    }

    /// The provider said at `now` that a poll sent at `sent` was too much; `hint` is how long it asks to wait. How long all
    /// polls do, where that is news.
    pub(super) fn refused(&mut self, sent: Duration, now: Duration, hint: Option<Duration>) -> Option<Duration> {
        if sent < self.refused_at {
            return None;
        }
        self.refused_at = now;
        self.in_a_row += 1;
        let per_second = self.sent.per_second();
        self.search.get_or_insert_with(|| Search::beginning_at(per_second)).refused(sent, now, hint);
        // Slower is enough at first: only a provider that answers none of them needs time.
        Some(hint.unwrap_or_default().max(backoff(self.in_a_row - 1)))
    }
}

impl Sent {
    fn count(&mut self, now: Duration) {
        let second = now.as_secs();
        if second != self.second {
            let is_next = second == self.second + 1;
            *self = Sent { second, now: 0, before: if is_next { self.now } else { 0 } };
        }
        self.now += 1;
    }

    fn per_second(self) -> f64 {
        f64::from(self.now.max(self.before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn nothing_is_slower_before_a_poll_is_refused_and_then_half_as_fast() {
        let mut limit = PollLimit::default();
        for number in 0..40 {
            limit.sent(ms(number * 50), false);
            limit.answered(ms(number * 50));
        }
        assert_eq!(limit.interval(), None);
        assert_eq!(limit.refused(ms(1950), ms(2000), None), Some(Duration::ZERO));
        assert_eq!(limit.interval(), Some(ms(100)), "of twenty a second");
        assert_eq!(limit.refused(ms(1960), ms(2010), None), None, "it was under way by then");
        assert_eq!(limit.interval(), Some(ms(100)));
    }

    #[test]
    fn polls_that_are_all_refused_wait_ever_longer_and_as_long_as_the_provider_asks() {
        let mut limit = PollLimit::default();
        let waits = [0, 1, 3, 7].map(|at| limit.refused(ms(at * 1000), ms(at * 1000 + 1), None).unwrap().as_secs());
        assert_eq!(waits, [0, 1, 2, 4]);
        assert_eq!(limit.refused(ms(20_000), ms(20_001), Some(ms(60_000))), Some(ms(60_000)));
        limit.answered(ms(90_000));
        assert_eq!(limit.refused(ms(91_000), ms(91_001), None), Some(Duration::ZERO));
    }
}
