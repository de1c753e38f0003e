use std::time::Duration;

use crate::api::RateLimits;
use crate::job::{Rate, SubmitRate};

use super::advertised::AdvertisedLimits;

/// The slowest and the fastest that submits go, a second.
const SLOWEST: f64 = 1.0 / 60.0;
const FASTEST: f64 = 10_000.0;

/// What each good answer adds to the rate while no limit was met, a second: from one a second, ten in 12 s.
const ADDITIVE_INCREASE: f64 = 0.2;

/// In how many good answers the rate comes back from nothing to its ceiling, after a limit was met: as many as go
/// through in this many seconds, within bounds.
const RECOVERY_SECONDS: f64 = 20.0;
const MIN_RECOVERY: f64 = 5.0;
const MAX_RECOVERY: f64 = 40.0;

/// From what share of a cycle on, the time in which nothing goes through is a window's rest, and no moment's crowd.
const WINDOW_REST_SHARE: f64 = 1.0 / 3.0;

/// The shortest rest of a window: a hint of a second or two is what providers say of anything.
const MIN_WINDOW_REST: Duration = Duration::from_secs(3);

/// How far the rate goes above its ceiling before it stays again, as a share of it.
const CEILING_STEP: f64 = 0.1;

/// What share of itself the rate grows by above its ceiling, in as many good answers as it stayed at it.
const PROBE_GROWTH: f64 = 0.2;

/// How many good answers the rate stays at its ceiling before it feels its way above. Doubled each time that it finds
/// the limit there, so that a limit that stays is met ever more rarely and by less.
const MIN_PROBE_AFTER: u32 = 20;
const PROBE_AFTER_IF_LEARNED: u32 = 160;
const MAX_PROBE_AFTER: u32 = 5_000;

/// How near to each other two rates are at which the same limit is met, and within how many good answers two refusals are of
/// one cause whatever the rate.
const SAME_LIMIT: f64 = 0.2;
const SAME_CAUSE_WITHIN: u32 = 20;

/// How far the ceiling is put above what surely goes, as a share of the way to where the limit was met.
const CEILING_MARGIN: f64 = 0.25;

/// From how many accepted submits on their number in a time is a rate.
const MIN_ACCEPTED: u32 = 10;

/// How much of what the provider's headers allow is used: a little less, for clocks and networks are not exact.
const SHARE_OF_ADVERTISED: f64 = 0.99;

/// Finds the rate at which the provider takes submits.
///
/// It grows by a constant step with each good answer and is halved when the provider says that it is too much (AIMD:
/// Chiu and Jain, 1989), once for all submits that were under way by then. Once it was met twice at about the same rate, the
/// limit is between what went through since the last time, which is never more than it, and that rate; the rate grows back
/// to a place between these and stays, so that it settles instead of swinging. A single refusal may have had nothing to do
/// with the rate. Where a window is used up and nothing goes through for its rest, what went through in all of it is the
/// rate. Where answers name the limit in headers, that is the rate, until refusals show that it is not. Pure: the time is
/// handed in, as what has passed since the run began.
#[derive(Debug)]
pub(super) struct RateSearch {
    estimate: Estimate,
    /// Whether headers say what the rate is.
    is_advertised: bool,
    /// When the limit was last met. Submits sent before it tell nothing new.
    limit_met_at: Duration,
    accepted: u32,
    /// What goes through from one rest to the next.
    cycle: Cycle,
    /// What headers have said of a window.
    advertised: AdvertisedLimits,
    /// Good answers at the ceiling, and until when there must be no more than that.
    at_ceiling: u32,
    hold_until: Duration,
    /// Whether it has stayed for that long since the limit was last met.
    has_held: bool,
    /// The longest wait that the provider has asked for: as far as anybody knows, the window in which it counts.
    window: Duration,
    /// Whether the rate is what holds submits back, and not slots or money. Otherwise a good answer proves nothing.
    is_rate_limited: bool,
    has_learned: bool,
}

/// What is thought of the limit, whatever has gone through since it was last met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    /// Submits a second.
    rate: f64,
    /// Up to where the rate grows fast, once the limit was met.
    ceiling: Option<f64>,
    /// The rate at which it was last met.
    limit: f64,
    /// What went through between the last times that it was met, a second, until it is disproved.
    went_through: Option<f64>,
    /// How many good answers there must be at the ceiling before the rate grows above it.
    probe_after: u32,
}

