use std::time::Duration;

use super::search::Search;

/// How many refusals in a row, each after the pause of the one before, show that there is more than a crowd.
const ENOUGH: u32 = 3;

/// How many of them do where a cap is known already, and may have become lower.
const ENOUGH_FOR_A_LOWER_ONE: u32 = 2;

/// How often in a row submits must be refused at one number in flight, and taken below it alone, where pauses are so long
/// that predictions end in each.
const EPISODES: u32 = 3;

/// Up to how many others that shows a cap: the more there are, the more often a rate comes back to the same number.
const FEW: u32 = 12;

/// After how many submits that took the last slot one more is tried. Doubled each time that it is refused.
const FIRST_PATIENCE: u32 = 20;
const LAST_PATIENCE: u32 = 640;

/// The same after one more was taken: the cap has moved, and may have moved far.
const PATIENCE_ON_THE_WAY_UP: u32 = 3;

/// After how many episodes below a cap, while no refusal came at it, there is none.
const STRIKES: u32 = 3;

/// How often a cap that was seen may prove none before no more is made of what looks like one.
const MOST_ERRORS: u32 = 3;

/// Finds out how many predictions the provider lets be in flight at once, where it answers others with 429 as it does too
/// fast ones.
///
/// Where refusals keep coming at one number in flight, and a submit goes through as soon as one prediction less is there,
/// that number is the cap, and the rate was not too high. Submits then wait for a slot instead of being refused; now and
/// then one more is tried. Refusals below the cap show that there is none. Pure: `others` is how many predictions are in
/// flight beside the submit that was answered; some of them may have ended already, which nobody has heard of.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    cap: Option<Cap>,
    episode: Option<Episode>,
    /// What the last episodes have in common.
    seen: Option<Seen>,
    errors: u32,
    /// The number that it began with, 0 for none.
    began_with: u32,
}

/// How many predictions may be in flight.
#[derive(Clone, Copy, Debug)]
struct Cap {
    taken: u32,
    /// How many submits have taken the last slot, and how many must before one more is tried.
    filled: u32,
    patience: u32,
    /// How many episodes were below it since a refusal came at it.
    strikes: u32,
}

impl Cap {
    fn of(taken: u32, patience: u32) -> Cap {
        Cap { taken: taken.max(1), filled: 0, patience, strikes: 0 }
    }
}

/// Refusals since a submit was last accepted.
#[derive(Clone, Debug)]
struct Episode {
    /// The fewest and the most others there were.
    least: u32,
    most: u32,
    count: u32,
    /// How many others there were last, and in how many refusals.
    last: u32,
    at_last: u32,
    /// When the last one came that counts.
    at: Duration,
    /// The search for the rate as it was before.
    before: Search,
}

/// Episodes in a row that began with as many others.
#[derive(Clone, Debug)]
struct Seen {
    others: u32,
    times: u32,
    /// The search for the rate as it was before the first of them.
    before: Search,
}

/// Whom a refusal concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concerns {
    /// The rate, as far as anybody knows.
    Rate,
    /// A slot more than there are, which was tried.
    Slots,
}

impl Slots {
    /// Begins with the number that an earlier run has found, where it was one.
    pub(super) fn new(learned: Option<u32>) -> Slots {
        let began_with = learned.unwrap_or_default();
        let cap = (began_with > 0).then(|| Cap::of(began_with, FIRST_PATIENCE));
        Slots { cap, began_with, ..Slots::default() }
    }

    /// What the next run should begin with, 0 for no cap, where that is news.
    pub(super) fn learned(&self) -> Option<u32> {
        let taken = self.cap.map_or(0, |cap| cap.taken);
        Some(taken).filter(|taken| *taken != self.began_with)
    }

    /// How many predictions may be in flight, as far as that is known.
    pub(super) fn most(&self) -> Option<u32> {
        self.cap.map(|cap| if cap.filled >= cap.patience { cap.taken + 1 } else { cap.taken })
    }

