use std::time::Duration;

use crate::api::Limits;
use crate::job::{Rate, SubmitRate};

/// The slowest and the fastest that submits go, a second.
const SLOWEST: f64 = 1.0 / 60.0;
const FASTEST: f64 = 10_000.0;

/// What each good answer adds to the rate while no limit was met, a second: from one a second, ten in 23 s.
const STRIDE: f64 = 0.1;

/// In how many good answers the rate comes back from nothing to its ceiling, after a limit was met.
const RECOVERY: f64 = 40.0;

/// How far the rate goes above its ceiling before it stays again, as a share of it.
const STEP: f64 = 0.1;

/// What share of itself the rate grows by above its ceiling, in as many good answers as it stayed at it.
const CREEP: f64 = 0.2;

/// How many good answers the rate stays at its ceiling before it feels its way above. Doubled each time that it finds
/// the limit there, so that a limit that stays is met ever more rarely and by less.
const FIRST_PATIENCE: u32 = 20;
const PATIENCE_WITH_WHAT_WAS_LEARNED: u32 = 160;
const LAST_PATIENCE: u32 = 5_000;

/// How far the ceiling is put above what surely goes, as a share of the way to where the limit was met.
const DOUBT: f64 = 0.25;

/// From how many accepted submits on their number in a time is a rate.
const ENOUGH: u32 = 10;

/// A window's end is told in whole seconds: where it is as near as this, the quota says more than what is left of it.
const COARSE: Duration = Duration::from_secs(2);

/// How much of what the provider's headers allow is used: a little less, for clocks and networks are not exact.
const SHARE_OF_TOLD: f64 = 0.99;

/// Finds the rate at which the provider takes submits.
///
/// It grows by a constant step with each good answer and is halved when the provider says that it is too much (AIMD:
/// Chiu and Jain, 1989), once for all submits that were under way by then. The limit then lies between what went
/// through since the last time, which is never more than it, and the rate at which it was met; the rate grows back to
/// a place between these and stays, so that it settles instead of swinging. Where answers name the limit in headers, that is
/// the rate. Pure: the time is handed in, as what has passed since the run began.
#[derive(Clone, Debug)]
pub(super) struct Search {
    /// Submits a second.
    rate: f64,
    /// Up to where the rate grows fast, once a limit was met.
    ceiling: Option<f64>,
    /// Whether headers say what the rate is.
    is_told: bool,
    /// When the limit was last met. Submits sent before it tell nothing new.
    met_at: Duration,
    /// The rate at which it was met.
    met: f64,
    accepted: u32,
    /// What went through between the last times that the limit was met, a second, until it is disproved.
    went_through: Option<f64>,
    /// Good answers at the ceiling, how many there must be, and until when there must be no more than that.
    stayed: u32,
    patience: u32,
    stays_until: Duration,
    /// Whether it has stayed for that long since the limit was last met.
    has_stayed: bool,
    /// The longest wait that the provider has asked for: as far as anybody knows, the window in which it counts.
    window: Duration,
    /// Whether the rate is what holds submits back, and not slots or money. Otherwise a good answer proves nothing.
    is_binding: bool,
    has_learned: bool,
}

impl Search {
    /// Begins where an earlier run has ended, or gently.
    pub(super) fn new(learned: Option<Rate>) -> Search {
        Search {
            rate: SubmitRate::Auto.expected(learned).per_second_f64().clamp(SLOWEST, FASTEST),
            ceiling: learned.map(Rate::per_second_f64),
            is_told: false,
            met_at: Duration::ZERO,
            met: FASTEST,
            accepted: 0,
            went_through: None,
            stayed: 0,
            patience: if learned.is_some() { PATIENCE_WITH_WHAT_WAS_LEARNED } else { FIRST_PATIENCE },
            stays_until: Duration::ZERO,
            has_stayed: false,
            window: Duration::ZERO,
            is_binding: false,
            has_learned: false,
        }
    }