/// Good answers between two times in which nothing went through.
#[derive(Clone, Copy, Debug, Default)]
struct Cycle {
    /// When the first of them was sent.
    started: Option<Duration>,
    count: u32,
    /// Since when nothing goes through.
    blocked: Option<Duration>,
}

impl RateSearch {
    /// Begins where an earlier run has ended, or gently.
    pub(super) fn new(learned: Option<Rate>) -> RateSearch {
        RateSearch {
            estimate: Estimate {
                rate: SubmitRate::Auto.expected(learned).per_second_f64().clamp(SLOWEST, FASTEST),
                ceiling: learned.map(Rate::per_second_f64),
                limit: learned.map_or(FASTEST, Rate::per_second_f64),
                went_through: None,
                probe_after: if learned.is_some() { PROBE_AFTER_IF_LEARNED } else { MIN_PROBE_AFTER },
            },
            is_advertised: false,
            limit_met_at: Duration::ZERO,
            accepted: 0,
            cycle: Cycle::default(),
            advertised: AdvertisedLimits::default(),
            at_ceiling: 0,
            hold_until: Duration::ZERO,
            has_held: false,
            window: Duration::ZERO,
            is_rate_limited: false,
            has_learned: false,
        }
    }

    /// The time between two submits.
    pub(super) fn interval(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.estimate.rate)
    }

    /// What the next run should begin with, if this one has learned anything.
    pub(super) fn learned(&self) -> Option<Rate> {
        let settled =
            if self.is_advertised { self.estimate.rate } else { self.estimate.ceiling.unwrap_or(self.estimate.rate) };
        self.has_learned.then(|| Rate::from_per_second(settled))
    }

    /// What is thought of the limit now.
    pub(super) fn estimate(&self) -> Estimate {
        self.estimate
    }

    /// Thinks as it did once.
    pub(super) fn restore_estimate(&mut self, estimate: Estimate) {
        self.estimate = estimate;
        self.at_ceiling = 0;
        self.has_held = false;
    }

    /// Thinks as it did once, for the refusals since then did not concern the rate.
    pub(super) fn undo_refusals(&mut self, before: Estimate) {
        self.restore_estimate(before);
        self.cycle = Cycle::default();
    }

    /// A submit had to wait for its turn.
    pub(super) fn mark_rate_limited(&mut self) {
        self.is_rate_limited = true;
    }

    /// The provider took a submit that was sent at `sent`.
    pub(super) fn accepted(&mut self, sent: Duration) {
        if sent < self.limit_met_at {
            return;
        }
        self.accepted += 1;
        if let Some(blocked) = self.cycle.blocked.take() {
            self.window_ended(blocked, sent);
        }
        self.cycle.started.get_or_insert(sent);
        self.cycle.count += 1;
        if self.is_advertised || !std::mem::take(&mut self.is_rate_limited) {
            return;
        }
        self.has_learned = true;
        let Some(ceiling) = self.estimate.ceiling else {
            self.estimate.rate = (self.estimate.rate + ADDITIVE_INCREASE).min(FASTEST);
            return;
        };
        if self.estimate.rate < ceiling {
            let answers = (ceiling * RECOVERY_SECONDS).clamp(MIN_RECOVERY, MAX_RECOVERY);
            self.estimate.rate = (self.estimate.rate + ceiling / answers).min(ceiling);
            self.hold_until = sent + self.window * 2;
        } else if self.at_ceiling < self.estimate.probe_after || sent < self.hold_until {
            self.at_ceiling += 1;
        } else {
            self.has_held = true;
            self.estimate.rate =
                (self.estimate.rate * (1.0 + PROBE_GROWTH / f64::from(self.estimate.probe_after))).min(FASTEST);
            if self.estimate.rate >= ceiling * (1.0 + CEILING_STEP) {
                if self.estimate.rate > self.estimate.limit * (1.0 + CEILING_STEP) {
                    // So far above, and still good: the limit has moved.
                    self.estimate.probe_after = (self.estimate.probe_after / 2).max(MIN_PROBE_AFTER);
                }
                self.estimate.ceiling = Some(self.estimate.rate);
                self.at_ceiling = 0;
                self.hold_until = sent + self.window * 2;
            }
        }
    }

    /// The provider said at `now` that a submit sent at `sent` was too much, and may have said how long to wait. Whether
    /// that is news.
    pub(super) fn refused(&mut self, sent: Duration, now: Duration, hint: Option<Duration>) -> bool {
        if sent < self.limit_met_at {
            return false;
        }
        self.window = self.window.max(hint.unwrap_or_default());
        if self.cycle.blocked.is_some() {
            // Nothing went through since: it is the same refusal once more, and says nothing of the rate.
            self.limit_met_at = now;
            return false;
        }
        self.cycle.blocked = Some(now);
        if self.accepted == 0 && self.limit_met_at.is_zero() {
            // Nothing went through yet: the quota was used up before, by an earlier run or by another program.
            self.limit_met_at = now;
            return false;
        }
        if self.is_advertised {
            self.advertised.note_unannounced_refusal();
        }
        let went_through = f64::from(self.accepted) / (now - self.limit_met_at).as_secs_f64().max(f64::EPSILON);
        let known = if self.accepted >= MIN_ACCEPTED { Some(went_through) } else { self.estimate.went_through.take() };
        let surely_good = known.map_or(self.estimate.rate / 2.0, |known| known.min(self.estimate.rate));
        if self.accepted >= MIN_ACCEPTED {
            self.estimate.went_through = known;
        }
        if self.has_held {
            self.estimate.probe_after = (self.estimate.probe_after * 2).min(MAX_PROBE_AFTER);
        }
        if self.estimate.ceiling.is_some() || self.is_confirmed() {
            let ceiling = surely_good + (self.estimate.rate - surely_good) * CEILING_MARGIN;
            self.estimate.ceiling = Some(ceiling.max(SLOWEST));
        }
        self.estimate.limit = self.estimate.rate;
        self.estimate.rate = (self.estimate.rate / 2.0).max(SLOWEST);
        if self.is_advertised && self.advertised.is_distrusted() {
            // What headers made of the rate is no more worth than they are.
            self.is_advertised = false;
            self.estimate.ceiling = known.map(|known| known.max(SLOWEST));
            self.estimate.rate = known.map_or(1.0, |known| known / 2.0).clamp(SLOWEST, self.estimate.rate);
        }
        self.limit_met_at = now;
        self.accepted = 0;
        self.at_ceiling = 0;
        self.has_held = false;
        self.has_learned = true;
        true
    }

    /// Whether a refusal confirms the one before: at about the same rate, or soon after it.
    fn is_confirmed(&self) -> bool {
        let is_same = (self.estimate.rate / self.estimate.limit - 1.0).abs() < SAME_LIMIT;
        is_same || (self.estimate.limit < FASTEST && self.accepted < SAME_CAUSE_WITHIN)
    }

    /// A submit that was sent at `sent` went through, after nothing had since `blocked`. A long rest is that of a window,
    /// and what went through from one to the next is what it takes.
    fn window_ended(&mut self, blocked: Duration, sent: Duration) {
        let Cycle { started, count, .. } = std::mem::take(&mut self.cycle);
        let cycle = started.map_or(Duration::ZERO, |started| sent.saturating_sub(started));
        let rest = sent.saturating_sub(blocked);
        let is_of_a_window = rest >= MIN_WINDOW_REST.max(cycle.mul_f64(WINDOW_REST_SHARE));
        if count == 0 || self.is_advertised || !is_of_a_window {
            return;
        }
        let went_through =
            (f64::from(count) / cycle.as_secs_f64().max(f64::EPSILON)).clamp(SLOWEST, self.estimate.limit);
        self.estimate.rate = went_through;
        self.estimate.ceiling = Some(went_through);
        self.estimate.went_through = Some(went_through);
        self.estimate.limit = went_through * (1.0 + CEILING_STEP);
        self.window = self.window.max(cycle);
        self.hold_until = sent + self.window;
    }

    /// The provider's headers have proved wrong: the rate grows from where it is, as if there were none.
    pub(super) fn distrust_headers(&mut self) {
        self.advertised.distrust();
        self.is_advertised = false;
    }

    /// The provider's headers say at `now` what it allows; `under_way` submits are not counted in them yet.
    pub(super) fn advertised(&mut self, limits: RateLimits, under_way: u64, now: Duration) {
        if self.advertised.is_distrusted() {
            return;
        }
        let Some(allowed) = self.advertised.allowed(limits, under_way, now) else {
            return;
        };
        // An odd moment, such as the last one before a reset, must not throw the rate about.
        let max = if self.advertised.may_grow(now) { self.estimate.rate * 2.0 } else { self.estimate.rate };
        let near = (allowed * SHARE_OF_ADVERTISED).clamp(self.estimate.rate / 2.0, max).clamp(SLOWEST, FASTEST);
        if near > self.estimate.rate {
            self.advertised.note_growth(now);
        }
        self.estimate.rate = near;
        self.is_advertised = true;
        self.has_learned = true;
    }
}

#[cfg(test)]
mod tests;
