use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use crate::job::Rate;

/// The factor by which the time between two tokens is longer than requested: clocks and networks are not exact, and a
/// provider with exactly that limit refuses a submit that is slightly early.
const SAFETY_FACTOR: f64 = 1.005;

/// A rate that does not change.
#[derive(Debug)]
pub(super) struct FixedRate {
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>,
    clock: TokioClock,
}

impl FixedRate {
    /// Creates a full bucket of `burst` tokens at `start`.
    pub(super) fn new(rate: Rate, burst: NonZeroU32, start: Instant) -> FixedRate {
        // A period is never zero, so the fallback is never taken.
        let quota = Quota::with_period(interval(rate)).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst);
        let clock = TokioClock { start };
        FixedRate { limiter: RateLimiter::direct_with_clock(quota, clock.clone()), clock }
    }

    /// Takes a token, or returns how long after `start` the next one is available.
    pub(super) fn try_take(&self) -> Result<(), Duration> {
        self.limiter.check().map_err(|not_until| {
            let now = self.clock.now();
            Duration::from(now) + not_until.wait_time_from(now)
        })
    }
}

/// Returns the time between two tokens.
pub(super) fn interval(rate: Rate) -> Duration {
    rate.interval().mul_f64(SAFETY_FACTOR)
}

/// tokio's clock for governor, so that tests can pause it.
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
