/// A cumulative sum of log-likelihood ratios (Page, 1954): evidence that something happens more often than expected, which
/// does not wear off while nothing contradicts it. Pure.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CumulativeSum(f64);

impl CumulativeSum {
    /// Starts with this much evidence.
    pub(super) fn of(evidence: f64) -> CumulativeSum {
        CumulativeSum(evidence)
    }

    /// Records that it has happened, which has the probability `expected`, or `alternative` if it happens more often.
    /// Returns the evidence.
    pub(super) fn happened(&mut self, expected: f64, alternative: f64) -> f64 {
        self.0 += (alternative / expected).ln();
        self.0
    }

    /// Records that it could have happened, and has not. Returns the evidence, which is never below zero.
    pub(super) fn did_not_happen(&mut self, expected: f64, alternative: f64) -> f64 {
        self.0 = (self.0 + ((1.0 - alternative) / (1.0 - expected)).ln()).max(0.0);
        self.0
    }
}