    /// The time between two submits.
    pub(super) fn interval(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.rate)
    }

    /// What the next run should begin with, if this one has learned anything.
    pub(super) fn learned(&self) -> Option<Rate> {
        let settled = if self.is_told { self.rate } else { self.ceiling.unwrap_or(self.rate) };
        self.has_learned.then(|| Rate::from_per_second(settled))
    }

    /// A submit had to wait for its turn.
    pub(super) fn held_back(&mut self) {
        self.is_binding = true;
    }

    /// The provider took a submit that was sent at `sent`.
    pub(super) fn accepted(&mut self, sent: Duration) {
        if sent < self.met_at {
            return;
        }
        self.accepted += 1;
        if self.is_told || !std::mem::take(&mut self.is_binding) {
            return;
        }
        self.has_learned = true;
        let Some(ceiling) = self.ceiling else {
            self.rate = (self.rate + STRIDE).min(FASTEST);
            return;
        };
        if self.rate < ceiling {
            self.rate = (self.rate + ceiling / RECOVERY).min(ceiling);
            self.stays_until = sent + self.window * 2;
        } else if self.stayed < self.patience || sent < self.stays_until {
            self.stayed += 1;
        } else {
            self.has_stayed = true;
            self.rate = (self.rate * (1.0 + CREEP / f64::from(self.patience))).min(FASTEST);
            if self.rate >= ceiling * (1.0 + STEP) {
                if self.rate > self.met * (1.0 + STEP) {
                    // So far above, and still good: the limit has moved.
                    self.patience = (self.patience / 2).max(FIRST_PATIENCE);
                }
                (self.ceiling, self.stayed, self.stays_until) = (Some(self.rate), 0, sent + self.window * 2);
            }
        }
    }

    /// The provider said at `now` that a submit sent at `sent` was too much, and may have said how long to wait. Whether
    /// that is news.
    pub(super) fn refused(&mut self, sent: Duration, now: Duration, hint: Option<Duration>) -> bool {
        if sent < self.met_at {
            return false;
        }
        let went_through = f64::from(self.accepted) / (now - self.met_at).as_secs_f64().max(f64::EPSILON);
        let known = if self.accepted >= ENOUGH { Some(went_through) } else { self.went_through.take() };
        let surely_good = known.map_or(self.rate / 2.0, |known| known.min(self.rate));
        if self.accepted >= ENOUGH {
            self.went_through = known;
        }
        if self.has_stayed {
            self.patience = (self.patience * 2).min(LAST_PATIENCE);
        }
        self.window = self.window.max(hint.unwrap_or_default());
        self.ceiling = Some((surely_good + (self.rate - surely_good) * DOUBT).max(SLOWEST));
        self.met = self.rate;
        self.rate = (self.rate / 2.0).max(SLOWEST);
        (self.met_at, self.accepted, self.stayed, self.has_stayed) = (now, 0, 0, false);
        self.has_learned = true;
        true
    }

    /// The provider's headers say what it allows; `under_way` submits are not counted in them yet.
    pub(super) fn told(&mut self, limits: Limits, under_way: u64) {
        let sustained = limits.quota.map(|quota| quota.count as f64 / quota.window.as_secs_f64());
        let says_enough = |reset: Duration| !reset.is_zero() && (sustained.is_none() || reset > COARSE);
        let left = limits.left.filter(|left| says_enough(left.reset));
        let until_reset = left.map(|left| left.count.saturating_sub(under_way) as f64 / left.reset.as_secs_f64());
        let Some(allowed) = until_reset.or(sustained) else {
            return;
        };
        // An odd moment, such as the last one before a reset, must not throw the rate about.
        let near = (allowed * SHARE_OF_TOLD).clamp(self.rate / 2.0, self.rate * 2.0);
        self.rate = near.clamp(SLOWEST, FASTEST);
        self.is_told = true;
        self.has_learned = true;
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
