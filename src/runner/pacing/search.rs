use std::time::Duration;

use crate::api::RateLimits;
use crate::job::{Rate, SubmitRate};

use super::accepted_rates::AcceptedRates;
use super::advertised::AdvertisedLimits;
use super::cycle::{Blocked, Cycle, MIN_IN_WINDOW, MIN_WINDOW_REST, WINDOW_REST_SHARE};
use super::learned_rate::LearnedRate;
use super::odd_refusals::{OddRefusals, Pace};

/// The lowest and highest rate, in submits per second.
const SLOWEST: f64 = 1.0 / 60.0;
const FASTEST: f64 = 10_000.0;

/// The increase of the rate per accepted submit while no limit was met, per second.
const ADDITIVE_INCREASE: f64 = 0.2;

/// The same before the first refusal, up to this rate: from 1/s to 10/s in 5 s instead of 12. At higher rates, a used-up
/// quota would refuse more submits at once.
const FIRST_INCREASE: f64 = 0.5;
const FIRST_RATES: f64 = 10.0;

/// The number of accepted submits in which the rate grows from 0 to its ceiling after a limit was met: those of this
/// many seconds, within bounds. At least so many show whether submits are refused far below the limit as well.
const RECOVERY_SECONDS: f64 = 20.0;
const MIN_RECOVERY: f64 = 10.0;
const MAX_RECOVERY: f64 = 40.0;

/// How far the rate rises above its ceiling before it is held again, as a share of the ceiling.
const CEILING_STEP: f64 = 0.1;

/// The share by which the rate grows above its ceiling, in as many accepted submits as it was held there.
const PROBE_GROWTH: f64 = 0.2;

/// The share by which it grows with each accepted submit once the limit has risen.
const RISEN_GROWTH: f64 = CEILING_STEP / 20.0;

/// The number of accepted submits at the ceiling before higher rates are probed, at the start and once the limit was met.
/// It doubles each time that the limit is met there, so that a constant limit is met less and less often, and by less.
const MIN_PROBE_AFTER: u32 = 20;
const MIN_PROBE_AFTER_LIMIT: u32 = 160;
const MAX_PROBE_AFTER: u32 = 5_000;

/// The relative difference up to which two rates met the same limit, and the number of accepted submits within which
/// two refusals have the same cause at any rate.
const SAME_LIMIT: f64 = 0.2;
const SAME_CAUSE_WITHIN: u32 = 20;

/// How far the ceiling is above the rate that is known to be good, as a share of the distance to the limit.
const CEILING_MARGIN: f64 = 0.25;

/// Below this share of the rate that is known to be good, a limit refuses nothing.
const SLOW_SHARE: f64 = 0.75;

/// The number of accepted submits from which their number per time is a rate.
const MIN_ACCEPTED: u32 = 10;

/// The share of the advertised rate that is used: a little less than all of it, because clocks and networks are not
/// exact.
const SHARE_OF_ADVERTISED: f64 = 0.99;

/// Finds the rate at which the provider accepts submits.
///
/// The rate grows by a constant with each accepted submit and is halved by a refusal (AIMD: Chiu and Jain, 1989),
/// once for all submits that were open at that time. Once the limit was met twice at about the same rate, it is
/// between that rate and the rate accepted since the last time, which is never higher than the limit. The rate then
/// grows back to a value between these and is held, so that it settles instead of oscillating. Refusals that come at any
/// rate, or that do not agree with those before, are unrelated to the limit. If a window is used up and nothing is
/// accepted for the rest of it, the rate is what was accepted in the whole window. If headers name the limit, that is
/// the rate, until refusals disprove it. Pure: callers pass the time since the run started.
#[derive(Debug)]
pub(super) struct RateSearch {
    estimate: Estimate,
    /// Whether the rate comes from headers.
    is_advertised: bool,
    /// When the limit was last met. Submits sent before that say nothing new.
    limit_met_at: Duration,
    accepted: u32,
    /// The submits accepted between two rests.
    cycle: Cycle,
    /// The limits that headers advertise.
    advertised: AdvertisedLimits,
    /// The number of accepted submits at the ceiling, and until when the rate is held there.
    at_ceiling: u32,
    hold_until: Duration,
    /// Whether the rate was held for that long since the limit was last met.
    has_held: bool,
    /// The longest wait that the provider has asked for, which is taken as the length of its window.
    window: Duration,
    /// Whether the rate, and not slots or budget, limits submits. Otherwise an accepted submit says nothing about the
    /// rate.
    is_rate_limited: bool,
    has_learned: bool,
    /// Tells which refusals have nothing to do with the rate.
    odd_refusals: OddRefusals,
}

