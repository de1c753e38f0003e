//! The aggregated state of all records of a journal: every edit, and the money.

mod aggregates;
mod costs;
mod details;
mod known_predictions;
#[expect(clippy::module_inception, reason = "the folder has the name of its central type")]
mod ledger;
mod money;
mod redone;
mod run_end;
mod run_state;
mod same_state;
mod snapshot;

pub use aggregates::Pause;
pub use costs::Costs;
pub use details::ShownFingerprints;
pub use ledger::{Ledger, LedgerError};
pub use money::SpendBaseline;
pub use redone::Redone;
pub use run_end::RunEnd;
pub use run_state::RunState;
#[cfg(test)]
pub(crate) use same_state::assert_same_state;
