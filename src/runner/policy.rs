//! Pure decisions about waits and budgets.

use std::time::Duration;

use crate::job::Cents;
use crate::journal::{Ledger, SpendBaseline};

/// Returns the wait after this many consecutive failures: one second, doubled each time, at most 30 seconds.
pub(super) fn backoff(failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        1..=5 => Duration::from_secs(1 << (failures - 1)),
        _ => Duration::from_secs(30),
    }
}

/// Returns whether one more submit stays within the budget even if all open and uncertain ones are charged.
pub fn fits_budget(ceiling: Option<Cents>, ledger: &Ledger) -> bool {
    fits_budget_with_rise(ceiling, ledger, Cents::ZERO)
}

/// The same check if this submit and the open ones cost `rise` more than estimated.
pub(super) fn fits_budget_with_rise(ceiling: Option<Cents>, ledger: &Ledger, rise: Cents) -> bool {
    ceiling.is_none_or(|ceiling| ledger.spent() + ledger.reserved() + ledger.estimate() + rise <= ceiling)
}

/// Returns whether one more submit stays within the budget of a run that started at `baseline`. What earlier runs
/// spent or left uncertain does not count.
pub fn fits_run_budget(ceiling: Option<Cents>, ledger: &Ledger, baseline: &SpendBaseline) -> bool {
    fits_run_budget_with_rise(ceiling, ledger, baseline, Cents::ZERO)
}

/// The same check if this submit and the open ones cost `rise` more than estimated.
pub(super) fn fits_run_budget_with_rise(
    ceiling: Option<Cents>,
    ledger: &Ledger,
    baseline: &SpendBaseline,
    rise: Cents,
) -> bool {
    ceiling.is_none_or(|ceiling| ledger.committed_since(baseline) + ledger.estimate() + rise <= ceiling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_spread_out() {
        assert_eq!([0, 1, 3, 100].map(|failures| backoff(failures).as_secs()), [0, 1, 4, 30]);
    }
}