/// The estimate of the provider's limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    /// Submits a second.
    rate: f64,
    /// Up to where the rate grows fast, after the limit was met.
    ceiling: Option<f64>,
    /// The rate at which it was last met.
    limit: f64,
    /// The rates accepted between two times that the limit was met.
    went_through: AcceptedRates,
    /// The number of accepted submits at the ceiling before the rate grows above it.
    probe_after: u32,
}

impl RateSearch {
    /// Starts with the rate that an earlier run has found, or with a low one.
    pub(super) fn new(learned: Option<LearnedRate>) -> RateSearch {
        let rate = SubmitRate::Auto.expected(learned.map(LearnedRate::rate));
        let limit = learned.and_then(LearnedRate::limit).map(Rate::per_second_f64);
        RateSearch {
            estimate: Estimate {
                rate: rate.per_second_f64().clamp(SLOWEST, FASTEST),
                ceiling: limit,
                limit: limit.unwrap_or(FASTEST),
                went_through: AcceptedRates::default(),
                probe_after: MIN_PROBE_AFTER,
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
            odd_refusals: OddRefusals::default(),
        }
    }

    /// Starts with the share of submits that an earlier run has found to be refused at any rate, 0 to 1.
    pub(super) fn expecting_odd_refusals(mut self, share: f64) -> RateSearch {
        self.odd_refusals = OddRefusals::expecting(share);
        self
    }

    /// Returns the share of submits that is refused at any rate, 0 to 1, if that is known.
    pub(super) fn odd_refusals(&self) -> Option<f64> {
        self.odd_refusals.share()
    }

    /// Returns the time between two submits.
    pub(super) fn interval(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.estimate.rate)
    }

    /// Returns the rate for the next run to start with, if this one has learned anything.
    pub(super) fn learned(&self) -> Option<LearnedRate> {
        let Estimate { rate, ceiling, limit, .. } = self.estimate;
        let settled = Rate::from_per_second(if self.is_advertised { rate } else { ceiling.unwrap_or(rate) });
        let is_unrefused = !self.is_advertised && ceiling.is_none() && limit >= FASTEST;
        let learned = if is_unrefused { LearnedRate::Unrefused(settled) } else { LearnedRate::Limit(settled) };
        self.has_learned.then_some(learned)
    }

    /// Returns the current estimate.
    pub(super) fn estimate(&self) -> Estimate {
        self.estimate
    }

    /// Restores an earlier estimate because the refusals since then were unrelated to the rate.
    pub(super) fn undo_refusals(&mut self, before: Estimate) {
        self.estimate = before;
        self.at_ceiling = 0;
        self.has_held = false;
        self.cycle.blocked = None;
    }

    /// Records that a submit had to wait because of the rate.
    pub(super) fn mark_rate_limited(&mut self) {
        self.is_rate_limited = true;
    }

