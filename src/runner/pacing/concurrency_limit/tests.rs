//! The cap after sequences of refused and accepted submits.

use super::*;
use crate::runner::pacing::search::RateSearch;

const SECOND: Duration = Duration::from_secs(1);

/// A limit whose submits are sent one after the other, each a second before its answer.
struct Answered {
    slots: ConcurrencyLimit,
    now: Duration,
}

impl Answered {
    fn new(learned: Option<u32>) -> Answered {
        Answered { slots: ConcurrencyLimit::new(learned), now: Duration::ZERO }
    }

    fn max_in_flight(&self) -> Option<u32> {
        self.slots.max_in_flight()
    }

    /// Refuses a submit with each of these numbers in flight.
    fn refused(&mut self, in_flight_before: &[u32]) -> Vec<LimitedBy> {
        in_flight_before.iter().map(|in_flight_before| self.refused_with(None, *in_flight_before)).collect()
    }

    fn refused_with(&mut self, hint: Option<Duration>, in_flight_before: u32) -> LimitedBy {
        let sent = self.now;
        self.now += SECOND;
        self.slots.refused(sent, self.now, hint, in_flight_before, RateSearch::new(None).estimate(), true)
    }

    fn accepted(&mut self, in_flight_before: u32) -> Option<Estimate> {
        let sent = self.now;
        self.now += SECOND;
        self.slots.accepted(sent, in_flight_before)
    }

    /// Accepts this many submits below a cap.
    fn let_through(&mut self, count: u32, in_flight_before: u32) {
        for _ in 0..count {
            assert!(self.accepted(in_flight_before).is_none());
        }
    }
}

#[test]
fn a_submit_that_goes_through_once_a_prediction_has_ended_shows_a_cap() {
    let mut slots = Answered::new(None);
    assert!(slots.refused(&[8, 8]).iter().all(|limited_by| matches!(limited_by, LimitedBy::Rate)));
    assert!(slots.accepted(7).is_some(), "the rate was not at fault");
    assert_eq!((slots.max_in_flight(), slots.slots.learned()), (Some(8), Some(8)));
}

#[test]
fn a_submit_that_goes_through_with_as_many_others_or_after_falling_numbers_shows_none() {
    for (in_flight_before, lets) in [(&[8, 8][..], 8), (&[8, 6, 4], 3), (&[8], 7)] {
        let mut slots = Answered::new(None);
        slots.refused(in_flight_before);
        assert!(slots.accepted(lets).is_none());
        assert_eq!(slots.max_in_flight(), None, "{in_flight_before:?}");
    }
}

#[test]
fn submits_that_were_open_at_a_refusal_say_nothing_new() {
    let mut slots = ConcurrencyLimit::default();
    let estimate = RateSearch::new(None).estimate();
    slots.refused(SECOND, SECOND * 3, None, 8, estimate, true);
    slots.refused(SECOND * 2, SECOND * 4, None, 8, estimate, true);
    assert!(slots.accepted(SECOND * 2, 7).is_none());
    assert!(slots.accepted(SECOND * 5, 7).is_none());
    assert_eq!(slots.max_in_flight(), None, "only one refusal counts");
}

#[test]
fn a_long_wait_that_the_provider_asks_for_may_be_for_a_free_slot() {
    for (hint, max_in_flight) in [(1, None), (10, Some(8))] {
        let mut slots = Answered::new(None);
        slots.refused_with(Some(SECOND * hint), 8);
        slots.accepted(7);
        assert_eq!(slots.max_in_flight(), max_in_flight);
    }
}

#[test]
fn refusals_far_below_a_cap_disprove_it_and_ask_for_more_of_them_the_next_time() {
    let mut slots = Answered::new(None);
    for count in 2..2 + MAX_ERRORS as usize {
        slots.refused(&vec![8; count - 1]);
        assert!(slots.accepted(7).is_none());
        assert_eq!(slots.max_in_flight(), None, "{count}");
        slots.slots.plateau = None;
        slots.refused(&vec![8; count]);
        assert!(slots.accepted(7).is_some());
        for _ in 0..MAX_STRIKES {
            assert_eq!(slots.max_in_flight(), Some(8));
            assert!(matches!(slots.refused(&[4])[..], [LimitedBy::Rate]));
            slots.accepted(3);
        }
        assert_eq!(slots.max_in_flight(), None);
        slots.slots.plateau = None;
    }
    slots.refused(&[8; 9]);
    assert!(slots.accepted(7).is_none(), "it has been wrong too often");
}

