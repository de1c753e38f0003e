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
        if let (Step::Accepted { .. } | Step::Adopted { .. }, EditState::Uncertain) = (step, &edit.state) {
            self.held = self.held.minus(edit.reserved_for_lost_answer().unwrap_or_default());
            self.held_submits = self.held_submits.saturating_sub(1);
        }
        if let Step::Accepted { cost_cents, .. } | Step::Adopted { cost_cents, .. } = step {
            self.spent += *cost_cents;
            self.estimate = self.estimate.max(*cost_cents);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use jiff::Timestamp;

    use super::*;
    use crate::api::PredictionId;
    use crate::job::{ErrorClass, JobId};
    use crate::journal::random_journal::{choices, random_journal};
    use crate::journal::{EditKey, Ledger, Record};

    #[test]
    fn a_submit_whose_prediction_was_named_wrongly_is_paid_for_once() {
        let key = EditKey { job: JobId::new("mug").unwrap(), fingerprint: format!("{:032x}", 1).parse().unwrap() };
        let id = |text: &str| PredictionId::new(text).unwrap();
        let adopted = |prediction, cost_cents, replaces: Option<&str>| Step::Adopted {
            prediction: id(prediction),
            cost_cents,
            replaces: replaces.map(id),
        };
        let lost = || Step::Failed { class: ErrorClass::Lost, message: "HTTP 404".to_owned() };
        let mut ledger = Ledger::default();
        let mut apply = |step| ledger.apply(Timestamp::UNIX_EPOCH, &Record::Edit(key.clone(), step));
        apply(Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: None }).unwrap();
        apply(Step::unanswered()).unwrap();
        apply(adopted("wrong", Cents(7), None)).unwrap();
        apply(lost()).unwrap();
        apply(adopted("right", Cents::ZERO, Some("wrong"))).unwrap();
        assert_eq!((ledger.spent(), ledger.reserved()), (Cents(7), Cents::ZERO));
        let other = EditKey { job: JobId::new("vase").unwrap(), ..key.clone() };
        assert!(!ledger.is_of_another(&id("wrong"), &other) && ledger.is_of_another(&id("right"), &other));

        let can_follow = |step: &Step| ledger.live(&key).unwrap().next(step).is_some();
        assert!(can_follow(&adopted("again", Cents::ZERO, Some("right"))));
        assert!(!can_follow(&adopted("again", Cents(7), Some("right"))), "its cost was counted");
        assert!(!can_follow(&adopted("again", Cents::ZERO, Some("wrong"))));
        assert!(!can_follow(&adopted("again", Cents(7), None)));
    }

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