    /// A submit was accepted. Where that shows a cap, the search as it was before the refusals, which did not concern it.
    pub(super) fn accepted(&mut self, others: u32) -> Option<Search> {
        if let Some(cap) = &mut self.cap {
            if others >= cap.taken {
                *cap = Cap::of(others + 1, PATIENCE_ON_THE_WAY_UP);
            } else if others + 1 == cap.taken {
                cap.filled += 1;
            }
        }
        if self.seen.as_ref().is_some_and(|seen| others >= seen.others) {
            self.seen = None;
        }
        let episode = self.episode.take()?;
        match self.cap {
            Some(cap) => {
                let is_lower = episode.at_last >= ENOUGH_FOR_A_LOWER_ONE && others < episode.last;
                let lower = Some(episode.last).filter(|last| is_lower && *last < cap.taken)?;
                self.cap = Some(Cap::of(lower, FIRST_PATIENCE));
                Some(episode.before)
            }
            None if self.errors < MOST_ERRORS => {
                let (taken, before) = self.shown_by(episode, others)?;
                (self.cap, self.seen) = (Some(Cap::of(taken, FIRST_PATIENCE)), None);
                Some(before)
            }
            None => None,
        }
    }

    /// The cap that an episode shows, or with those before it, and the search before the first of them.
    fn shown_by(&mut self, episode: Episode, others: u32) -> Option<(u32, Search)> {
        let Episode { least, most, count, before, .. } = episode;
        if others >= least || most - least > 1 {
            self.seen = None;
            return None;
        }
        if count >= ENOUGH {
            return Some((least, before));
        }
        let seen = self.seen.take().filter(|seen| seen.others.abs_diff(least) <= 1);
        let seen = match seen {
            Some(seen) => Seen { others: seen.others.min(least), times: seen.times + 1, ..seen },
            None => Seen { others: least, times: 1, before },
        };
        if seen.times >= EPISODES && seen.others <= FEW {
            return Some((seen.others, seen.before));
        }
        self.seen = Some(seen);
        None
    }

