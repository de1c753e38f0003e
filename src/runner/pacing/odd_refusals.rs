use crate::runner::cumulative_sum::CumulativeSum;

/// The share of refused submits that shows a limit, at least, and as a multiple of the share that is refused at any rate.
const LIMIT_SHARE: f64 = 0.2;
const LIMIT_RATIO: f64 = 3.0;

/// The log-likelihood ratio from which refusals are those of a limit.
const THRESHOLD: f64 = 4.0;

/// What is assumed about refusals at slow rates before any submit was sent at one: as many refused in as many.
const PRIOR_REFUSED: f64 = 0.1;
const PRIOR_SENT: f64 = 100.0;

/// The number of submits at slow rates after which older ones count half.
const MAX_SENT: f64 = 2000.0;

/// Tells refusals by a limit from those that come at any rate.
///
/// The share of submits that is refused at rates far below the limit has nothing to do with it. The evidence then tells
/// whether more are refused than that. While none is refused at slow rates, a single refusal is enough. Pure.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OddRefusals {
    slow_sent: f64,
    slow_refused: f64,
    evidence: CumulativeSum,
}

impl OddRefusals {
    /// Records an accepted submit, and whether it was sent at a rate far below the limit.
    pub(super) fn accepted(&mut self, is_slow: bool) {
        self.count(is_slow, 0.0);
        let (odd, limit) = self.shares();
        self.evidence.did_not_happen(odd, limit);
    }

    /// Records a refused submit. Returns whether a limit refused it.
    pub(super) fn refused(&mut self, is_slow: bool) -> bool {
        self.count(is_slow, 1.0);
        let (odd, limit) = self.shares();
        let is_limit = self.evidence.happened(odd, limit) >= THRESHOLD;
        if is_limit {
            self.evidence = CumulativeSum::default();
        }
        is_limit
    }

    fn count(&mut self, is_slow: bool, refused: f64) {
        if is_slow {
            self.slow_sent += 1.0;
            self.slow_refused += refused;
        }
        if self.slow_sent > MAX_SENT {
            self.slow_sent /= 2.0;
            self.slow_refused /= 2.0;
        }
    }

    /// Returns the share that is refused at any rate, and the one that shows a limit.
    fn shares(&self) -> (f64, f64) {
        let odd = (self.slow_refused + PRIOR_REFUSED) / (self.slow_sent + PRIOR_SENT);
        (odd, (odd * LIMIT_RATIO).clamp(LIMIT_SHARE, 0.9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends submits of which one in `one_in` is refused, and returns how many refusals are those of a limit.
    fn limits_found(refusals: &mut OddRefusals, sent: u32, one_in: u32, is_slow: bool) -> u32 {
        let mut random = fastrand::Rng::with_seed(5);
        (0..sent)
            .map(|_| match random.u32(0..one_in) {
                0 => u32::from(refusals.refused(is_slow)),
                _ => {
                    refusals.accepted(is_slow);
                    0
                }
            })
            .sum()
    }

    #[test]
    fn a_single_refusal_is_that_of_a_limit_while_none_came_at_a_slow_rate() {
        let mut refusals = OddRefusals::default();
        (0..500).for_each(|_| refusals.accepted(true));
        assert!(refusals.refused(false));
    }

    #[test]
    fn refusals_that_come_at_slow_rates_too_are_those_of_no_limit() {
        let mut refusals = OddRefusals::default();
        limits_found(&mut refusals, 400, 20, true);
        let found = limits_found(&mut refusals, 2000, 20, false);
        assert!(found <= 5, "{found} of about 100 refusals");
    }

    #[test]
    fn many_more_refusals_than_at_slow_rates_show_a_limit() {
        let mut refusals = OddRefusals::default();
        limits_found(&mut refusals, 400, 50, true);
        assert!(limits_found(&mut refusals, 100, 3, false) >= 3);
    }
}
