//! When predictions are asked for: as the run learns how long they take, when an answer is likely.

mod generation_times;
mod key_refusals;
mod poll_plan;

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::api::RateLimits;
use crate::job::Rate;
use crate::journal::LearnedLimits;

use super::Settings;
use super::pacing::{PollLimit, QuotaClaim, RateLimiter};
use super::policy::backoff;

use generation_times::GenerationTimes;
use key_refusals::KeyRefusals;
use poll_plan::PollBudget;

pub(super) use generation_times::{Observation, RequestKind};

/// The share of the polls' rate that is planned with; the rest is for what goes wrong.
const PLANNED_SHARE: f64 = 0.8;

/// The share of what the provider is found to answer that is planned with.
const PLANNED_SHARE_OF_FOUND: f64 = 0.9;

/// How many polls of each prediction a run needs at least, in the mean: with fewer, predictions take twice as long.
const MIN_POLLS: f64 = 0.5;

/// When a prediction is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PollSchedule {
    /// The shortest wait before anything is known of how long predictions take, and the wait after a failed poll.
    pub shortest: Duration,
    /// The longest wait while all is well.
    pub longest: Duration,
    /// The wait as a share of the time that the prediction has taken so far, before anything is known.
    pub share: f64,
    /// How long an answer may lie at the provider in the mean, once the times are known. Asking every second has half
    /// a second.
    pub lag: Duration,
    /// How long a 404 is taken for a prediction that is not visible yet.
    pub not_found_grace: Duration,
    /// How many 404s in a row, after that, mean that it is lost.
    pub not_found_limit: u32,
    /// After how many failed polls in a row a prediction is left to a later run.
    pub error_limit: u32,
}

impl Default for PollSchedule {
    fn default() -> PollSchedule {
        PollSchedule {
            shortest: Duration::from_millis(250),
            longest: Duration::from_secs(2),
            share: 0.5,
            lag: Duration::from_millis(430),
            not_found_grace: Duration::from_secs(60),
            not_found_limit: 3,
            error_limit: 40,
        }
    }
}

/// What the polls of all predictions have in common: their rate, and what was learned of generation times.
#[derive(Debug)]
pub(super) struct Polling {
    pub(super) schedule: PollSchedule,
    pace: RateLimiter,
    free: u32,
    /// What all polls pass beside that, where the provider is found to answer only so many.
    provider_pace: RateLimiter,
    limit: Mutex<PollLimit>,
    /// How many predictions are followed.
    followed: AtomicU32,
    started: Instant,
    refusals: Mutex<KeyRefusals>,
    quota: Mutex<QuotaClaim>,
    times: Mutex<GenerationTimes>,
}

