use std::num::NonZeroU32;
use std::sync::Mutex;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use crate::job::Rate;

/// A rate limiter with a pause: nothing passes before the pause's deadline, whoever asks and however late.
#[derive(Debug)]
pub(super) struct Pace {
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>,
    clock: TokioClock,
    paused_until: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(rate: Rate, burst: NonZeroU32) -> Pace {
        // A period is never zero, so the fallback is never taken.
        let quota =
            Quota::with_period(rate.interval()).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst);
        let clock = TokioClock { start: Instant::now() };
        let limiter = RateLimiter::direct_with_clock(quota, clock.clone());
        Pace { limiter, clock, paused_until: Mutex::new(None) }
    }

    /// Takes a token now, or says when to ask again.
    pub(super) fn try_take(&self) -> Result<(), Instant> {
        let now = Instant::now();
        if let Some(until) = self.paused_until().filter(|until| *until > now) {
            return Err(until);
        }
        self.limiter.check().map_err(|not_until| now + not_until.wait_time_from(self.clock.now()))
    }

    /// Waits for a token.
    pub(super) async fn take(&self) {
        while let Err(until) = self.try_take() {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Lets nothing pass before `until`, or before the deadline that holds already, if that is later.
    pub(super) fn pause(&self, until: Instant) {
        let mut paused_until = self.paused_until.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *paused_until = (*paused_until).max(Some(until));
    }

    fn paused_until(&self) -> Option<Instant> {
        *self.paused_until.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// governor on tokio's clock, which tests can pause.
#[derive(Clone, Debug)]
struct TokioClock {
    start: Instant,
}

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.start.elapsed())
    }
}

const _: fn() = || {
    fn is_reference<T: Reference>() {}
    is_reference::<Nanos>();
};

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_come_at_the_rate_on_the_paused_clock() {
        let pace = Pace::new(rate("10/min"), NonZeroU32::MIN);
        let start = Instant::now();
        for _ in 0..10 {
            pace.take().await;
        }
        let elapsed = start.elapsed();
        assert!(elapsed >= Duration::from_secs(54) && elapsed < Duration::from_secs(55), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_a_deadline_and_the_later_one_holds() {
        let pace = Pace::new(rate("100/s"), NonZeroU32::MIN);
        let start = Instant::now();
        pace.pause(start + Duration::from_secs(30));
        pace.pause(start + Duration::from_secs(5));
        tokio::time::sleep(Duration::from_secs(20)).await;
        pace.take().await;
        assert_eq!(start.elapsed(), Duration::from_secs(30), "who comes late does not wait again");
    }
}
