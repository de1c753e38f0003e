//! Detects that the provider fails for all jobs, so that an outage does not make every job uncertain, or buy pictures
//! that never come. Pure: callers pass the time since the run started.

mod lone_refusals;
mod missing_pictures;

use std::time::Duration;

use crate::api::outcome::{Obstacle, Suspect};

use super::backoff::backoff;
use super::streak::Streak;

use lone_refusals::LoneRefusals;
use missing_pictures::MissingPictures;

/// The number of consecutive uncertain submits from which the provider is considered down. It is low because the user
/// must look into each of them.
const MAX_FAILED_SUBMITS: u32 = 10;

/// The number of consecutive failed connections from which all submits wait: a single one may have used a connection
/// that was being closed.
const MAX_UNCONNECTED: u32 = 3;

/// How many consecutive polls must fail, and for how long, before the provider is considered down. Polls are free and
/// frequent, so a count alone is not enough.
const MAX_FAILED_POLLS: u32 = 20;
const POLL_FAILURE_WINDOW: Duration = Duration::from_secs(30);

/// The wait before a probe that may itself end uncertain: it starts at the minimum and doubles up to the maximum.
const MIN_PROBE_DELAY: Duration = Duration::from_secs(5);
const MAX_PROBE_DELAY: Duration = Duration::from_secs(300);

/// The number of consecutive answers without an id from which no submit is sent, if none had one: each may be paid for
/// and lost.
const MAX_WITHOUT_ID: u32 = 2;

/// The number of consecutive doubtful refusals from which their suspect is considered wrong for all requests.
const MAX_DOUBTFUL: u32 = 3;

/// How long the run continues while every submit is answered with 429.
const RATE_LIMIT_TIMEOUT: Duration = Duration::from_secs(3600);

/// Counts consecutive failures, and decides when to pause and when to give up.
#[derive(Debug, Default)]
pub(super) struct CircuitBreaker {
    give_up_after: Duration,
    failed_submits: Streak,
    refused: Streak,
    unconnected: Streak,
    failed_polls: Streak,
    missing_pictures: MissingPictures,
    without_id: u32,
    doubtful: u32,
    /// Whether a submit was accepted, or rejected for itself, which shows that the key and the endpoint are right.
    is_proven: bool,
    /// Whether an answer has named a prediction.
    has_named_ids: bool,
    lone_refusals: LoneRefusals,
    pauses: u32,
    paused_until: Duration,
    /// When the next submit may probe a provider that fails.
    probe_at: Duration,
    is_unreachable: bool,
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BreakerAction {
    /// Continue: only that request failed.
    Continue,
    /// Send nothing for this long.
    Pause(Duration),
    /// Give up: the failures have lasted for too long.
    GiveUp,
}

/// What is wrong if a submit was refused for a reason that may concern all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// The request.
    Request,
    /// The request or the suspect.
    Unknown,
    /// The suspect.
    Suspect,
}

impl CircuitBreaker {
    /// Creates a breaker that gives up once the provider has failed or been unreachable for `give_up_after`.
    pub(super) fn new(give_up_after: Duration) -> CircuitBreaker {
        CircuitBreaker { give_up_after, ..CircuitBreaker::default() }
    }

    /// Returns whether submits go out one at a time as probes, each waiting for the answer to the previous one.
    pub(super) fn is_half_open(&self) -> bool {
        self.is_unreachable || self.submits_are_failing() || self.polls_are_failing()
    }

    /// Records that the provider accepted a submit and named its prediction.
    pub(super) fn submit_accepted(&mut self) {
        self.submit_answered();
        self.has_named_ids = true;
    }

    /// Records that the provider accepted or rejected a submit, which shows that it works.
    pub(super) fn submit_answered(&mut self) {
        self.failed_submits.end();
        self.refused.end();
        self.unconnected.end();
        self.without_id = 0;
        self.doubtful = 0;
        self.is_proven = true;
        self.is_unreachable = false;
        self.lone_refusals.answered();
        self.pauses = 0;
    }

    /// Records that a submit sent at `sent` was not accepted and may be sent again.
    pub(super) fn submit_refused(&mut self, sent: Duration, now: Duration, reason: Obstacle) -> BreakerAction {
        let (count, lasted) = match reason {
            Obstacle::RateLimited(_) => self.refused.fail(now),
            Obstacle::Unreachable => self.unconnected.fail(now),
        };
        // At a low rate, so many submits take longer than the run may wait.
        if reason == Obstacle::Unreachable && count < MAX_UNCONNECTED && lasted < self.give_up_after {
            return BreakerAction::Continue;
        }
        if matches!(reason, Obstacle::RateLimited(_)) {
            let is_lone = self.lone_refusals.refused(sent, now);
            if is_lone && reason == Obstacle::RateLimited(None) {
                // If the next one is refused too, it is the second in a row.
                self.pauses = self.pauses.max(1);
                return BreakerAction::Continue;
            }
        }
        // Answers to submits sent before the pause add nothing, unless they ask for a longer one.
        if now >= self.paused_until {
            self.pauses += 1;
        }
        let (wait, time_limit) = match reason {
            Obstacle::RateLimited(None) => (backoff(self.pauses), RATE_LIMIT_TIMEOUT),
            // A hint that has proved too short, such as `Retry-After: 0` in every answer, is extended by the backoff.
            Obstacle::RateLimited(Some(hint)) => (hint.max(backoff(self.pauses.saturating_sub(1))), RATE_LIMIT_TIMEOUT),
            Obstacle::Unreachable => {
                self.is_unreachable = true;
                let left = self.give_up_after.saturating_sub(lasted);
                (backoff(self.pauses).min(left), self.give_up_after)
            }
        };
        if lasted + wait > time_limit || lasted >= time_limit {
            return BreakerAction::GiveUp;
        }
        self.pause(now, wait)
    }