impl Polling {
    /// `learned` is what an earlier run has found.
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
            quota: Mutex::default(),
            times: Mutex::new(GenerationTimes::new(budget, &learned.generation_ms)),
        }
    }

    /// Counts one more prediction as followed, for as long as the answer is there.
    pub(super) fn follow(self: &Arc<Polling>) -> Followed {
        self.followed.fetch_add(1, Ordering::Relaxed);
        Followed(Arc::clone(self))
    }

    /// Waits for a poll's turn among all polls, and says when it came. `before` is how often that prediction was asked for
    /// already.
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

    /// A poll that was sent at `sent` was answered, or it failed for another reason than the key or the rate.
    pub(super) fn poll_answered(&self, sent: Duration) {
        self.refusals().answered();
        lock(&self.quota).went_through(sent);
        self.update_limit(|limit, now, min_rate| limit.answered(sent, now, min_rate));
    }

    /// A poll that was sent at `sent` was too much, as far as the provider says.
    pub(super) fn refused(&self, sent: Duration) {
        self.refusals().answered();
        self.update_limit(|limit, now, min_rate| limit.refused(sent, now, min_rate));
    }

    /// The headers of an answer say what the provider allows.
    pub(super) fn on_rate_limit_headers(&self, limits: RateLimits) {
        let wait = lock(&self.quota).wait(limits, self.started.elapsed());
        if let Some(wait) = wait {
            self.pause(Instant::now() + wait);
        }
    }

    /// Whether all polls are slowed down because some were too much, so that none need wait longer than for its turn.
    pub(super) fn are_limited(&self) -> bool {
        self.limit().per_second().is_some()
    }

    /// Tells the limit of a poll, and goes by what it makes of it.
    fn update_limit(&self, update: impl FnOnce(&mut PollLimit, Duration, Option<f64>)) {
        let min_rate = self.times().mean().map(|mean| MIN_POLLS * self.followed() / mean);
        let mut limit = self.limit();
        let rate = limit.per_second();
        update(&mut limit, self.started.elapsed(), min_rate);
        if limit.per_second() != rate {
            // Whoever still waits for a turn goes at once when there is no limit any more.
            let interval = limit.per_second().map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate));
            self.provider_pace.set_interval(interval);
        }
        self.times().plan_for(limit.found().map(|rate| rate * PLANNED_SHARE_OF_FOUND / self.followed()));
    }

    /// The key of a poll was refused. Whether it is no good, for nothing else is heard any more.
    pub(super) fn key_refused(&self) -> bool {
        self.refusals().refused(self.started.elapsed())
    }

    /// Lets no poll pass before `until`.
    pub(super) fn pause(&self, until: Instant) {
        self.pace.pause(until);
        self.provider_pace.pause(until);
    }

    /// How long to wait before the next poll of a prediction of this `age`, after `errors` failed polls in a row.
    /// `jitter` in 0..1 is its own, so that predictions that began together are not asked for together.
    ///
    /// A single failed poll is asked again soon, for an answer that lies there keeps a slot; several are a provider that
    /// needs time.
    pub(super) fn wait(&self, kind: Option<RequestKind>, age: Duration, errors: u32, jitter: f64) -> Duration {
        let regular = self.times().wait(kind, age, jitter).unwrap_or_else(|| {
            age.mul_f64(self.schedule.share)
                .clamp(self.schedule.shortest, self.schedule.longest)
                .mul_f64(0.95 + 0.1 * jitter)
        });
        match errors {
            0 => regular,
            1 => regular.min(self.schedule.shortest),
            _ => regular.max(backoff(errors - 1).mul_f64(0.95 + 0.1 * jitter)),
        }
    }

    /// Takes in how long a prediction took.
    pub(super) fn learn(&self, kind: Option<RequestKind>, seen: Observation) {
        self.times().learn(kind, seen);
    }

    /// What a later run should begin with: how many polls are answered, where that was met, and how long edits take.
    pub(super) fn learned(&self) -> (Option<Rate>, Vec<u64>) {
        (self.limit().learned(), self.times().learned())
    }

    fn followed(&self) -> f64 {
        f64::from(self.followed.load(Ordering::Relaxed).max(1))
    }

    fn limit(&self) -> MutexGuard<'_, PollLimit> {
        lock(&self.limit)
    }

    fn refusals(&self) -> MutexGuard<'_, KeyRefusals> {
        lock(&self.refusals)
    }

    fn times(&self) -> MutexGuard<'_, GenerationTimes> {
        lock(&self.times)
    }
}

/// A prediction that is followed.
pub(super) struct Followed(Arc<Polling>);

impl Drop for Followed {
    fn drop(&mut self) {
        self.0.followed.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a panic elsewhere has left is as good as before: each change is made in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_poll_is_asked_again_soon_and_several_ever_later() {
        let learned = LearnedLimits { generation_ms: vec![15_000, 40_000], ..LearnedLimits::default() };
        let polling = Polling::new(&Settings::default(), &learned);
        let waits: Vec<f64> =
            (0..4).map(|errors| polling.wait(None, Duration::from_secs(10), errors, 0.5).as_secs_f64()).collect();
        assert!(waits[0] > 1.0 && waits[1] == 0.25, "{waits:?}");
        assert!(waits[2] >= waits[0] && waits[3] >= 2.0, "{waits:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_polls_of_each_prediction_are_beside_the_rate_and_sit_a_pause_out_as_all_do() {
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
