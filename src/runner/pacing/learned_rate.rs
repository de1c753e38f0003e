use crate::job::Rate;
use crate::journal::LearnedLimits;

/// What a run has learned about the rate for the next one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum LearnedRate {
    /// The provider's limit.
    Limit(Rate),
    /// A rate that was too short a time in use, or too low, to meet a limit. Taken for one, it would hold up the next run.
    Unrefused(Rate),
}

impl LearnedRate {
    /// Returns what a journal says.
    pub(super) fn of(learned: &LearnedLimits) -> Option<LearnedRate> {
        learned.submits.map(LearnedRate::Limit).or(learned.unrefused.map(LearnedRate::Unrefused))
    }

    /// Returns the rate to start with.
    pub(super) fn rate(self) -> Rate {
        match self {
            LearnedRate::Limit(rate) | LearnedRate::Unrefused(rate) => rate,
        }
    }

    /// Returns the limit, if it is one.
    pub(super) fn limit(self) -> Option<Rate> {
        match self {
            LearnedRate::Limit(rate) => Some(rate),
            LearnedRate::Unrefused(_) => None,
        }
    }
}