    /// Records that a submit sent at `sent` was accepted.
    pub(super) fn accepted(&mut self, sent: Duration) {
        if sent < self.limit_met_at {
            return;
        }
        self.accepted += 1;
        self.odd_refusals.accepted(self.pace());
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
            let is_first = self.limit_met_at.is_zero() && self.estimate.rate < FIRST_RATES;
            let increase = if is_first { FIRST_INCREASE } else { ADDITIVE_INCREASE };
            self.estimate.rate = (self.estimate.rate + increase).min(FASTEST);
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
            let growth =
                if self.has_risen() { RISEN_GROWTH } else { PROBE_GROWTH / f64::from(self.estimate.probe_after) };
            self.estimate.rate = (self.estimate.rate * (1.0 + growth)).min(FASTEST);
            if self.estimate.rate >= ceiling * (1.0 + CEILING_STEP) {
                self.estimate.ceiling = Some(self.estimate.rate);
                self.hold_until = sent + self.window * 2;
                if !self.has_risen() {
                    self.at_ceiling = 0;
                }
            }
        }
    }

    /// Judges the refusal of a submit that was sent at `sent`. Returns whether a limit seems to be the reason, which
    /// [`RateSearch::refused`] must then be told, unless it is known to be another one than that of the rate.
    pub(super) fn judge_refusal(&mut self, sent: Duration) -> bool {
        if sent < self.limit_met_at || self.cycle.blocked.is_some() || self.accepted == 0 {
            // The refusal belongs to one that has shown a limit.
            return true;
        }
        let is_limit = self.odd_refusals.refused(self.pace());
        if !is_limit && self.is_slow() {
            // The limit was found by refusals that come at any rate, so it is none.
            self.estimate.ceiling = None;
            self.estimate.limit = FASTEST;
        }
        is_limit
    }

    /// Records that a submit sent at `sent` was refused by a limit at `now`, with a `hint` of how long to wait, if any.
    /// Returns whether that changes the estimate.
    pub(super) fn refused(&mut self, sent: Duration, now: Duration, hint: Option<Duration>) -> bool {
        if sent < self.limit_met_at {
            return false;
        }
        self.window = self.window.max(hint.unwrap_or_default());
        let until = now + hint.unwrap_or_default();
        if let Some(blocked) = &mut self.cycle.blocked {
            blocked.until = blocked.until.max(until);
            // None was accepted since the previous refusal, so this one says nothing new about the rate.
            self.limit_met_at = now;
            return false;
        }
        self.cycle.blocked = Some(Blocked { since: now, until });
        if self.accepted == 0 && self.limit_met_at.is_zero() {
            // None was accepted yet: an earlier run or another program has used up the quota.
            self.limit_met_at = now;
            return false;
        }
        if self.is_advertised {
            self.advertised.note_unannounced_refusal();
        }
        let (known, agrees) = self.rate_until_refusal(now);
        let surely_good = known.map_or(self.estimate.rate / 2.0, |known| known.min(self.estimate.rate));
        if !agrees {
            self.estimate.probe_after = (self.estimate.probe_after / 2).max(MIN_PROBE_AFTER);
        } else if self.estimate.ceiling.is_some() && self.accepted >= MIN_ACCEPTED {
            let factor = if self.has_held { 2 } else { 1 };
            // A burst lets the rate rise above a limit that is the same as before.
            let has_risen = surely_good > self.estimate.limit * (1.0 + CEILING_STEP);
            let (last, least) = match has_risen {
                true => (MIN_PROBE_AFTER, MIN_PROBE_AFTER),
                false => (self.estimate.probe_after, MIN_PROBE_AFTER_LIMIT),
            };
            self.estimate.probe_after = (last * factor).clamp(least, MAX_PROBE_AFTER);
        }
        if agrees && (self.estimate.ceiling.is_some() || self.is_confirmed()) {
            let ceiling = surely_good + (self.estimate.rate - surely_good) * CEILING_MARGIN;
            self.estimate.ceiling = Some(ceiling.max(SLOWEST));
        }
        self.estimate.limit = self.estimate.rate;
        self.estimate.rate = (self.estimate.rate / 2.0).max(SLOWEST);
        if self.is_advertised && self.advertised.is_distrusted() {
            // A rate that came from headers is no more reliable than they are.
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

    /// Adds the rate at which submits were accepted from the previous refusal until the one at `now`. Returns the one that
    /// is known to be good, and whether the new one agrees with those before.
    fn rate_until_refusal(&mut self, now: Duration) -> (Option<f64>, bool) {
        let before_probe = self.rate_before_probe();
        let went_through = &mut self.estimate.went_through;
        if self.accepted < MIN_ACCEPTED {
            went_through.forget_oldest();
            return (went_through.highest(), true);
        }
        let rate = f64::from(self.accepted) / (now - self.limit_met_at).as_secs_f64().max(f64::EPSILON);
        if self.limit_met_at.is_zero() {
            // A burst that the limit allows makes the first rate too high to be kept.
            return (went_through.highest().or(before_probe).or(Some(rate)), true);
        }
        let agrees = went_through.add(rate);
        (went_through.highest(), agrees)
    }

    /// Returns the rate that was accepted for some time before the current probe, if there is one: two steps below its rate,
    /// because a burst may have hidden the limit, but no less than the limit that an earlier run has found.
    fn rate_before_probe(&self) -> Option<f64> {
        self.has_held.then(|| (self.estimate.rate / (1.0 + 2.0 * CEILING_STEP)).max(self.estimate.limit))
    }

    /// Returns whether the rate is far above the old limit and still accepted, so that the limit has risen.
    fn has_risen(&self) -> bool {
        self.estimate.rate > self.estimate.limit * (1.0 + CEILING_STEP)
    }

    /// Returns whether the rate is far below the one that is known to be good.
    fn is_slow(&self) -> bool {
        self.estimate.went_through.highest().is_some_and(|good| self.estimate.rate < good * SLOW_SHARE)
    }

    /// Returns how fast submits are sent, compared with the limit.
    fn pace(&self) -> Pace {
        if self.is_slow() {
            Pace::FarBelow
        } else if self.estimate.limit >= FASTEST {
            Pace::Unlimited
        } else {
            Pace::Near
        }
    }

    /// Returns whether a refusal confirms the previous one, at about the same rate or soon after it, or whether as much was
    /// accepted before each of the last ones.
    fn is_confirmed(&self) -> bool {
        let is_same = (self.estimate.rate / self.estimate.limit - 1.0).abs() < SAME_LIMIT;
        let is_soon = self.estimate.limit < FASTEST && self.accepted < SAME_CAUSE_WITHIN;
        is_same || is_soon || self.estimate.went_through.are_alike()
    }

    /// Records that a submit sent at `sent` was accepted, after none was while it was `blocked`. A long rest is that of a
    /// window, whose limit is what was accepted from one rest to the next.
    fn window_ended(&mut self, blocked: Blocked, sent: Duration) {
        let rest = blocked.until.min(sent).saturating_sub(blocked.since);
        if rest < MIN_WINDOW_REST {
            // Refused submits in the middle of a window are no end of it.
            return;
        }
        let Cycle { started, count, .. } = std::mem::take(&mut self.cycle);
        let cycle = started.map_or(Duration::ZERO, |started| sent.saturating_sub(started));
        if count < MIN_IN_WINDOW || self.is_advertised || rest < cycle.mul_f64(WINDOW_REST_SHARE) {
            return;
        }
        let went_through =
            (f64::from(count) / cycle.as_secs_f64().max(f64::EPSILON)).clamp(SLOWEST, self.estimate.limit);
        self.estimate.rate = went_through;
        self.estimate.ceiling = Some(went_through);
        self.estimate.went_through = AcceptedRates::of(went_through);
        self.estimate.limit = went_through * (1.0 + CEILING_STEP);
        self.window = self.window.max(cycle);
        self.hold_until = sent + self.window;
    }

    /// Records that headers were wrong: the rate grows from its current value as if there were none.
    pub(super) fn distrust_headers(&mut self) {
        self.advertised.distrust();
        self.is_advertised = false;
    }

    /// Applies what headers advertise at `now`; they do not count the `under_way` open submits yet.
    pub(super) fn advertised(&mut self, limits: RateLimits, under_way: u64, now: Duration) {
        if self.advertised.is_distrusted() {
            return;
        }
        let Some(allowed) = self.advertised.allowed(limits, under_way, now) else {
            return;
        };
        // An outlier, such as the last moment before a reset, must not change the rate much.
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
