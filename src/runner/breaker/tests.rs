//! When the breaker pauses submits, and when it gives up.

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
fn a_lone_refusal_pauses_nothing_unless_the_provider_asks_for_it() {
    let mut breaker = CircuitBreaker::new(GIVE_UP_AFTER);
    let refusal = |breaker: &mut CircuitBreaker, hint| {
        (0..10).for_each(|_| breaker.submit_answered());
        breaker.submit_refused(at(0), at(1), Obstacle::RateLimited(hint))
    };
    assert_eq!(refusal(&mut breaker, None), BreakerAction::Continue);
    let second = breaker.submit_refused(at(2), at(3), Obstacle::RateLimited(None));
    assert_eq!(second, BreakerAction::Pause(at(2)), "it is the second in a row");
    assert_eq!(refusal(&mut breaker, Some(at(9))), BreakerAction::Pause(at(9)));
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
    breaker.poll_answered(at(41));
    assert_eq!(breaker.poll_failed(at(41)), BreakerAction::Continue);
}

#[test]
fn while_polls_fail_no_submit_is_a_probe_for_five_minutes_at_most() {
    let mut breaker = broken_at(0);
    breaker.submit_failed(at(1));
    assert_eq!(breaker.next_probe(at(2), 3), at(6));
    breaker.poll_failed(at(3));
    assert_eq!(breaker.next_probe(at(20), 3), at(303));
    assert_eq!(breaker.next_probe(at(20), 0), at(6), "nothing is polled");
    assert_eq!(breaker.next_probe(at(303), 3), at(6));
}

#[test]
fn an_answered_poll_after_others_failed_lets_one_submit_go_at_once() {
    let mut breaker = broken_at(0);
    breaker.submit_failed(at(1));
    assert_eq!(breaker.submit_failed(at(6)), BreakerAction::Pause(2 * MIN_PROBE_DELAY));
    breaker.poll_failed(at(7));
    breaker.poll_answered(at(12));
    assert_eq!(breaker.next_probe(at(12), 3), at(12));
    assert_eq!(breaker.submit_failed(at(13)), BreakerAction::Pause(4 * MIN_PROBE_DELAY), "it has failed again");
    for second in 14..30 {
        breaker.poll_failed(at(second));
        breaker.poll_answered(at(second));
    }
    assert_eq!(breaker.next_probe(at(30), 3), at(33), "polls fail now and then");
}

#[test]
fn an_answered_poll_does_not_end_a_row_of_failed_submits() {
    let mut breaker = broken_at(0);
    breaker.poll_answered(at(1));
    assert_eq!(breaker.submit_failed(at(1)), BreakerAction::Pause(MIN_PROBE_DELAY));
}

#[test]
fn many_refusals_of_one_moment_are_one_reason_to_wait() {
    let mut breaker = CircuitBreaker::new(GIVE_UP_AFTER);
    let refusals: Vec<_> = (0..5).map(|_| breaker.submit_refused(at(0), at(0), Obstacle::RateLimited(None))).collect();
    assert_eq!(refusals, vec![BreakerAction::Pause(at(1)); 5]);
    assert_eq!(breaker.submit_refused(at(1), at(1), Obstacle::RateLimited(None)), BreakerAction::Pause(at(2)));
}

#[test]
fn a_hint_that_proves_too_short_makes_no_tight_loop() {
    let mut breaker = CircuitBreaker::new(GIVE_UP_AFTER);
    let hinted = Obstacle::RateLimited(Some(Duration::ZERO));
    let (mut now, mut waits) = (Duration::ZERO, Vec::new());
    while waits.len() < 6 {
        let BreakerAction::Pause(wait) = breaker.submit_refused(now, now, hinted) else { panic!() };
        waits.push(wait.as_secs());
        now += wait;
    }
    assert_eq!(waits, [0, 1, 2, 4, 8, 16]);
    breaker.submit_answered();
    assert_eq!(breaker.submit_refused(now, now, hinted), BreakerAction::Pause(Duration::ZERO), "it is good again");
}

#[test]
fn a_provider_out_of_reach_is_asked_once_more_at_the_end_of_the_set_time_and_never_later() {
    let mut breaker = CircuitBreaker::new(at(4));
    for _ in 0..2 {
        breaker.submit_refused(at(0), at(0), Obstacle::Unreachable);
    }
    let asked = [0, 1, 3, 4].map(|second| breaker.submit_refused(at(second), at(second), Obstacle::Unreachable));
    let pause = |seconds| BreakerAction::Pause(at(seconds));
    assert_eq!(asked, [pause(1), pause(2), pause(1), BreakerAction::GiveUp]);

    let mut breaker = CircuitBreaker::new(at(4));
    assert_eq!(breaker.submit_refused(at(0), at(0), Obstacle::Unreachable), BreakerAction::Continue);
    assert_eq!(breaker.submit_refused(at(6), at(6), Obstacle::Unreachable), BreakerAction::GiveUp, "at 10/min");
}

#[test]
fn a_provider_out_of_reach_is_given_up_after_the_set_time() {
    let mut breaker = CircuitBreaker::new(at(10));
    let refusals: Vec<_> = (0..3).map(|_| breaker.submit_refused(at(0), at(0), Obstacle::Unreachable)).collect();
    assert_eq!(
        refusals,
        [BreakerAction::Continue, BreakerAction::Continue, BreakerAction::Pause(at(1))],
        "one refused connection is no outage"
    );
    assert!(breaker.is_half_open());
    assert_eq!(breaker.submit_refused(at(10), at(10), Obstacle::Unreachable), BreakerAction::GiveUp);
}

#[test]
fn a_403_is_about_the_request_only_if_the_key_was_accepted_before() {
    let mut breaker = CircuitBreaker::new(GIVE_UP_AFTER);
    assert_eq!(breaker.submit_doubtful(Suspect::Permission), Blame::Unknown);
    breaker.submit_answered();
    assert_eq!(breaker.submit_doubtful(Suspect::Permission), Blame::Request);
    assert_eq!(breaker.submit_doubtful(Suspect::Permission), Blame::Request);
    assert_eq!(breaker.submit_doubtful(Suspect::Permission), Blame::Suspect, "three in a row");
}

#[test]
fn a_401_is_never_about_the_request_and_three_in_a_row_are_about_the_key() {
    let mut breaker = CircuitBreaker::new(GIVE_UP_AFTER);
    for _ in 0..5 {
        assert_eq!(breaker.submit_doubtful(Suspect::Key), Blame::Unknown);
        assert_eq!(breaker.submit_doubtful(Suspect::Key), Blame::Unknown);
        breaker.submit_answered();
    }
    let blames: Vec<Blame> = (0..3).map(|_| breaker.submit_doubtful(Suspect::Key)).collect();
    assert_eq!(blames, [Blame::Unknown, Blame::Unknown, Blame::Suspect]);
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
    let refusals: Vec<_> = (0..3).map(|_| breaker.submit_refused(at(100), at(100), Obstacle::Unreachable)).collect();
    assert_eq!(refusals[2], BreakerAction::Pause(at(1)));
}

#[test]
fn two_answers_in_a_row_without_an_id_are_enough_if_none_had_one() {
    let mut breaker = CircuitBreaker::new(GIVE_UP_AFTER);
    assert!(!breaker.submit_without_id());
    breaker.submit_answered();
    assert!(!breaker.submit_without_id());
    assert!(breaker.submit_without_id());
    breaker.submit_accepted();
    assert!((0..9).all(|_| !breaker.submit_without_id()), "it names ids");
}
