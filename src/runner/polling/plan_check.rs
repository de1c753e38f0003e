use crate::runner::cumulative_sum::CumulativeSum;

/// The evidence, as the logarithm of a likelihood ratio, from which generation times are considered shorter than known.
const ENOUGH_EVIDENCE: f64 = 8.0;

/// How many times as likely an end is then, and at least how likely.
const TIMES_AS_LIKELY: f64 = 2.0;
const MIN_LIKELY: f64 = 0.3;

/// The smallest probability of an end that is taken from known times.
const MIN_PROBABILITY: f64 = 0.02;

/// Compares the answers to polls with the known generation times: if more predictions have ended than these allow, the
/// times are too long, and what follows from them would be corrected only slowly, because a prediction that is polled
/// too late only shows that it took less. Pure.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PlanCheck {
    evidence: CumulativeSum,
}

impl PlanCheck {
    /// Starts with times of an earlier run, for which less evidence is needed.
    pub(super) fn of_earlier_run() -> PlanCheck {
        PlanCheck { evidence: CumulativeSum::of(ENOUGH_EVIDENCE * 0.6) }
    }

    /// Records that a prediction had ended at a poll, at whose age a `share` of the `count` known ones had. Returns whether
    /// the known times are too long.
    pub(super) fn ended(&mut self, share: f64, count: u32) -> bool {
        let expected = expected(share, count);
        self.evidence.happened(expected, if_shorter(expected)) >= ENOUGH_EVIDENCE
    }

    /// Records that it had not.
    pub(super) fn in_progress(&mut self, share: f64, count: u32) {
        let expected = expected(share, count);
        self.evidence.did_not_happen(expected, if_shorter(expected));
    }
}

/// Returns the probability of an end by the known times: a few of them do not show how early others can end.
fn expected(share: f64, count: u32) -> f64 {
    ((share * f64::from(count) + 1.0) / (f64::from(count) + 2.0)).clamp(MIN_PROBABILITY, 1.0 - MIN_PROBABILITY)
}

/// Returns the probability of an end if generation times are shorter than those for which it is `expected`.
fn if_shorter(expected: f64) -> f64 {
    (expected * TIMES_AS_LIKELY).max(MIN_LIKELY).min((1.0 + expected) / 2.0).max(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_predictions_that_end_too_early_are_enough() {
        let mut check = PlanCheck::default();
        assert_eq!((1..).find(|_| check.ended(0.0, 1000)), Some(3));
        let mut check = PlanCheck::of_earlier_run();
        assert_eq!((1..).find(|_| check.ended(0.0, 1000)), Some(2));
        let mut check = PlanCheck::default();
        let ends = (1..).find(|_| {
            check.in_progress(0.2, 1000);
            check.ended(0.2, 1000)
        });
        assert!(ends.is_some_and(|ends| ends < 50), "{ends:?}");
    }

    #[test]
    fn chance_alone_is_hardly_ever_enough() {
        let mut random = fastrand::Rng::with_seed(1);
        for probability in [0.05, 0.3, 0.6, 0.95] {
            let mut check = PlanCheck::default();
            let mut alarms = 0;
            for _ in 0..100_000 {
                if random.f64() >= probability {
                    check.in_progress(probability, 1000);
                } else if check.ended(probability, 1000) {
                    check = PlanCheck::default();
                    alarms += 1;
                }
            }
            assert!(alarms < 10, "{alarms} at {probability}");
        }
    }
}
