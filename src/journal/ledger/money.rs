use serde::{Deserialize, Serialize};

use crate::job::Cents;
use crate::journal::edits::Edit;
use crate::journal::format::{EditState, Step};

/// The price of a submit before any answer has stated one, in cents. The provider documents "from $0.07".
const FIRST_ESTIMATE: Cents = Cents(7);

/// The money spent and reserved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::journal) struct Money {
    pub(in crate::journal) spent: Cents,
    open: Cents,
    open_submits: u64,
    held: Cents,
    held_submits: u64,
    pub(in crate::journal) estimate: Cents,
}

/// The money totals at a point in time, for differences.
#[derive(Clone, Debug)]
pub struct SpendBaseline(Money);

impl Default for Money {
    fn default() -> Money {
        let none = Cents::ZERO;
        Money { spent: none, open: none, open_submits: 0, held: none, held_submits: 0, estimate: FIRST_ESTIMATE }
    }
}

impl Money {
    pub(in crate::journal) fn reserved(&self) -> Cents {
        let at_least = |sum: Cents, count: u64| sum.max(self.estimate.times(count));
        at_least(self.open, self.open_submits) + at_least(self.held, self.held_submits)
    }

    pub(in crate::journal) fn baseline(&self) -> SpendBaseline {
        SpendBaseline(self.clone())
    }

    /// Returns the money committed since `baseline`: spent, or reserved for open and uncertain submits.
    pub(in crate::journal) fn since(&self, baseline: &SpendBaseline) -> Cents {
        let SpendBaseline(before) = baseline;
        let count = (self.open_submits + self.held_submits).saturating_sub(before.open_submits + before.held_submits);
        let sum = (self.open + self.held).minus(before.open + before.held);
        self.spent.minus(before.spent) + sum.max(self.estimate.times(count))
    }

    /// Applies a step to the money. `edit` is in its state before the step.
    pub(in crate::journal) fn apply(&mut self, edit: &Edit, step: &Step) {
        if let Step::Intent { reserved_cents, .. } = step {
            self.open += *reserved_cents;
            self.open_submits += 1;
            return;
        }
        if let Step::Summary(summary) = step {
            self.spent += summary.spent;
            self.held += summary.reserved_for_uncertain;
            self.held_submits += summary.uncertain_submits;
            if let EditState::Submitting { reserved } = summary.state {
                self.open += reserved;
                self.open_submits += 1;
            }
        }
        if let Step::Released = step {
            self.held = self.held.minus(edit.reserved_for_uncertain);
            self.held_submits = self.held_submits.saturating_sub(edit.uncertain_submits);
        }
        if let EditState::Submitting { reserved } = edit.state {
            self.open = self.open.minus(reserved);
            self.open_submits = self.open_submits.saturating_sub(1);
            if let Step::Uncertain { .. } = step {
                self.held += reserved;
                self.held_submits += 1;
            }
        }
        if let (Step::Accepted { .. }, EditState::Uncertain) = (step, &edit.state) {
            self.held = self.held.minus(edit.reserved_for_lost_answer().unwrap_or_default());
            self.held_submits = self.held_submits.saturating_sub(1);
        }
        if let Step::Accepted { cost_cents, .. } = step {
            self.spent += *cost_cents;
            self.estimate = self.estimate.max(*cost_cents);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::random_journal::{choices, random_journal};

    proptest! {
        #[test]
        fn the_reservations_of_all_edits_are_the_money_that_is_reserved(choices in choices()) {
            let (ledger, _) = random_journal(&choices);
            let money = &ledger.aggregates.money;
            let reserved: Cents = ledger.reservations().map(|found| found.unwrap().1).sum();
            prop_assert_eq!(reserved, money.open + money.held);
        }
    }
}
