//! When predictions are polled: when an answer is likely, as learned from the generation times of the run.

mod generation_times;
mod key_refusals;
mod life_table;
mod outage;
mod plan_check;
mod poll_plan;

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::api::RateLimits;
use crate::job::Rate;
use crate::journal::LearnedLimits;
use crate::sync::locked;

use super::Settings;
use super::backoff::backoff;
use super::pacing::{PollLimit, QuotaClaim, RateLimiter};

use generation_times::GenerationTimes;
use key_refusals::KeyRefusals;
use outage::Outage;
use poll_plan::PollBudget;

pub(super) use generation_times::{Observation, RequestKind};
pub(super) use poll_plan::Haste;

/// The share of the poll rate that is planned; the rest is a reserve for failures.
const PLANNED_SHARE: f64 = 0.8;

/// The share of the provider's poll limit that is planned.
const PLANNED_SHARE_OF_FOUND: f64 = 0.9;

/// The minimum mean number of polls per prediction: with fewer, predictions take twice as long.
const MIN_POLLS: f64 = 0.5;

/// How long the polls of a prediction may be apart while all polls fail, and how long all are paused once they have failed
/// for a while. It is short, because polls are free and show when the provider is back.
const OUTAGE_PAUSE: Duration = Duration::from_secs(5);

/// When predictions are polled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PollSchedule {
    /// The shortest wait before generation times are known, and the wait after a failed poll.
    pub shortest: Duration,
    /// The longest wait without failures.
    pub longest: Duration,
    /// The wait as a share of the prediction's age, before generation times are known.
    pub share: f64,
    /// How long a finished answer may wait for its poll in the mean, once generation times are known. Polls every
    /// second have a mean of half a second.
    pub lag: Duration,
    /// How long a 404 is attributed to a prediction that is not visible yet.
    pub not_found_grace: Duration,
    /// The number of consecutive 404s, after that time, that mark a prediction as lost.
    pub not_found_limit: u32,
    /// The number of consecutive failed polls after which a prediction is left for a later run.
    pub error_limit: u32,
}

impl Default for PollSchedule {
    fn default() -> PollSchedule {
        PollSchedule {
            shortest: Duration::from_millis(250),
            longest: Duration::from_secs(2),
            share: 0.5,
            lag: Duration::from_millis(460),
            not_found_grace: Duration::from_secs(60),
            not_found_limit: 3,
            error_limit: 40,
        }
    }
}

/// The state that all polls share: their rate, and the learned generation times.
#[derive(Debug)]
pub(super) struct Polling {
    pub(super) schedule: PollSchedule,
    pace: RateLimiter,
    free: u32,
    /// The provider's limit on polls, once it is found.
    provider_pace: RateLimiter,
    limit: Mutex<PollLimit>,
    /// How many predictions are followed.
    followed: AtomicU32,
    started: Instant,
    refusals: Mutex<KeyRefusals>,
    outage: Mutex<Outage>,
    quota: Mutex<QuotaClaim>,
    times: Mutex<GenerationTimes>,
    /// Wakes those who wait for the next poll of a prediction when the learned times were too long.
    forgotten: Notify,
}

impl Polling {
    /// Creates the state; `learned` is what an earlier run has found.
    pub(super) fn new(settings: &Settings, learned: &LearnedLimits) -> Polling {
        let schedule = settings.schedule;
        let in_flight = f64::from(settings.in_flight.get());
        let budget = PollBudget {
            lag: schedule.lag.as_secs_f64(),
            polls_each: settings.polls.per_second_f64() * PLANNED_SHARE / in_flight,
            free: f64::from(settings.free_polls),
            answered_each: None,
            longest: schedule.longest.as_secs_f64(),
        };
        Polling {
            schedule,
            pace: RateLimiter::new(settings.polls, NonZeroU32::MIN),
            free: settings.free_polls,
            provider_pace: RateLimiter::adjustable(learned.polls.unwrap_or(settings.polls)),
            limit: Mutex::new(PollLimit::new(learned.polls)),
            followed: AtomicU32::new(0),
            started: Instant::now(),
            refusals: Mutex::default(),
            outage: Mutex::default(),
            quota: Mutex::default(),
            times: Mutex::new(GenerationTimes::new(budget, &learned.generation_ms)),
            forgotten: Notify::new(),
        }
    }