    /// A submit that was sent at `sent` was refused at `now`; `search` is the search for the rate before it knows.
    pub(super) fn refused(&mut self, sent: Duration, now: Duration, others: u32, search: &Search) -> Concerns {
        if let Some(cap) = &mut self.cap {
            if others >= cap.taken {
                let patience = cap.patience.max(FIRST_PATIENCE / 2) * 2;
                *cap = Cap::of(cap.taken, patience.min(LAST_PATIENCE));
                return Concerns::Slots;
            }
            cap.strikes += u32::from(self.episode.is_none());
            if cap.strikes >= STRIKES {
                (self.cap, self.seen) = (None, None);
                self.errors += 1;
            }
        }
        match &mut self.episode {
            Some(episode) if sent >= episode.at => {
                (episode.least, episode.most) = (episode.least.min(others), episode.most.max(others));
                episode.at_last = if episode.last == others { episode.at_last + 1 } else { 1 };
                (episode.count, episode.last, episode.at) = (episode.count + 1, others, now);
            }
            Some(_) => {}
            None => {
                let before = search.clone();
                let (least, most, last) = (others, others, others);
                self.episode = Some(Episode { least, most, count: 1, last, at_last: 1, at: now, before });
            }
        }
        Concerns::Rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Refuses submits a second apart, while there are so many others each.
    fn refused(slots: &mut Slots, others: &[u32]) -> Vec<Concerns> {
        let search = Search::new(None);
        let refuse = |(second, others): (u32, &u32)| {
            slots.refused(SECOND * (2 * second + 1), SECOND * (2 * second + 2), *others, &search)
        };
        (0..).zip(others).map(refuse).collect()
    }

    #[test]
    fn a_submit_that_goes_through_once_a_prediction_has_ended_shows_a_cap() {
        let mut slots = Slots::default();
        assert_eq!(refused(&mut slots, &[8, 8, 8]), [Concerns::Rate; 3]);
        assert!(slots.accepted(7).is_some(), "the rate was not at fault");
        assert_eq!(slots.most(), Some(8));
    }

    #[test]
    fn a_submit_that_goes_through_with_as_many_others_or_after_falling_numbers_shows_none() {
        for (others, accepted) in [(&[8, 8, 8][..], 8), (&[8, 6, 4], 3), (&[8, 8], 7)] {
            let mut slots = Slots::default();
            refused(&mut slots, others);
            assert!(slots.accepted(accepted).is_none());
            assert_eq!(slots.most(), None, "{others:?}");
        }
    }

    #[test]
    fn one_more_slot_is_tried_ever_more_rarely_while_it_is_refused_and_often_while_it_is_there() {
        let mut slots = Slots::default();
        refused(&mut slots, &[4, 4, 4]);
        slots.accepted(3);
        for patience in [20, 40] {
            assert_eq!((slots.most(), (0..patience).all(|_| slots.accepted(3).is_none())), (Some(4), true));
            assert_eq!(slots.most(), Some(5));
            assert_eq!(refused(&mut slots, &[4]), [Concerns::Slots]);
        }
        for _ in 0..80 {
            slots.accepted(3);
        }
        slots.accepted(4);
        assert_eq!(slots.most(), Some(5));
        for _ in 0..3 {
            slots.accepted(4);
        }
        assert_eq!(slots.most(), Some(6));
    }

    #[test]
    fn what_was_learned_is_known_to_the_next_run_until_it_is_disproved() {
        let mut slots = Slots::default();
        assert_eq!(slots.learned(), None);
        refused(&mut slots, &[8, 8, 8]);
        slots.accepted(7);
        assert_eq!(slots.learned(), Some(8));
        let mut next = Slots::new(slots.learned());
        assert_eq!((next.most(), next.learned()), (Some(8), None));
        for _ in 0..STRIKES {
            refused(&mut next, &[4]);
            next.accepted(5);
        }
        assert_eq!((next.most(), next.learned()), (None, Some(0)));
        assert_eq!(Slots::new(next.learned()).most(), None);
    }

    #[test]
    fn refusals_below_the_cap_show_that_there_is_none() {
        let mut slots = Slots::default();
        for _ in 0..MOST_ERRORS {
            refused(&mut slots, &[3, 3, 3]);
            slots.accepted(2);
            for _ in 0..STRIKES {
                assert_eq!((slots.most(), refused(&mut slots, &[2])), (Some(3), vec![Concerns::Rate]));
                slots.accepted(2);
            }
            assert_eq!(slots.most(), None);
        }
        refused(&mut slots, &[3, 3, 3]);
        assert!(slots.accepted(2).is_none(), "it has been wrong too often");
    }

    #[test]
    fn where_predictions_end_in_each_pause_a_number_that_comes_back_three_times_is_a_cap() {
        let mut slots = Slots::default();
        let shown: Vec<bool> = (0..3)
            .map(|_| {
                refused(&mut slots, &[8]);
                slots.accepted(6).is_some()
            })
            .collect();
        assert_eq!((shown, slots.most()), (vec![false, false, true], Some(8)));
        let mut slots = Slots::default();
        for others in [8, 8, 5, 8, 8] {
            refused(&mut slots, &[others]);
            assert!(slots.accepted(others - 1).is_none(), "what differs is the work of a rate");
        }
    }

    #[test]
    fn a_cap_that_becomes_lower_is_met_at_the_last_number() {
        let mut slots = Slots::default();
        refused(&mut slots, &[8, 8, 8]);
        slots.accepted(7);
        refused(&mut slots, &[6, 4]);
        slots.accepted(3);
        assert_eq!(slots.most(), Some(8), "it may have been the rate");
        refused(&mut slots, &[4, 4]);
        assert!(slots.accepted(3).is_some());
        assert_eq!(slots.most(), Some(4));
    }
}
