use crate::runner::cumulative_sum::CumulativeSum;

/// The share of refused submits that shows a limit, at least, and as a multiple of the share that is refused at any rate.
const LIMIT_SHARE: f64 = 0.2;
const LIMIT_RATIO: f64 = 3.0;

/// The log-likelihood ratio from which refusals are those of a limit.
const THRESHOLD: f64 = 4.0;

/// What is assumed about refusals at any rate, as if so many of so many submits had been refused. At first, two or three
/// soon after each other show a limit, and a single one does after about a hundred accepted submits.
const PRIOR: Count = Count { sent: 10.0, refused: 0.5 };

/// The same near a known limit, unless refusals that come at any rate were seen: a single one shows it again.
const PRIOR_NEAR: Count = Count { sent: 100.0, refused: 0.1 };
const SEEN: f64 = 1.0;

/// The largest share that is taken for one at any rate. More can only be a limit.
const MAX_ODD_SHARE: f64 = 0.1;

/// The number of submits as of which the share that an earlier run has found is assumed, and from which a share is found.
const KNOWN_SENT: f64 = 100.0;

/// The number of submits after which older ones count half.
const MAX_SENT: f64 = 2000.0;

/// The rate at which a submit was sent, compared with what is known of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Far below it, so that it refuses nothing.
    FarBelow,
    /// Near it, or above.
    Near,
    /// No limit was found yet.
    Unlimited,
}

/// Tells refusals by a limit from those that come at any rate.
///
/// The share of submits that is refused at rates far below the limit has nothing to do with it. Nor have refusals before
/// any limit is known, once enough submits were accepted after them. The evidence then tells whether more are refused than
/// that: a limit refuses in runs, because the next submit comes too soon as well. Pure.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OddRefusals {
    counted: Count,
    /// Submits before any limit is known, since there is evidence of one.
    pending: Count,
    evidence: CumulativeSum,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    sent: f64,
    refused: f64,
}

impl Count {
    fn add(&mut self, other: Count) {
        self.sent += other.sent;
        self.refused += other.refused;
    }
}

impl OddRefusals {
    /// Starts with the share of submits that an earlier run has found to be refused at any rate, 0 to 1.
    /// None at all says nothing about this run.
    pub(super) fn expecting(share: f64) -> OddRefusals {
        let known = Count { sent: KNOWN_SENT, refused: share * KNOWN_SENT };
        OddRefusals { counted: if known.refused > SEEN { known } else { Count::default() }, ..OddRefusals::default() }
    }

    /// Returns the share of submits that is refused at any rate, 0 to 1, if enough were sent to tell.
    pub(super) fn share(&self) -> Option<f64> {
        let Count { sent, refused } = self.counted;
        (sent >= KNOWN_SENT).then_some(refused / sent)
    }

    /// Records an accepted submit.
    pub(super) fn accepted(&mut self, pace: Pace) {
        self.count(pace, Count { sent: 1.0, refused: 0.0 });
        let (odd, limit) = self.shares(pace);
        if self.evidence.did_not_happen(odd, limit) == 0.0 {
            let pending = std::mem::take(&mut self.pending);
            self.counted.add(pending);
        }
    }

    /// Records a refused submit. Returns whether a limit refused it.
    pub(super) fn refused(&mut self, pace: Pace) -> bool {
        self.count(pace, Count { sent: 1.0, refused: 1.0 });
        let (odd, limit) = self.shares(pace);
        let is_limit = self.evidence.happened(odd, limit) >= THRESHOLD;
        if is_limit {
            self.evidence = CumulativeSum::default();
            self.pending = Count::default();
        }
        is_limit
    }

    fn count(&mut self, pace: Pace, submit: Count) {
        match pace {
            Pace::FarBelow => self.counted.add(submit),
            Pace::Unlimited => self.pending.add(submit),
            Pace::Near => {}
        }
        if self.counted.sent > MAX_SENT {
            self.counted = Count { sent: self.counted.sent / 2.0, refused: self.counted.refused / 2.0 };
        }
    }

    /// Returns the share that is refused at any rate, and the one that shows a limit.
    fn shares(&self, pace: Pace) -> (f64, f64) {
        let Count { sent, refused } = self.counted;
        let prior = if pace == Pace::Unlimited || refused > SEEN { PRIOR } else { PRIOR_NEAR };
        let odd = ((refused + prior.refused) / (sent + prior.sent)).min(MAX_ODD_SHARE);
        (odd, (odd * LIMIT_RATIO).max(LIMIT_SHARE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends submits of which one in `one_in` is refused, and returns how many refusals are those of a limit.
    fn limits_found(refusals: &mut OddRefusals, sent: u32, one_in: u32, pace: Pace) -> u32 {
        let mut random = fastrand::Rng::with_seed(5);
        (0..sent)
            .map(|_| match random.u32(0..one_in) {
                0 => u32::from(refusals.refused(pace)),
                _ => {
                    refusals.accepted(pace);
                    0
                }
            })
            .sum()
    }

    #[test]
    fn a_single_refusal_is_that_of_a_limit_while_none_came_at_a_slow_rate() {
        let mut refusals = OddRefusals::default();
        (0..500).for_each(|_| refusals.accepted(Pace::FarBelow));
        assert!(refusals.refused(Pace::Near));
    }

    #[test]
    fn refusals_that_come_at_slow_rates_too_are_those_of_no_limit() {
        let mut refusals = OddRefusals::default();
        limits_found(&mut refusals, 400, 20, Pace::FarBelow);
        let found = limits_found(&mut refusals, 2000, 20, Pace::Near);
        assert!(found <= 5, "{found} of about 100 refusals");
    }

    #[test]
    fn many_more_refusals_than_at_slow_rates_show_a_limit() {
        let mut refusals = OddRefusals::default();
        limits_found(&mut refusals, 400, 50, Pace::FarBelow);
        assert!(limits_found(&mut refusals, 100, 3, Pace::Near) >= 3);
    }

    #[test]
    fn one_in_twenty_from_the_beginning_is_hardly_taken_for_a_limit() {
        let found = limits_found(&mut OddRefusals::default(), 1000, 20, Pace::Unlimited);
        assert!(found <= 5, "{found} of about 50 refusals");
    }

    #[test]
    fn a_run_of_refusals_shows_a_limit_at_once() {
        let mut refusals = OddRefusals::default();
        (0..10).for_each(|_| refusals.accepted(Pace::Unlimited));
        assert!((0..3).any(|_| refusals.refused(Pace::Unlimited)));
    }

    #[test]
    fn every_second_submit_is_refused_by_a_limit_however_slow_the_rate_seems() {
        let found = limits_found(&mut OddRefusals::default(), 400, 2, Pace::FarBelow);
        assert!(found >= 20, "{found} of about 200 refusals");
    }
}
