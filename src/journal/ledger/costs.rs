use serde::Serialize;

use super::ledger::Ledger;
use crate::job::{Backend, Cents};

/// The cost of all submits of a folder, in cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Costs {
    /// Whether the sums were charged. If not, they are what the provider would charge.
    pub charged: bool,
    /// The cost of the accepted submits.
    pub spent: Cents,
    /// The possible further cost, of submits with an unknown price or outcome.
    pub reserved: Cents,
    /// The budget of the last run.
    pub budget: Option<Cents>,
}

impl Costs {
    /// Returns the costs of all runs that `ledger` knows.
    pub fn of(ledger: &Ledger) -> Costs {
        let run = ledger.last_run();
        Costs {
            charged: run.map(|run| run.backend).is_some_and(Backend::charges),
            spent: ledger.spent(),
            reserved: ledger.reserved(),
            budget: run.and_then(|run| run.budget_cents),
        }
    }
}
