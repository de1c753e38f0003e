use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::api::RateLimits;
use crate::job::{Rate, SubmitRate};
use crate::journal::LearnedLimits;

use super::RateLimiter;
use super::concurrency_limit::{ConcurrencyLimit, LimitedBy};
use super::learned_rate::LearnedRate;
use super::quota_claim::QuotaClaim;
use super::search::RateSearch;
use super::spacing::Spacing;
use super::spare::Spare;

/// The pace of submits: a fixed rate, or the search for the best one.
#[derive(Debug)]
pub(in crate::runner) struct Submits {
    pace: RateLimiter,
    interval: Interval,
    slots: ConcurrencyLimit,
    quota: QuotaClaim,
    spacing: Arc<Spacing>,
}

/// What determines the time between two submits.
#[derive(Debug)]
enum Interval {
    /// A fixed rate, and what it leaves beyond its interval.
    Fixed(Spare),
    /// The search for the best rate.
    Searched(Box<RateSearch>),
}

/// What a refusal has shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::runner) enum Refusal {
    /// Nothing: some submits are refused at any rate.
    Odd,
    /// A limit, and the learned rate if it has changed.
    Limit(Option<Rate>),
}

impl Interval {
    fn search(&mut self) -> Option<&mut RateSearch> {
        match self {
            Interval::Fixed(_) => None,
            Interval::Searched(search) => Some(search.as_mut()),
        }
    }
}

impl Submits {
    /// Creates the pace; `learned` is what an earlier run has found, and is used only by a search. A search allows no
    /// bursts because a refusal within one would say nothing about the rate. `idle` is the time since an earlier run may have
    /// used up a fixed rate: one that is restarted all the time must not exceed it.
    pub(in crate::runner) fn new(
        rate: SubmitRate,
        burst: NonZeroU32,
        learned: &LearnedLimits,
        idle: Duration,
    ) -> Submits {
        let (pace, interval, slots) = match rate {
            SubmitRate::Fixed(rate) => (
                RateLimiter::used_up(rate, burst, idle),
                Interval::Fixed(Spare::new(rate.interval())),
                ConcurrencyLimit::default(),
            ),
            SubmitRate::Auto => (
                RateLimiter::adjustable(rate.expected(learned.submit_rate())),
                Interval::Searched(Box::new(search(learned))),
                ConcurrencyLimit::new(learned.in_flight),
            ),
        };
        let submits = Submits { pace, interval, slots, quota: QuotaClaim::default(), spacing: Arc::default() };
        if let (SubmitRate::Fixed(rate), NonZeroU32::MIN) = (rate, burst) {
            submits.spacing.set_interval(rate.interval());
        }
        submits.adjust();
        submits
    }

    /// Takes a token, or returns when to try again.
    pub(in crate::runner) fn try_take(&mut self) -> Result<(), Instant> {
        let taken = self.pace.try_take();
        if let (Err(_), Some(search)) = (&taken, self.interval.search()) {
            search.mark_rate_limited();
        }
        taken
    }

    /// Lets no submit pass before `until`.
    pub(in crate::runner) fn pause(&self, until: Instant) {
        self.pace.pause(until);
    }

    /// Returns what keeps submits apart when they are sent. It is unused with bursts.
    pub(in crate::runner) fn spacing(&self) -> Arc<Spacing> {
        Arc::clone(&self.spacing)
    }

    /// Returns how many predictions the provider allows in flight, if that is known.
    pub(in crate::runner) fn max_in_flight(&self) -> Option<u32> {
        self.slots.max_in_flight()
    }

    /// Records that a submit was accepted that was sent at `sent`, with `in_flight_before` submits and predictions in flight.
    pub(in crate::runner) fn accepted(&mut self, sent: Duration, in_flight_before: u32) {
        match &mut self.interval {
            Interval::Fixed(spare) => spare.accepted(),
            Interval::Searched(search) => {
                if let Some(before) = self.slots.accepted(sent, in_flight_before) {
                    search.undo_refusals(before);
                }
                search.accepted(sent);
            }
        }
        self.adjust();
    }

    /// Records that a submit was refused that was sent at `sent`, with `in_flight_before` submits and predictions in
    /// flight; `hint` is how long the provider asks to wait. Returns what that shows.
    pub(in crate::runner) fn refused(
        &mut self,
        sent: Duration,
        now: Duration,
        hint: Option<Duration>,
        in_flight_before: u32,
    ) -> Refusal {
        let search = match &mut self.interval {
            Interval::Fixed(spare) => {
                spare.refused();
                self.adjust();
                return Refusal::Limit(None);
            }
            Interval::Searched(search) => search,
        };
        let (estimate, is_limit) = (search.estimate(), search.judge_refusal(sent));
        let limited_by = self.slots.refused(sent, now, hint, in_flight_before, estimate, is_limit);
        if !is_limit {
            return Refusal::Odd;
        }
        if let LimitedBy::Slots = limited_by {
            return Refusal::Limit(None);
        }
        let is_news = search.refused(sent, now, hint);
        let learned = search.learned();
        self.adjust();
        Refusal::Limit(learned.filter(|_| is_news).map(LearnedRate::rate))
    }

    /// Records that a submit sent at `sent` was accepted, whatever earlier headers said. Must be called before the
    /// headers of its own answer are applied.
    pub(in crate::runner) fn went_through(&mut self, sent: Duration) {
        if self.quota.went_through(sent)
            && let Some(search) = self.interval.search()
        {
            search.distrust_headers();
        }
    }

    /// Applies the headers of an answer at `now`, while `under_way` other submits are open. Returns how long to wait
    /// if the quota is used up.
    pub(in crate::runner) fn on_rate_limit_headers(
        &mut self,
        limits: RateLimits,
        under_way: u64,
        now: Duration,
    ) -> Option<Duration> {
        if let Some(search) = self.interval.search() {
            search.advertised(limits, under_way, now);
            self.adjust();
        }
        self.quota.wait(limits, now)
    }

    /// Returns the limits for the next run to start with.
    pub(in crate::runner) fn learned(&self) -> LearnedLimits {
        let (learned, odd_share) = match &self.interval {
            Interval::Fixed(_) => (None, None),
            Interval::Searched(search) => (search.learned(), search.odd_refusals()),
        };
        let (submits, unrefused) = match learned {
            Some(LearnedRate::Limit(rate)) => (Some(rate), None),
            Some(LearnedRate::Unrefused(rate)) => (None, Some(rate)),
            None => (None, None),
        };
        let odd_refusals = odd_share.map(|share| (share * 1000.0).round() as u32);
        LearnedLimits { submits, unrefused, in_flight: self.slots.learned(), odd_refusals, ..LearnedLimits::default() }
    }

    /// Applies the interval.
    fn adjust(&self) {
        match &self.interval {
            Interval::Fixed(spare) => {
                self.pace.set_interval(spare.interval());
                self.spacing.stretch_to(spare.interval());
            }
            Interval::Searched(search) => {
                self.pace.set_interval(search.interval());
                self.spacing.set_interval(search.interval());
            }
        }
    }
}

/// Returns the search that starts with what an earlier run has found.
fn search(learned: &LearnedLimits) -> RateSearch {
    let search = RateSearch::new(LearnedRate::of(learned));
    match learned.odd_refusals {
        Some(per_mille) => search.expecting_odd_refusals(f64::from(per_mille.min(1000)) / 1000.0),
        None => search,
    }
}