    /// Counts one more prediction as followed until the returned guard is dropped.
    pub(super) fn follow(self: &Arc<Polling>) -> Followed {
        self.followed.fetch_add(1, Ordering::Relaxed);
        Followed(Arc::clone(self))
    }

    /// Waits until a poll may be sent, and returns when that is. `before` is the number of polls already sent for the
    /// prediction.
    pub(super) async fn turn(&self, before: u32) -> Duration {
        if before < self.free {
            self.pace.wait_for_pause_end().await;
        } else {
            self.pace.take().await;
        }
        if self.are_limited() {
            self.provider_pace.take().await;
        }
        self.started.elapsed()
    }

    /// Records that a poll sent at `sent` was answered, or failed for a reason other than the key or the rate.
    pub(super) fn poll_answered(&self, sent: Duration) {
        self.refusals().answered();
        locked(&self.quota).went_through(sent);
        self.update_limit(|limit, now, min_rate| limit.answered(sent, now, min_rate));
    }

    /// Records that a poll sent at `sent` was answered with 429.
    pub(super) fn refused(&self, sent: Duration) {
        self.refusals().answered();
        self.update_limit(|limit, now, min_rate| limit.refused(sent, now, min_rate));
    }

    /// Records that a poll was answered by the API itself. Returns whether polls had failed since one was.
    pub(super) fn end_outage(&self) -> bool {
        locked(&self.outage).end()
    }

    /// Records that a poll failed. If all have failed for some time, no other is sent for a moment.
    pub(super) fn failed(&self, jitter: f64) {
        let is_long = locked(&self.outage).failed(self.started.elapsed());
        if is_long {
            self.pause(Instant::now() + outage_pause(jitter));
        }
    }

    /// Returns whether no poll was answered for a while.
    pub(super) fn are_failing(&self) -> bool {
        locked(&self.outage).is_likely(self.started.elapsed())
    }

    /// Applies the rate-limit headers of an answer.
    pub(super) fn on_rate_limit_headers(&self, limits: RateLimits) {
        let wait = locked(&self.quota).wait(limits, self.started.elapsed());
        if let Some(wait) = wait {
            self.pause(Instant::now() + wait);
        }
    }

    /// Returns whether a limit slows down all polls, so that none needs an additional wait after a 429.
    pub(super) fn are_limited(&self) -> bool {
        self.limit().per_second().is_some()
    }

