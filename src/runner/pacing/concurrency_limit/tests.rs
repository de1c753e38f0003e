//! The cap after sequences of refused and accepted submits.

use super::*;
use crate::runner::pacing::search::RateSearch;

const SECOND: Duration = Duration::from_secs(1);

/// Refuses submits a second apart, each with one of these numbers in flight.
fn refused(slots: &mut ConcurrencyLimit, in_flight_before: &[u32]) -> Vec<LimitedBy> {
    let estimate = RateSearch::new(None).estimate();
    let refuse = |(second, in_flight_before): (u32, &u32)| {
        slots.refused(SECOND * (2 * second + 1), SECOND * (2 * second + 2), *in_flight_before, estimate)
    };
    (0..).zip(in_flight_before).map(refuse).collect()
}

fn accepted(slots: &mut ConcurrencyLimit, in_flight_before: u32) -> Option<Estimate> {
    slots.accepted(in_flight_before, RateSearch::new(None).estimate())
}

/// Accepts this many submits below a cap.
fn let_through(slots: &mut ConcurrencyLimit, count: u32, in_flight_before: u32) {
    for _ in 0..count {
        assert!(accepted(slots, in_flight_before).is_none());
    }
}

#[test]
fn a_submit_that_goes_through_once_a_prediction_has_ended_shows_what_may_be_a_cap() {
    let mut slots = ConcurrencyLimit::default();
    assert!(refused(&mut slots, &[8, 8]).iter().all(|limited_by| matches!(limited_by, LimitedBy::Rate)));
    assert!(accepted(&mut slots, 7).is_some(), "the rate was not at fault");
    assert_eq!((slots.max_in_flight(), slots.learned()), (Some(8), None));
    let_through(&mut slots, 16, 6);
    assert_eq!((slots.max_in_flight(), slots.learned()), (Some(8), Some(8)), "it has proved one");
}

#[test]
fn a_submit_that_goes_through_with_as_many_others_or_after_falling_numbers_shows_none() {
    for (in_flight_before, lets) in [(&[8, 8][..], 8), (&[8, 6, 4], 3), (&[8], 7)] {
        let mut slots = ConcurrencyLimit::default();
        refused(&mut slots, in_flight_before);
        assert!(accepted(&mut slots, lets).is_none());
        assert_eq!(slots.max_in_flight(), None, "{in_flight_before:?}");
    }
}

#[test]
fn a_refusal_with_free_slots_shows_that_it_was_the_rate_and_asks_for_more_the_next_time() {
    let mut slots = ConcurrencyLimit::default();
    for count in 2..2 + MAX_ERRORS as usize {
        refused(&mut slots, &vec![8; count - 1]);
        assert!(accepted(&mut slots, 7).is_none());
        assert_eq!(slots.max_in_flight(), None, "{count}");
        slots.plateau = None;
        refused(&mut slots, &vec![8; count]);
        assert!(accepted(&mut slots, 7).is_some());
        assert!(matches!(refused(&mut slots, &[6])[..], [LimitedBy::RateNotSlots(_)]));
        assert_eq!(slots.max_in_flight(), None);
        accepted(&mut slots, 5);
        slots.plateau = None;
    }
    refused(&mut slots, &[8; 9]);
    assert!(accepted(&mut slots, 7).is_none(), "it has been wrong too often");
}

#[test]
fn a_slot_more_that_was_there_only_because_a_prediction_had_ended_is_given_back() {
    let mut slots = ConcurrencyLimit::new(Some(24));
    let_through(&mut slots, MIN_PROBE_AFTER, 23);
    let_through(&mut slots, 1, 24);
    assert_eq!(slots.max_in_flight(), Some(25));
    assert!(matches!(refused(&mut slots, &[24])[..], [LimitedBy::Slots]));
    assert_eq!(slots.max_in_flight(), Some(24));
    let_through(&mut slots, 2 * MIN_PROBE_AFTER - 1, 23);
    assert_eq!(slots.max_in_flight(), Some(24), "and not tried again soon");
}

#[test]
fn one_more_slot_is_tried_less_often_each_time_it_is_refused_and_often_while_it_is_accepted() {
    let mut slots = ConcurrencyLimit::default();
    refused(&mut slots, &[4, 4, 4]);
    accepted(&mut slots, 3);
    for probe_after in [20, 40] {
        assert_eq!(
            (slots.max_in_flight(), (0..probe_after).all(|_| accepted(&mut slots, 3).is_none())),
            (Some(4), true)
        );
        assert_eq!(slots.max_in_flight(), Some(5));
        assert!(refused(&mut slots, &[4]).iter().all(|limited_by| matches!(limited_by, LimitedBy::Slots)));
    }
    for _ in 0..80 {
        accepted(&mut slots, 3);
    }
    accepted(&mut slots, 4);
    assert_eq!(slots.max_in_flight(), Some(5));
    for _ in 0..3 {
        accepted(&mut slots, 4);
    }
    assert_eq!(slots.max_in_flight(), Some(6));
}

#[test]
fn the_next_run_uses_the_learned_limit_until_it_is_disproved() {
    let mut slots = ConcurrencyLimit::new(Some(8));
    assert_eq!((slots.max_in_flight(), slots.learned()), (Some(8), None));
    for _ in 0..MAX_STRIKES {
        assert_eq!(slots.max_in_flight(), Some(8));
        refused(&mut slots, &[4]);
        accepted(&mut slots, 5);
    }
    assert_eq!((slots.max_in_flight(), slots.learned()), (None, Some(0)));
    assert_eq!(ConcurrencyLimit::new(slots.learned()).max_in_flight(), None);
}

#[test]
fn where_predictions_end_in_each_pause_a_number_that_comes_back_is_tried() {
    let mut slots = ConcurrencyLimit::default();
    refused(&mut slots, &[24]);
    let_through(&mut slots, 25, 24);
    refused(&mut slots, &[25]);
    assert!(accepted(&mut slots, 20).is_some());
    assert_eq!(slots.max_in_flight(), Some(24));
}

#[test]
fn a_number_that_was_passed_or_that_came_back_at_once_is_not() {
    for (max_in_flight, count) in [(30, 30), (24, 3)] {
        let mut slots = ConcurrencyLimit::default();
        refused(&mut slots, &[24]);
        let_through(&mut slots, count, max_in_flight);
        refused(&mut slots, &[24]);
        let_through(&mut slots, 1, 20);
        assert_eq!(slots.max_in_flight(), None, "{max_in_flight} {count}");
    }
}

#[test]
fn a_cap_that_becomes_lower_is_met_at_the_last_number() {
    let mut slots = ConcurrencyLimit::new(Some(8));
    refused(&mut slots, &[6, 4]);
    let_through(&mut slots, 1, 3);
    assert_eq!(slots.max_in_flight(), Some(8), "it may have been the rate");
    refused(&mut slots, &[4, 4]);
    assert!(accepted(&mut slots, 3).is_some());
    assert_eq!(slots.max_in_flight(), Some(4));
}
