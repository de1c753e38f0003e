use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::job::Rate;

use super::Pace;
use super::poll_limit::PollLimit;

/// The pace of polls: as it is set, and once the provider has refused one, no faster than it answers them.
#[derive(Debug)]
pub(in crate::runner) struct Polls {
    begun: Instant,
    set: Pace,
    /// How many polls of each prediction go out beside the rate that is set.
    beside: u32,
    /// What all polls pass, once the limit was met.
    found: Pace,
    limit: Mutex<PollLimit>,
}

impl Polls {
    pub(in crate::runner) fn new(rate: Rate, beside: u32) -> Polls {
        Polls {
            begun: Instant::now(),
            set: Pace::new(rate, NonZeroU32::MIN),
            beside,
            found: Pace::varying(rate, NonZeroU32::MIN),
            limit: Mutex::default(),
        }
    }

    /// Waits for a poll's turn among all polls, and says when it came. `before` is how often that prediction was asked for
    /// already.
    pub(in crate::runner) async fn turn(&self, before: u32) -> Duration {
        if before < self.beside {
            self.set.sit_out().await;
        } else {
            self.set.take().await;
        }
        let is_limited = self.limit().interval().is_some();
        let was_held_back = is_limited && self.found.take().await;
        let now = self.begun.elapsed();
        self.limit().sent(now, was_held_back);
        now
    }

    /// Lets no poll pass before `until`.
    pub(in crate::runner) fn pause(&self, until: Instant) {
        self.set.pause(until);
        self.found.pause(until);
    }

    /// A poll that was sent at `sent` was answered.
    pub(in crate::runner) fn answered(&self, sent: Duration) {
        self.limit().answered(sent);
        self.adjust();
    }

    /// A poll that was sent at `sent` was too much; `hint` is how long the provider asks to wait. Whether that is news.
    pub(in crate::runner) fn refused(&self, sent: Duration, hint: Option<Duration>) -> bool {
        let wait = self.limit().refused(sent, self.begun.elapsed(), hint);
        if let Some(wait) = wait.max(hint) {
            self.pause(Instant::now() + wait);
        }
        self.adjust();
        wait.is_some()
    }

    /// How many polls a second the provider answers, as far as that was found out.
    pub(in crate::runner) fn per_second(&self) -> Option<f64> {
        self.limit().interval().map(|interval| 1.0 / interval.as_secs_f64())
    }

    fn adjust(&self) {
        if let Some(interval) = self.limit().interval() {
            self.found.set_interval(interval);
        }
    }

    fn limit(&self) -> MutexGuard<'_, PollLimit> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
