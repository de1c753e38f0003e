/// How many rates are kept. A limit that has fallen is noticed after as many refusals.
const KEPT: usize = 5;

/// How many of them must be those of the same limit to show that there is one.
const MIN_ALIKE: usize = 4;

/// The relative difference up to which two rates are those of the same limit.
const SAME_LIMIT: f64 = 0.15;

/// The rates at which submits were accepted between two refusals, per second.
///
/// Where a token bucket or a sliding window refuses submits, it is empty at each refusal, so the same number per second is
/// accepted between any two, however fast they are sent. A rate far below the highest of the last few shows that a
/// refusal had another cause. Pure.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AcceptedRates {
    rates: [f64; KEPT],
    next: usize,
}

impl AcceptedRates {
    /// Starts anew with one rate.
    pub(super) fn of(rate: f64) -> AcceptedRates {
        let mut rates = AcceptedRates::default();
        rates.add(rate);
        rates
    }

    /// Adds the rate since the previous refusal. Returns whether it agrees with those before.
    pub(super) fn add(&mut self, rate: f64) -> bool {
        let agrees = self.highest().is_none_or(|highest| rate >= highest * (1.0 - SAME_LIMIT));
        self.rates[self.next] = rate;
        self.next = (self.next + 1) % KEPT;
        agrees
    }

    /// Forgets the oldest rate, because too few submits were accepted since the previous refusal to tell a rate.
    pub(super) fn forget_oldest(&mut self) {
        self.rates[self.next] = 0.0;
        self.next = (self.next + 1) % KEPT;
    }

    /// Returns whether nearly all of the last rates are those of the same limit.
    pub(super) fn are_alike(&self) -> bool {
        let least = self.highest().unwrap_or(f64::INFINITY) * (1.0 - SAME_LIMIT);
        self.rates.iter().filter(|rate| **rate >= least).count() >= MIN_ALIKE
    }

    /// Returns the highest rate.
    pub(super) fn highest(&self) -> Option<f64> {
        Some(self.rates.into_iter().fold(0.0, f64::max)).filter(|rate| *rate > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_far_below_the_highest_does_not_agree() {
        let mut rates = AcceptedRates::of(8.0);
        assert!(rates.add(7.5));
        assert!(!rates.add(4.0));
        assert_eq!(rates.highest(), Some(8.0));
    }

    #[test]
    fn rates_are_alike_if_four_of_the_last_five_are() {
        let mut rates = AcceptedRates::of(2.0);
        assert!(!rates.are_alike());
        for rate in [8.0, 7.5, 7.9] {
            rates.add(rate);
        }
        assert!(!rates.are_alike());
        rates.add(7.8);
        assert!(rates.are_alike());
    }

    #[test]
    fn a_limit_that_has_fallen_is_the_highest_after_some_refusals() {
        let mut rates = AcceptedRates::of(8.0);
        (0..KEPT).for_each(|_| {
            rates.add(2.0);
        });
        assert_eq!(rates.highest(), Some(2.0));
        (0..KEPT).for_each(|_| rates.forget_oldest());
        assert_eq!(rates.highest(), None);
    }
}
