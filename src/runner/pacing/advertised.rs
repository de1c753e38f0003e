use std::time::Duration;

use crate::api::RateLimits;

/// The precision of the times at which headers say that windows end, which are whole seconds. Closer to the end than this,
/// the quota is more accurate than the remainder.
pub(super) const RESET_PRECISION: Duration = Duration::from_secs(2);

/// How long the rate is kept before headers may double it again, so that each increase is tested first.
const MIN_DOUBLING_INTERVAL: Duration = Duration::from_millis(250);

/// The number of refusals not announced by headers after which headers are ignored.
const MAX_UNANNOUNCED: u32 = 2;

/// The limits that headers advertise, and whether they were right. Pure.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AdvertisedLimits {
    since: Option<Duration>,
    /// The longest time to the end of a window seen so far: after that time, it is the window's length.
    window: Duration,
    /// When headers last increased the rate.
    last_growth: Option<Duration>,
    /// The number of refusals that headers did not announce.
    unannounced_refusals: u32,
}

impl AdvertisedLimits {
    /// Returns the rate that headers allow at `now`, in submits per second; they do not count the `under_way` open
    /// submits yet.
    pub(super) fn allowed(&mut self, limits: RateLimits, under_way: u64, now: Duration) -> Option<f64> {
        let since = *self.since.get_or_insert(now);
        self.window = self.window.max(limits.remaining.map_or(Duration::ZERO, |remaining| remaining.reset));
        let is_seen = !self.window.is_zero() && now.saturating_sub(since) >= self.window;
        let sustained = match (limits.quota, limits.total.filter(|_| is_seen)) {
            (Some(quota), _) => Some(quota.count as f64 / quota.window.as_secs_f64()),
            (None, total) => total.map(|total| total as f64 / self.window.as_secs_f64()),
        };
        // In the middle of a window the remainder is more accurate; in a sliding window, the end is always near.
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

    /// Returns whether headers may increase the rate again.
    pub(super) fn may_grow(&self, now: Duration) -> bool {
        self.last_growth.is_none_or(|grew| now.saturating_sub(grew) >= MIN_DOUBLING_INTERVAL)
    }

    /// Records that headers increased the rate.
    pub(super) fn note_growth(&mut self, now: Duration) {
        self.last_growth = Some(now);
    }

    /// Records that a submit was refused although headers allowed it.
    pub(super) fn note_unannounced_refusal(&mut self) {
        self.unannounced_refusals += 1;
    }

    /// Records that a request was accepted although headers did not allow it.
    pub(super) fn distrust(&mut self) {
        self.unannounced_refusals = MAX_UNANNOUNCED;
    }

    /// Returns whether headers are ignored.
    pub(super) fn is_distrusted(&self) -> bool {
        self.unannounced_refusals >= MAX_UNANNOUNCED
    }
}
