//! When requests may go out: token buckets on tokio's clock, with pauses, and the search for the provider's limits.

mod accepted_rates;
mod advertised;
mod bucket;
mod concurrency_limit;
mod cycle;
mod learned_rate;
mod odd_refusals;
mod poll_limit;
mod quota_claim;
mod search;
mod spacing;
mod spare;
mod submits;

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::job::Rate;
use crate::sync::locked;

use bucket::Bucket;

pub(super) use poll_limit::PollLimit;
pub(super) use quota_claim::QuotaClaim;
pub(super) use spacing::Spacing;
pub(super) use submits::{Refusal, Submits};

/// A rate limiter with a pause, before whose end no request passes.
#[derive(Debug)]
pub(super) struct RateLimiter {
    start: Instant,
    state: Mutex<State>,
    /// Held while a request waits for a token, so that tokens are given out in the order of requests.
    queue: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    bucket: Bucket,
    paused_until: Instant,
}

impl RateLimiter {
    /// Creates a limiter with a fixed rate.
    pub(super) fn new(rate: Rate, burst: NonZeroU32) -> RateLimiter {
        RateLimiter::with_bucket(Bucket::new(rate.interval(), burst.get()))
    }

    /// Creates a limiter with a fixed rate whose tokens were used up this long before now.
    fn used_up(rate: Rate, burst: NonZeroU32, idle: Duration) -> RateLimiter {
        RateLimiter::with_bucket(Bucket::new(rate.interval(), burst.get()).empty_before(idle))
    }

    /// Creates a limiter that starts with `rate`, without bursts.
    pub(super) fn adjustable(rate: Rate) -> RateLimiter {
        RateLimiter::with_bucket(Bucket::new(rate.interval(), 1))
    }

    fn with_bucket(bucket: Bucket) -> RateLimiter {
        let start = Instant::now();
        let state = State { bucket, paused_until: start };
        RateLimiter { start, state: Mutex::new(state), queue: tokio::sync::Mutex::default() }
    }

    /// Takes a token, or returns when to try again.
    pub(super) fn try_take(&self) -> Result<(), Instant> {
        let now = Instant::now();
        let mut state = self.state();
        if state.paused_until > now {
            return Err(state.paused_until);
        }
        state.bucket.try_take(now - self.start).map_err(|until| self.start + until)
    }

    /// Waits for a token.
    pub(super) async fn take(&self) {
        let _turn = self.queue.lock().await;
        while let Err(until) = self.try_take() {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Waits for the end of a pause without taking a token.
    pub(super) async fn wait_for_pause_end(&self) {
        loop {
            let until = self.state().paused_until;
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// Lets no request pass before `until`, or before the end of the current pause if that is later.
    pub(super) fn pause(&self, until: Instant) {
        let mut state = self.state();
        state.paused_until = state.paused_until.max(until);
    }

    /// Returns when the last pause ends or has ended.
    pub(super) fn pause_end(&self) -> Instant {
        self.state().paused_until
    }

    /// Adds a token each `interval` from now on.
    pub(super) fn set_interval(&self, interval: Duration) {
        self.state().bucket.set_interval(self.start.elapsed(), interval);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_come_at_the_rate_on_the_paused_clock() {
        let pace = RateLimiter::new(rate("10/min"), NonZeroU32::MIN);
        let start = Instant::now();
        for _ in 0..10 {
            pace.take().await;
        }
        let elapsed = start.elapsed();
        assert!(elapsed >= Duration::from_secs(54) && elapsed < Duration::from_secs(55), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_a_deadline_and_the_later_one_holds() {
        let pace = RateLimiter::new(rate("100/s"), NonZeroU32::MIN);
        let start = Instant::now();
        pace.pause(start + Duration::from_secs(30));
        pace.pause(start + Duration::from_secs(5));
        tokio::time::sleep(Duration::from_secs(20)).await;
        pace.take().await;
        assert_eq!(start.elapsed(), Duration::from_secs(30), "who comes late does not wait again");
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_waited_through_a_pause_still_go_one_by_one() {
        let pace = std::sync::Arc::new(RateLimiter::new(rate("10/s"), NonZeroU32::MIN));
        let start = Instant::now();
        pace.pause(start + Duration::from_secs(5));
        let waiting: Vec<_> = (0..11)
            .map(|_| {
                tokio::spawn({
                    let pace = std::sync::Arc::clone(&pace);
                    async move { pace.take().await }
                })
            })
            .collect();
        futures::future::join_all(waiting).await;
        assert!(start.elapsed() >= Duration::from_secs(6), "{:?}", start.elapsed());
    }
}