    /// Records that a submit was refused for a reason that may concern all. Returns what is wrong.
    ///
    /// A key may become invalid during a run, and a gateway may refuse it once in a while. An endpoint that has answered
    /// remains one, and several prompts in a row may be moderated.
    pub(super) fn submit_doubtful(&mut self, suspect: Suspect) -> Blame {
        self.doubtful += 1;
        match (suspect, self.is_proven) {
            (Suspect::Endpoint | Suspect::Account, true) => Blame::Request,
            _ if self.doubtful >= MAX_DOUBTFUL => Blame::Suspect,
            (Suspect::Permission, true) => Blame::Request,
            (Suspect::Key, true) | (_, false) => Blame::Unknown,
        }
    }

    /// Records that the answer to a submit has no id. Returns whether no more should be sent: an API that has named ids
    /// will do so again after a fault, and any other one is not understood by this program.
    pub(super) fn submit_without_id(&mut self) -> bool {
        self.without_id += 1;
        self.without_id >= MAX_WITHOUT_ID && !self.has_named_ids
    }

    /// Records that a submit ended uncertain: no answer, a 5xx, or one that names no prediction.
    pub(super) fn submit_failed(&mut self, now: Duration) -> BreakerAction {
        let (_, lasted) = self.failed_submits.fail(now);
        if self.submits_are_failing() { self.probe_later(now, lasted) } else { BreakerAction::Continue }
    }

    /// Returns when the next submit may go out if the provider fails, with so many open predictions. As long as polls,
    /// which are free, find it still failing, no submit does; but not for too long, because polls may fail for a
    /// reason of their own.
    pub(super) fn next_probe(&self, now: Duration, open_predictions: usize) -> Duration {
        let lasted = self.failed_polls.lasted(now);
        let is_paused = self.submits_are_failing() || self.have_polls_failed_for_long(now);
        if is_paused && self.failed_polls.count() > 0 && open_predictions > 0 && lasted < MAX_PROBE_DELAY {
            return self.probe_at.max(now + (MAX_PROBE_DELAY - lasted));
        }
        self.probe_at
    }

    /// Records that a poll was answered. If none was for a while, the next submit need not wait for the end of the
    /// pause. Polls that only fail now and then must not make probes more frequent.
    pub(super) fn poll_answered(&mut self, now: Duration) {
        if self.polls_are_failing() && !self.submits_are_failing() {
            self.pauses = 0;
        }
        if self.failed_polls.lasted(now) >= MIN_PROBE_DELAY && now < self.probe_at {
            if self.paused_until == self.probe_at {
                self.paused_until = now;
            }
            self.probe_at = now;
        }
        self.failed_polls.end();
    }

    /// Records that a poll failed.
    pub(super) fn poll_failed(&mut self, now: Duration) -> BreakerAction {
        let (_, lasted) = self.failed_polls.fail(now);
        if self.have_polls_failed_for_long(now) {
            return self.probe_later(now, lasted);
        }
        BreakerAction::Continue
    }

    /// Records that a paid job ended without a picture, or cannot download it for now.
    pub(super) fn picture_missing(&mut self, now: Duration) -> BreakerAction {
        self.missing_pictures.add(now, self.give_up_after)
    }

    /// Records that a job whose picture is missing has failed to download it again.
    pub(super) fn picture_still_missing(&mut self, now: Duration) -> BreakerAction {
        self.missing_pictures.decide(now, self.give_up_after)
    }

    /// Records that the pictures of a job were saved.
    pub(super) fn picture_saved(&mut self) {
        self.missing_pictures.end();
    }

    /// Returns when the next submit may go out, once no other job is open, if the last jobs left no pictures.
    pub(super) fn next_picture_probe(&self) -> Option<Duration> {
        self.missing_pictures.next_probe()
    }

    fn submits_are_failing(&self) -> bool {
        self.failed_submits.count() >= MAX_FAILED_SUBMITS
    }

    fn polls_are_failing(&self) -> bool {
        self.failed_polls.count() >= MAX_FAILED_POLLS
    }

    fn have_polls_failed_for_long(&self, now: Duration) -> bool {
        self.polls_are_failing() && self.failed_polls.lasted(now) >= POLL_FAILURE_WINDOW
    }

    /// Decides when to probe a provider whose failures have `lasted` so long.
    fn probe_later(&mut self, now: Duration, lasted: Duration) -> BreakerAction {
        if now < self.paused_until {
            return BreakerAction::Continue;
        }
        let Some(wait) = probe_delay(self.pauses, lasted, self.give_up_after) else { return BreakerAction::GiveUp };
        self.pauses += 1;
        self.probe_at = now + wait;
        self.pause(now, wait)
    }

    fn pause(&mut self, now: Duration, wait: Duration) -> BreakerAction {
        self.paused_until = self.paused_until.max(now + wait);
        BreakerAction::Pause(wait)
    }
}

/// Returns the wait before the next probe, after so many of them, of a provider whose failures have `lasted` so long.
/// `None` if it is time to give up.
fn probe_delay(probes: u32, lasted: Duration, give_up_after: Duration) -> Option<Duration> {
    let left = give_up_after.checked_sub(lasted).filter(|left| !left.is_zero())?;
    Some(MIN_PROBE_DELAY.saturating_mul(1 << probes.min(10)).min(MAX_PROBE_DELAY).min(left))
}

#[cfg(test)]
mod tests;
