use std::time::Duration;

use crate::api::RateLimits;

/// A window's end is told in whole seconds: where it is as near as this, the quota says more than what is left of it.
const RESET_PRECISION: Duration = Duration::from_secs(2);

/// How long the rate stays before headers may double it again: what they promise must have been seen to hold.
const MIN_DOUBLING_INTERVAL: Duration = Duration::from_millis(250);

/// How many refusals that headers did not foretell make them be believed no more.
const MAX_UNANNOUNCED: u32 = 2;

/// What headers have said of the limit, and how it went. Pure.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AdvertisedLimits {
    since: Option<Duration>,
    /// The longest time to a window's end: once it has passed, the window's length.
    window: Duration,
    /// When it last made the rate grow.
    last_growth: Option<Duration>,
    /// Refusals that were not foretold.
    unannounced_refusals: u32,
}

impl AdvertisedLimits {
    /// What is allowed by what headers say at `now`, in submits a second; `under_way` submits are not counted in them yet.
    pub(super) fn allowed(&mut self, limits: RateLimits, under_way: u64, now: Duration) -> Option<f64> {
        let since = *self.since.get_or_insert(now);
        self.window = self.window.max(limits.remaining.map_or(Duration::ZERO, |remaining| remaining.reset));
        let is_seen = !self.window.is_zero() && now.saturating_sub(since) >= self.window;
        let sustained = match (limits.quota, limits.total.filter(|_| is_seen)) {
            (Some(quota), _) => Some(quota.count as f64 / quota.window.as_secs_f64()),
            (None, total) => total.map(|total| total as f64 / self.window.as_secs_f64()),
        };
        // What is left is the better word in the middle of a window; where the window moves along, its end is always near.
        let says_enough = |reset: Duration| match limits.quota {
            Some(_) => reset > RESET_PRECISION,
            None => {
                sustained.is_none()
                    && (reset > RESET_PRECISION || self.window <= RESET_PRECISION * 2 || limits.total.is_none())
            }
        };
        let remaining = limits.remaining.filter(|remaining| !remaining.reset.is_zero() && says_enough(remaining.reset));
        let until_reset =
            remaining.map(|remaining| remaining.count.saturating_sub(under_way) as f64 / remaining.reset.as_secs_f64());
        until_reset.or(sustained)
    }

    /// Whether the rate may grow by it again.
    pub(super) fn may_grow(&self, now: Duration) -> bool {
        self.last_growth.is_none_or(|grew| now.saturating_sub(grew) >= MIN_DOUBLING_INTERVAL)
    }

    /// The rate grew by it.
    pub(super) fn note_growth(&mut self, now: Duration) {
        self.last_growth = Some(now);
    }

    /// A submit was refused that should have been taken.
    pub(super) fn note_unannounced_refusal(&mut self) {
        self.unannounced_refusals += 1;
    }

    /// Something went through that could not have, by what they said.
    pub(super) fn distrust(&mut self) {
        self.unannounced_refusals = MAX_UNANNOUNCED;
    }

    /// Whether it is believed no more.
    pub(super) fn is_distrusted(&self) -> bool {
        self.unannounced_refusals >= MAX_UNANNOUNCED
    }
}
