//! What may happen next, decided from numbers alone.

use std::time::Duration;

use crate::job::Cents;
use crate::journal::{Ledger, SpendBaseline};

/// The wait after `failures` in a row: a second, doubled each time, half a minute at most.
pub(super) fn backoff(failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        1..=5 => Duration::from_secs(1 << (failures - 1)),
        _ => Duration::from_secs(30),
    }
}

/// Whether one more submit stays under the ceiling, whatever becomes of those under way and of the uncertain ones.
pub fn fits_budget(ceiling: Option<Cents>, ledger: &Ledger) -> bool {
    fits_budget_with_rise(ceiling, ledger, Cents::ZERO)
}

/// The same if this submit and those under way cost `rise` more than they are thought to.
pub(super) fn fits_budget_with_rise(ceiling: Option<Cents>, ledger: &Ledger, rise: Cents) -> bool {
    ceiling.is_none_or(|ceiling| ledger.spent() + ledger.reserved() + ledger.estimate() + rise <= ceiling)
}

/// Whether one more submit stays under the ceiling of a run that began at `baseline`: what earlier runs have spent or
/// left in doubt does not count.
pub fn fits_run_budget(ceiling: Option<Cents>, ledger: &Ledger, baseline: &SpendBaseline) -> bool {
    fits_run_budget_with_rise(ceiling, ledger, baseline, Cents::ZERO)
}

/// The same if this submit and those under way cost `rise` more than they are thought to.
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
