use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::api::RateLimits;
use crate::job::{Rate, SubmitRate};
use crate::journal::LearnedLimits;

use super::RateLimiter;
use super::concurrency_limit::{ConcurrencyLimit, LimitedBy};
use super::fixed_rate;
use super::quota_claim::QuotaClaim;
use super::search::RateSearch;
use super::spacing::Spacing;

/// The pace of submits: set by somebody, or searched for.
#[derive(Debug)]
pub(in crate::runner) struct Submits {
    pace: RateLimiter,
    search: Option<RateSearch>,
    slots: ConcurrencyLimit,
    quota: QuotaClaim,
    spacing: Arc<Spacing>,
}

impl Submits {
    /// `learned` is what an earlier run has found; a rate that is set does not ask for it. A search goes without bursts, for
    /// a refusal in the middle of one would say nothing of the rate.
    pub(in crate::runner) fn new(rate: SubmitRate, burst: NonZeroU32, learned: &LearnedLimits) -> Submits {
        let (pace, search, slots) = match rate {
            SubmitRate::Fixed(rate) => (RateLimiter::new(rate, burst), None, ConcurrencyLimit::default()),
            SubmitRate::Auto => (
                RateLimiter::adjustable(rate.expected(learned.submits)),
                Some(RateSearch::new(learned.submits)),
                ConcurrencyLimit::new(learned.in_flight),
            ),
        };
        let submits = Submits { pace, search, slots, quota: QuotaClaim::default(), spacing: Arc::default() };
        if let (SubmitRate::Fixed(rate), NonZeroU32::MIN) = (rate, burst) {
            submits.spacing.set_interval(fixed_rate::interval(rate));
        }
        submits.adjust();
        submits
    }

    /// Takes a token now, or says when to ask again.
    pub(in crate::runner) fn try_take(&mut self) -> Result<(), Instant> {
        let taken = self.pace.try_take();
        if let (Err(_), Some(search)) = (&taken, &mut self.search) {
            search.mark_rate_limited();
        }
        taken
    }

    /// Lets nothing pass before `until`.
    pub(in crate::runner) fn pause(&self, until: Instant) {
        self.pace.pause(until);
    }

    /// What keeps submits apart when they leave. A burst is not to be.
    pub(in crate::runner) fn spacing(&self) -> Arc<Spacing> {
        Arc::clone(&self.spacing)
    }

    /// How many predictions the provider lets be in flight at once, as far as that was found out.
    pub(in crate::runner) fn max_in_flight(&self) -> Option<u32> {
        self.slots.max_in_flight()
    }

    /// A submit that was sent at `sent` was accepted, while `others` predictions were in flight.
    pub(in crate::runner) fn accepted(&mut self, sent: Duration, in_flight_before: u32) {
        if let Some(search) = &mut self.search {
            if let Some(before) = self.slots.accepted(in_flight_before, search.estimate()) {
                search.undo_refusals(before);
            }
            search.accepted(sent);
            self.adjust();
        }
    }

    /// A submit that was sent at `sent` was too much while `others` predictions were in flight; `hint` is how long the
    /// provider asks to wait. What was learned of the rate, if it is news.
    pub(in crate::runner) fn refused(
        &mut self,
        sent: Duration,
        now: Duration,
        hint: Option<Duration>,
        in_flight_before: u32,
    ) -> Option<Rate> {
        let search = self.search.as_mut()?;
        let limited_by = self.slots.refused(sent, now, in_flight_before, search.estimate());
        if let LimitedBy::Slots = limited_by {
            return None;
        }
        let is_news = search.refused(sent, now, hint);
        if let LimitedBy::RateNotSlots(estimate) = limited_by {
            search.restore_estimate(estimate);
        }
        let learned = search.learned();
        self.adjust();
        learned.filter(|_| is_news)
    }

    /// A submit that was sent at `sent` went through, whatever headers had said. It is to be told before what its own headers
    /// say.
    pub(in crate::runner) fn went_through(&mut self, sent: Duration) {
        if self.quota.went_through(sent)
            && let Some(search) = &mut self.search
        {
            search.distrust_headers();
        }
    }

    /// The headers of an answer say at `now` what the provider allows, while `under_way` other submits have no answer yet. How
    /// long to wait where they say that nothing more goes through.
    pub(in crate::runner) fn on_rate_limit_headers(
        &mut self,
        limits: RateLimits,
        under_way: u64,
        now: Duration,
    ) -> Option<Duration> {
        if let Some(search) = &mut self.search {
            search.advertised(limits, under_way, now);
            self.adjust();
        }
        self.quota.wait(limits, now)
    }

    /// What the next run should begin with.
    pub(in crate::runner) fn learned(&self) -> LearnedLimits {
        let submits = self.search.as_ref().and_then(RateSearch::learned);
        LearnedLimits { submits, in_flight: self.slots.learned(), ..LearnedLimits::default() }
    }

    fn adjust(&self) {
        if let Some(search) = &self.search {
            self.pace.set_interval(search.interval());
            self.spacing.set_interval(search.interval());
        }
    }
}