    /// Updates the limit, and applies the rate that follows from it.
    fn update_limit(&self, update: impl FnOnce(&mut PollLimit, Duration, Option<f64>)) {
        let min_rate = self.times().mean().map(|mean| MIN_POLLS * self.followed() / mean);
        let mut limit = self.limit();
        let rate = limit.per_second();
        update(&mut limit, self.started.elapsed(), min_rate);
        if limit.per_second() != rate {
            // Without a limit, the polls that still wait are sent immediately.
            let interval = limit.per_second().map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate));
            self.provider_pace.set_interval(interval);
        }
        self.times().plan_for(limit.found().map(|rate| rate * PLANNED_SHARE_OF_FOUND / self.followed()));
    }

    /// Records that the key was refused. Returns whether it is considered invalid.
    pub(super) fn key_refused(&self) -> bool {
        self.refusals().refused(self.started.elapsed())
    }

    /// Lets no poll pass before `until`.
    pub(super) fn pause(&self, until: Instant) {
        self.pace.pause(until);
        self.provider_pace.pause(until);
    }

    /// Returns the wait before the next poll of a prediction of this `age`, after `errors` consecutive failed polls.
    /// `jitter` in 0..1 is constant per prediction, so that those that started together are not polled together.
    ///
    /// A single failed poll is repeated soon, because a waiting answer keeps a slot; several failures mean that the
    /// provider needs time.
    pub(super) fn wait(&self, kind: Option<RequestKind>, age: Duration, errors: u32, jitter: f64) -> Duration {
        let times = self.times();
        let regular = times.wait(kind, age, jitter).unwrap_or_else(|| {
            age.mul_f64(self.schedule.share)
                .clamp(self.schedule.shortest, self.schedule.longest)
                .max(times.sure_wait(age))
                .mul_f64(0.95 + 0.1 * jitter)
        });
        match errors {
            0 => regular,
            1 => regular.min(self.schedule.shortest),
            _ if self.are_failing() => outage_pause(jitter),
            _ => regular.max(backoff(errors - 1).mul_f64(0.95 + 0.1 * jitter)),
        }
    }

    /// Sets whether anything waits for predictions to end.
    pub(super) fn set_haste(&self, haste: Haste) {
        self.times().set_haste(haste);
    }

    /// Records that a prediction was in progress from the age `from` to the age `to`.
    pub(super) fn in_progress(&self, kind: Option<RequestKind>, from: Duration, to: Duration) {
        self.times().in_progress(kind, from, to);
    }

    /// Adds the generation time of a prediction.
    pub(super) fn learn(&self, kind: Option<RequestKind>, seen: Observation) {
        let is_forgotten = self.times().learn(kind, seen);
        if is_forgotten {
            self.forgotten.notify_waiters();
        }
    }

    /// Waits until the learned times prove too long, so that the next poll of any prediction may be due earlier.
    pub(super) async fn times_forgotten(&self) {
        self.forgotten.notified().await;
    }

    /// Returns whether all polls were paused at a time after `since`.
    pub(super) fn were_paused_since(&self, since: Instant) -> bool {
        self.pace.pause_end() > since
    }

    /// Returns what a later run should start with: the limit on polls, if one was found, and the quantiles of
    /// generation times.
    pub(super) fn learned(&self) -> (Option<Rate>, Vec<u64>) {
        (self.limit().learned(), self.times().learned())
    }

    fn followed(&self) -> f64 {
        f64::from(self.followed.load(Ordering::Relaxed).max(1))
    }

    fn limit(&self) -> MutexGuard<'_, PollLimit> {
        locked(&self.limit)
    }

    fn refusals(&self) -> MutexGuard<'_, KeyRefusals> {
        locked(&self.refusals)
    }

    fn times(&self) -> MutexGuard<'_, GenerationTimes> {
        locked(&self.times)
    }
}

/// Returns the pause with its share of chance, so that not all polls are sent together.
fn outage_pause(jitter: f64) -> Duration {
    OUTAGE_PAUSE.mul_f64(0.7 + 0.3 * jitter)
}

/// Counts a prediction as followed until it is dropped.
pub(super) struct Followed(Arc<Polling>);

impl Drop for Followed {
    fn drop(&mut self) {
        self.0.followed.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_poll_is_repeated_soon_and_several_after_longer_and_longer_waits() {
        let learned = LearnedLimits { generation_ms: vec![15_000, 40_000], ..LearnedLimits::default() };
        let polling = Polling::new(&Settings::default(), &learned);
        let waits: Vec<f64> =
            (0..4).map(|errors| polling.wait(None, Duration::from_secs(10), errors, 0.5).as_secs_f64()).collect();
        assert!(waits[0] > 1.0 && waits[1] == 0.25, "{waits:?}");
        assert!(waits[2] >= waits[0] && waits[3] >= 2.0, "{waits:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_polls_of_each_prediction_are_exempt_from_the_rate_but_not_from_pauses() {
        let second = NonZeroU32::MIN;
        let polling = Polling::new(
            &Settings { polls: Rate::per_second(second), free_polls: 2, ..Settings::default() },
            &LearnedLimits::default(),
        );
        let start = Instant::now();
        for prediction_before in [0, 0, 0, 1, 1, 1] {
            polling.turn(prediction_before).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..3 {
            polling.turn(2).await;
        }
        assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
        polling.pause(start + Duration::from_secs(30));
        polling.turn(0).await;
        assert_eq!(start.elapsed(), Duration::from_secs(30));
    }
}
