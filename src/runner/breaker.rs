//! Detects that the provider fails for all jobs, so that an outage does not make every job uncertain. Pure: callers
//! pass the time since the run started.

use std::time::Duration;

use crate::api::outcome::{Obstacle, Suspect};

use super::backoff::backoff;

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

/// The number of consecutive accepted submits without an id from which none more is sent: each is paid for and lost.
const MAX_WITHOUT_ID: u32 = 2;

/// The number of consecutive doubtful refusals from which their suspect is considered wrong for all requests.
const MAX_DOUBTFUL: u32 = 3;

/// How long the run continues while every submit is answered with 429.
const RATE_LIMIT_TIMEOUT: Duration = Duration::from_secs(3600);

/// Counts consecutive failures, and decides when to pause and when to give up.
#[derive(Debug)]
pub(super) struct CircuitBreaker {
    give_up_after: Duration,
    failed_submits: u32,
    without_id: u32,
    doubtful: u32,
    /// Whether a submit was accepted, or rejected for itself, which shows that the key and the endpoint are right.
    is_proven: bool,
    unconnected: u32,
    failed_polls: u32,
    submits_fail_since: Option<Duration>,
    refused_since: Option<Duration>,
    unconnected_since: Option<Duration>,
    polls_fail_since: Option<Duration>,
    pauses: u32,
    paused_until: Duration,
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
        CircuitBreaker {
            give_up_after,
            failed_submits: 0,
            without_id: 0,
            doubtful: 0,
            is_proven: false,
            unconnected: 0,
            failed_polls: 0,
            submits_fail_since: None,
            refused_since: None,
            unconnected_since: None,
            polls_fail_since: None,
            pauses: 0,
            paused_until: Duration::ZERO,
            is_unreachable: false,
        }
    }

    /// Returns whether submits go out one at a time as probes, each waiting for the answer to the previous one.
    pub(super) fn is_half_open(&self) -> bool {
        self.is_unreachable || self.failed_submits >= MAX_FAILED_SUBMITS || self.polls_are_failing()
    }

    /// Records that the provider accepted or rejected a submit, which shows that it works.
    pub(super) fn submit_answered(&mut self) {
        self.failed_submits = 0;
        self.without_id = 0;
        self.doubtful = 0;
        self.is_proven = true;
        self.submits_fail_since = None;
        self.refused_since = None;
        self.unconnected_since = None;
        self.is_unreachable = false;
        self.unconnected = 0;
        self.pauses = 0;
    }

    /// Records that a submit was not accepted and may be sent again.
    pub(super) fn submit_refused(&mut self, now: Duration, reason: Obstacle) -> BreakerAction {
        let since = match reason {
            Obstacle::RateLimited(_) => *self.refused_since.get_or_insert(now),
            Obstacle::Unreachable => *self.unconnected_since.get_or_insert(now),
        };
        if reason == Obstacle::Unreachable {
            self.unconnected += 1;
            // At a low rate, so many submits take longer than the run may wait.
            if self.unconnected < MAX_UNCONNECTED && now - since < self.give_up_after {
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
                let left = self.give_up_after.saturating_sub(now - since);
                (backoff(self.pauses).min(left), self.give_up_after)
            }
        };
        if now - since + wait > time_limit || now - since >= time_limit {
            return BreakerAction::GiveUp;
        }
        self.pause(now, wait)
    }

    /// Records that a submit was refused for a reason that may concern all. Returns what is wrong.
    ///
    /// A key may become invalid during a run. An endpoint that has answered remains one, and several prompts in a row may
    /// be moderated.
    pub(super) fn submit_doubtful(&mut self, suspect: Suspect) -> Blame {
        self.doubtful += 1;
        match (suspect, self.is_proven) {
            (Suspect::Endpoint | Suspect::Account, true) => Blame::Request,
            _ if self.doubtful >= MAX_DOUBTFUL => Blame::Suspect,
            (Suspect::Key, true) => Blame::Request,
            (_, false) => Blame::Unknown,
        }
    }

    /// Records that a submit was accepted without an id. Returns whether no more should be sent.
    pub(super) fn submit_without_id(&mut self) -> bool {
        self.without_id += 1;
        self.without_id >= MAX_WITHOUT_ID
    }

    /// Records that a submit ended uncertain: no answer, a 5xx, or one that names no prediction.
    pub(super) fn submit_failed(&mut self, now: Duration) -> BreakerAction {
        let since = *self.submits_fail_since.get_or_insert(now);
        self.failed_submits += 1;
        if self.failed_submits < MAX_FAILED_SUBMITS {
            return BreakerAction::Continue;
        }
        self.probe_later(now, since)
    }

    /// Records that a poll was answered.
    pub(super) fn poll_answered(&mut self) {
        if self.polls_are_failing() && self.failed_submits < MAX_FAILED_SUBMITS {
            self.pauses = 0;
        }
        self.failed_polls = 0;
        self.polls_fail_since = None;
    }

    /// Records that a poll failed.
    pub(super) fn poll_failed(&mut self, now: Duration) -> BreakerAction {
        let since = *self.polls_fail_since.get_or_insert(now);
        self.failed_polls += 1;
        if now - since < POLL_FAILURE_WINDOW {
            return BreakerAction::Continue;
        }
        if self.polls_are_failing() { self.probe_later(now, since) } else { BreakerAction::Continue }
    }

    fn polls_are_failing(&self) -> bool {
        self.failed_polls >= MAX_FAILED_POLLS
    }

    fn probe_later(&mut self, now: Duration, since: Duration) -> BreakerAction {
        if now < self.paused_until {
            return BreakerAction::Continue;
        }
        let Some(time_left) = self.give_up_after.checked_sub(now - since).filter(|left| !left.is_zero()) else {
            return BreakerAction::GiveUp;
        };
        let wait = MIN_PROBE_DELAY.saturating_mul(1 << self.pauses.min(10)).min(MAX_PROBE_DELAY).min(time_left);
        self.pauses += 1;
        self.pause(now, wait)
    }

    fn pause(&mut self, now: Duration, wait: Duration) -> BreakerAction {
        self.paused_until = self.paused_until.max(now + wait);
        BreakerAction::Pause(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVE_UP_AFTER: Duration = Duration::from_secs(900);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn broken_at(seconds: u64) -> CircuitBreaker {
        let mut breaker = CircuitBreaker::new(GIVE_UP_AFTER);
        for _ in 1..MAX_FAILED_SUBMITS {
            assert_eq!(breaker.submit_failed(at(seconds)), BreakerAction::Continue);
        }
        breaker
    }

    #[test]
    fn the_tenth_submit_in_a_row_that_fails_pauses_all_and_makes_the_next_one_a_probe() {
        let mut breaker = broken_at(0);
        assert!(!breaker.is_half_open());
        assert_eq!(breaker.submit_failed(at(1)), BreakerAction::Pause(MIN_PROBE_DELAY));
        assert!(breaker.is_half_open());
    }

    #[test]
    fn an_answered_submit_ends_a_row_of_failures() {
        let mut breaker = broken_at(0);
        breaker.submit_answered();
        assert_eq!(breaker.submit_failed(at(1)), BreakerAction::Continue);
        assert!(!breaker.is_half_open());
    }

    #[test]
    fn submits_that_were_on_their_way_do_not_lengthen_the_pause() {
        let mut breaker = broken_at(0);
        assert_eq!(breaker.submit_failed(at(1)), BreakerAction::Pause(MIN_PROBE_DELAY));
        assert_eq!(breaker.submit_failed(at(2)), BreakerAction::Continue);
    }

    #[test]
    fn probes_grow_rare_and_end_when_patience_does() {
        let mut breaker = broken_at(0);
        let (mut now, mut waits) = (Duration::ZERO, Vec::new());
        while let BreakerAction::Pause(wait) = breaker.submit_failed(now) {
            waits.push(wait.as_secs());
            now += wait;
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 285], "together the patience of 900 s");
    }

    #[test]
    fn polls_must_fail_for_some_time_before_the_run_stops() {
        let mut breaker = CircuitBreaker::new(GIVE_UP_AFTER);
        for _ in 0..100 {
            assert_eq!(breaker.poll_failed(at(10)), BreakerAction::Continue);
        }
        assert_eq!(breaker.poll_failed(at(40)), BreakerAction::Pause(MIN_PROBE_DELAY));
        breaker.poll_answered();
        assert_eq!(breaker.poll_failed(at(41)), BreakerAction::Continue);
    }

    #[test]
    fn an_answered_poll_does_not_end_a_row_of_failed_submits() {
        let mut breaker = broken_at(0);
        breaker.poll_answered();
        assert_eq!(breaker.submit_failed(at(1)), BreakerAction::Pause(MIN_PROBE_DELAY));
    }

    #[test]
    fn many_refusals_of_one_moment_are_one_reason_to_wait() {
        let mut breaker = CircuitBreaker::new(GIVE_UP_AFTER);
        let refusals: Vec<_> = (0..5).map(|_| breaker.submit_refused(at(0), Obstacle::RateLimited(None))).collect();
        assert_eq!(refusals, vec![BreakerAction::Pause(at(1)); 5]);
        assert_eq!(breaker.submit_refused(at(1), Obstacle::RateLimited(None)), BreakerAction::Pause(at(2)));
    }

    #[test]
    fn a_hint_that_proves_too_short_makes_no_tight_loop() {
        let mut breaker = CircuitBreaker::new(GIVE_UP_AFTER);
        let hinted = Obstacle::RateLimited(Some(Duration::ZERO));
        let (mut now, mut waits) = (Duration::ZERO, Vec::new());
        while waits.len() < 6 {
            let BreakerAction::Pause(wait) = breaker.submit_refused(now, hinted) else { panic!() };
            waits.push(wait.as_secs());
            now += wait;
        }
        assert_eq!(waits, [0, 1, 2, 4, 8, 16]);
        breaker.submit_answered();
        assert_eq!(breaker.submit_refused(now, hinted), BreakerAction::Pause(Duration::ZERO), "it is good again");
    }

    #[test]
    fn a_provider_out_of_reach_is_asked_once_more_at_the_end_of_the_set_time_and_never_later() {
        let mut breaker = CircuitBreaker::new(at(4));
        for _ in 0..2 {
            breaker.submit_refused(at(0), Obstacle::Unreachable);
        }
        let asked = [0, 1, 3, 4].map(|second| breaker.submit_refused(at(second), Obstacle::Unreachable));
        let pause = |seconds| BreakerAction::Pause(at(seconds));
        assert_eq!(asked, [pause(1), pause(2), pause(1), BreakerAction::GiveUp]);

        let mut breaker = CircuitBreaker::new(at(4));
        assert_eq!(breaker.submit_refused(at(0), Obstacle::Unreachable), BreakerAction::Continue);
        assert_eq!(breaker.submit_refused(at(6), Obstacle::Unreachable), BreakerAction::GiveUp, "at 10/min");
    }

    #[test]
    fn a_provider_out_of_reach_is_given_up_after_the_set_time() {
        let mut breaker = CircuitBreaker::new(at(10));
        let refusals: Vec<_> = (0..3).map(|_| breaker.submit_refused(at(0), Obstacle::Unreachable)).collect();
        assert_eq!(
            refusals,
            [BreakerAction::Continue, BreakerAction::Continue, BreakerAction::Pause(at(1))],
            "one refused connection is no outage"
        );
        assert!(breaker.is_half_open());
        assert_eq!(breaker.submit_refused(at(10), Obstacle::Unreachable), BreakerAction::GiveUp);
    }

    #[test]
    fn a_403_is_about_the_request_only_if_the_key_was_accepted_before() {
        let mut breaker = CircuitBreaker::new(GIVE_UP_AFTER);
        assert_eq!(breaker.submit_doubtful(Suspect::Key), Blame::Unknown);
        breaker.submit_answered();
        assert_eq!(breaker.submit_doubtful(Suspect::Key), Blame::Request);
        assert_eq!(breaker.submit_doubtful(Suspect::Key), Blame::Request);
        assert_eq!(breaker.submit_doubtful(Suspect::Key), Blame::Suspect, "three in a row");
    }

    #[test]
    fn an_endpoint_or_account_is_wrong_if_all_submits_were_refused() {
        for suspect in [Suspect::Endpoint, Suspect::Account] {
            let mut breaker = CircuitBreaker::new(GIVE_UP_AFTER);
            let blames: Vec<Blame> = (0..3).map(|_| breaker.submit_doubtful(suspect)).collect();
            assert_eq!(blames, [Blame::Unknown, Blame::Unknown, Blame::Suspect]);
            breaker.submit_answered();
            for _ in 0..5 {
                assert_eq!(breaker.submit_doubtful(suspect), Blame::Request, "it has answered");
            }
        }
    }

    #[test]
    fn a_long_wait_for_another_reason_does_not_shorten_the_patience_with_refused_connections() {
        let mut breaker = CircuitBreaker::new(at(10));
        assert_eq!(breaker.submit_failed(at(0)), BreakerAction::Continue);
        let refusals: Vec<_> = (0..3).map(|_| breaker.submit_refused(at(100), Obstacle::Unreachable)).collect();
        assert_eq!(refusals[2], BreakerAction::Pause(at(1)));
    }

    #[test]
    fn two_accepted_submits_in_a_row_without_an_id_are_enough() {
        let mut breaker = CircuitBreaker::new(GIVE_UP_AFTER);
        assert!(!breaker.submit_without_id());
        breaker.submit_answered();
        assert!(!breaker.submit_without_id());
        assert!(breaker.submit_without_id());
    }
}