#[test]
fn a_refusal_just_below_a_cap_lowers_it_and_may_be_that_of_the_rate_too() {
    let mut slots = Answered::new(Some(24));
    assert!(matches!(slots.refused(&[23])[..], [LimitedBy::Rate]));
    assert_eq!(slots.max_in_flight(), Some(23));
}

#[test]
fn a_slot_more_that_was_there_only_because_a_prediction_had_ended_is_given_back() {
    let mut slots = Answered::new(Some(24));
    slots.let_through(PROBE_AFTER_RAISE, 23);
    slots.let_through(1, 24);
    assert_eq!(slots.max_in_flight(), Some(25));
    assert!(matches!(slots.refused(&[24])[..], [LimitedBy::Slots]));
    assert_eq!(slots.max_in_flight(), Some(24));
    slots.let_through(MIN_PROBE_AFTER - 1, 23);
    assert_eq!(slots.max_in_flight(), Some(24), "and not tried again soon");
}

#[test]
fn a_cap_has_risen_once_many_submits_were_accepted_above_it() {
    let mut slots = Answered::new(Some(8));
    for in_flight_before in [7, 8, 9] {
        slots.let_through(1, in_flight_before);
    }
    slots.let_through(MIN_PROBE_AFTER, 9);
    assert!(matches!(slots.refused(&[8])[..], [LimitedBy::Rate]));
    assert!(slots.max_in_flight() >= Some(10));
}

#[test]
fn a_cap_that_was_doubled_is_refused_at_its_new_size() {
    let mut slots = Answered::new(Some(8));
    for in_flight_before in 7..16 {
        slots.let_through(1, in_flight_before);
    }
    assert!(matches!(slots.refused(&[16])[..], [LimitedBy::Slots]));
    assert_eq!(slots.max_in_flight(), Some(16));
}

#[test]
fn one_more_slot_is_tried_less_often_each_time_it_is_refused_and_often_while_it_is_accepted() {
    let mut slots = Answered::new(None);
    slots.refused(&[4, 4, 4]);
    slots.accepted(3);
    for probe_after in [20, 40] {
        assert_eq!(slots.max_in_flight(), Some(4));
        slots.let_through(probe_after, 3);
        assert_eq!(slots.max_in_flight(), Some(5));
        assert!(matches!(slots.refused(&[4])[..], [LimitedBy::Slots]));
    }
    slots.let_through(80, 3);
    slots.accepted(4);
    assert_eq!(slots.max_in_flight(), Some(5));
    slots.let_through(PROBE_AFTER_RAISE, 4);
    assert_eq!(slots.max_in_flight(), Some(6));
}

#[test]
fn the_next_run_uses_the_learned_limit_until_it_is_disproved() {
    let mut slots = Answered::new(Some(8));
    assert_eq!((slots.max_in_flight(), slots.slots.learned()), (Some(8), None));
    for _ in 0..MAX_STRIKES {
        assert_eq!(slots.max_in_flight(), Some(8));
        slots.refused(&[4]);
        slots.accepted(5);
    }
    assert_eq!((slots.max_in_flight(), slots.slots.learned()), (None, Some(0)));
    assert_eq!(ConcurrencyLimit::new(slots.slots.learned()).max_in_flight(), None);
}

#[test]
fn a_number_that_comes_back_is_a_cap_even_if_submits_were_accepted_in_between() {
    for count in [3, 25] {
        let mut slots = Answered::new(None);
        slots.refused(&[24]);
        slots.let_through(count, 24);
        slots.refused(&[25]);
        assert!(slots.accepted(20).is_some());
        assert_eq!(slots.max_in_flight(), Some(24));
    }
}

#[test]
fn a_number_that_was_passed_is_none() {
    let mut slots = Answered::new(None);
    slots.refused(&[24]);
    slots.let_through(30, 30);
    slots.refused(&[24]);
    slots.let_through(1, 20);
    assert_eq!(slots.max_in_flight(), None);
}

#[test]
fn with_few_in_flight_a_number_at_which_submits_are_accepted_too_is_none() {
    let mut slots = Answered::new(None);
    slots.refused(&[1]);
    slots.let_through(1, 1);
    slots.refused(&[2]);
    slots.let_through(1, 0);
    assert_eq!(slots.max_in_flight(), None);
}

#[test]
fn a_cap_that_becomes_lower_is_met_at_the_last_number() {
    let mut slots = Answered::new(Some(8));
    slots.refused(&[6, 4]);
    slots.let_through(1, 3);
    assert_eq!(slots.max_in_flight(), Some(8), "it may have been the rate");
    slots.refused(&[4, 4]);
    assert!(slots.accepted(3).is_some());
    assert_eq!(slots.max_in_flight(), Some(4));
}
