use std::time::Duration;

/// By how much a refused submit raises the spare time, and an accepted one lowers it: it settles where about one submit in
/// a hundred is refused.
const RAISE: Duration = Duration::from_millis(3);
const DECAY: Duration = Duration::from_micros(30);

/// The longest spare time, and its largest share of the interval.
const MAX_SPARE: Duration = Duration::from_millis(20);
const MAX_SHARE: f64 = 0.25;

/// The smallest share of the interval once a submit was refused, because clocks are not exact.
const MIN_SHARE: f64 = 0.005;

/// The time that a fixed rate leaves between two submits beyond its interval, once one was refused.
///
/// Disks, networks and processors delay each submit by another few milliseconds. A provider with exactly that limit, and
/// without bursts, refuses one that was delayed less than the one before. Pure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spare {
    interval: Duration,
    spare: Duration,
    was_refused: bool,
}

impl Spare {
    /// Starts without spare time.
    pub(super) fn new(interval: Duration) -> Spare {
        Spare { interval, spare: Duration::ZERO, was_refused: false }
    }

    /// Returns the time between two submits.
    pub(super) fn interval(&self) -> Duration {
        let least = if self.was_refused { self.interval.mul_f64(MIN_SHARE) } else { Duration::ZERO };
        self.interval + self.spare.max(least)
    }

    /// Records an accepted submit.
    pub(super) fn accepted(&mut self) {
        self.spare = self.spare.saturating_sub(DECAY);
    }

    /// Records a refused submit.
    pub(super) fn refused(&mut self) {
        self.was_refused = true;
        self.spare = (self.spare + RAISE).min(MAX_SPARE).min(self.interval.mul_f64(MAX_SHARE));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn submits_are_never_closer_than_asked_for_and_never_much_farther_apart(
            interval in 1_u64..10_000_000, answers in prop::collection::vec(any::<bool>(), 0..200)
        ) {
            let interval = Duration::from_micros(interval);
            let mut spare = Spare::new(interval);
            for is_accepted in answers {
                if is_accepted { spare.accepted() } else { spare.refused() }
                prop_assert!(spare.interval() >= interval);
                prop_assert!(spare.interval() <= interval.mul_f64(1.0 + MAX_SHARE));
                prop_assert!(spare.interval() <= interval.mul_f64(1.0 + MIN_SHARE).max(interval + MAX_SPARE));
            }
        }
    }

    #[test]
    fn the_spare_time_returns_to_half_a_percent_but_not_to_none() {
        let interval = Duration::from_millis(100);
        let mut spare = Spare::new(interval);
        spare.accepted();
        assert_eq!(spare.interval(), interval);
        (0..3).for_each(|_| spare.refused());
        assert_eq!(spare.interval(), Duration::from_millis(109));
        (0..1000).for_each(|_| spare.accepted());
        assert_eq!(spare.interval(), Duration::from_micros(100_500));
    }
}
