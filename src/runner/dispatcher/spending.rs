//! Decides whether budget and price allow one more submit. Pure.

use crate::job::Cents;
use crate::journal::{Ledger, SpendBaseline};
use crate::runner::{Settings, StopReason};

/// The limits of a run's spending, and the prices seen in the run.
#[derive(Debug)]
pub(super) struct Spending {
    /// The limit of what the folder may cost over its whole life.
    budget: Option<Cents>,
    /// The limit of what the submits of this run may cost.
    budget_per_run: Option<Cents>,
    /// The highest price that a submit may have.
    price_limit: Cents,
    /// The spending before this run.
    baseline: SpendBaseline,
    /// How many submits of this run were answered since the price last rose. It starts at 0 because the price may
    /// have changed since the previous run.
    answered_at_current_price: u64,
    /// How many accepted submits of this run were answered without a price.
    unpriced: u64,
}

impl Spending {
    /// Creates the limits from `settings` for a run that starts with `ledger`.
    pub(super) fn new(settings: &Settings, ledger: &Ledger) -> Spending {
        Spending {
            budget: settings.budget,
            budget_per_run: settings.budget_per_run,
            price_limit: settings.price_limit,
            baseline: ledger.baseline(),
            answered_at_current_price: 0,
            unpriced: 0,
        }
    }

    /// Returns the limit that one more submit could exceed, if there is one.
    pub(super) fn stop_reason(&self, ledger: &Ledger) -> Option<StopReason> {
        let price = ledger.estimate();
        if let Some(reason) = self.above_price_limit(price) {
            return Some(reason);
        }
        if let Some(budget) = self.budget.filter(|_| !self.fits_budget(ledger, Cents::ZERO)) {
            return Some(StopReason::Budget { budget, taken: ledger.spent() + ledger.reserved(), price });
        }
        match self.budget_per_run? {
            budget if price > budget => Some(StopReason::BelowPrice { budget, price }),
            _ if self.fits_run_budget(ledger, Cents::ZERO) => None,
            budget => Some(StopReason::BudgetPerRun { budget, price }),
        }
    }

    /// Returns whether one more submit stays within the budget, even if all open and uncertain ones are charged, and it
    /// and the open ones cost `rise` more than estimated.
    fn fits_budget(&self, ledger: &Ledger, rise: Cents) -> bool {
        let cost = ledger.spent() + ledger.reserved() + ledger.estimate() + rise;
        self.budget.is_none_or(|budget| cost <= budget)
    }

    /// Returns the same for the budget of this run. What earlier runs spent or left uncertain does not count.
    fn fits_run_budget(&self, ledger: &Ledger, rise: Cents) -> bool {
        let cost = ledger.committed_since(&self.baseline) + ledger.estimate() + rise;
        self.budget_per_run.is_none_or(|budget| cost <= budget)
    }

    /// Returns why no more is submitted at this price, if it is above the limit.
    pub(super) fn above_price_limit(&self, price: Cents) -> Option<StopReason> {
        let limit = self.price_limit;
        (price > limit).then_some(StopReason::AbovePriceLimit { limit, price })
    }

    /// Returns whether one more submit must wait for the answers to the `submitting` open ones.
    pub(super) fn must_wait(&self, ledger: &Ledger, submitting: u64) -> bool {
        submitting > 0 && (self.awaits_price(submitting) || self.could_pass_a_ceiling(ledger, submitting))
    }

    /// Returns whether one more submit could exceed a budget if all open ones cost the price limit. Near the budget,
    /// each submit thus waits for the price of the previous one.
    fn could_pass_a_ceiling(&self, ledger: &Ledger, submitting: u64) -> bool {
        let rise = self.price_limit.minus(ledger.estimate()).times(submitting + 1);
        !self.fits_budget(ledger, rise) || !self.fits_run_budget(ledger, rise)
    }

    /// Returns whether no more submits may be open, because their number has reached that of submits answered at the
    /// current price. With a budget, the first submit of a run therefore goes alone, and the number doubles with each
    /// round.
    fn awaits_price(&self, submitting: u64) -> bool {
        self.budget.or(self.budget_per_run).is_some() && submitting >= self.answered_at_current_price
    }

    /// Records the price of an accepted submit, if the answer names one; `estimate` is the highest price so far.
    /// Returns the price that is booked.
    pub(super) fn answered(&mut self, price: Option<Cents>, estimate: Cents) -> Cents {
        let is_rise = price.is_some_and(|price| price > estimate);
        self.answered_at_current_price = if is_rise { 1 } else { self.answered_at_current_price + 1 };
        price.unwrap_or(estimate)
    }

    /// Counts an answer without a price. Returns whether it is the first one, which is reported at once.
    pub(super) fn is_first_unpriced(&mut self, price: Option<Cents>) -> bool {
        self.unpriced += u64::from(price.is_none());
        price.is_none() && self.unpriced == 1
    }

    /// Returns how many accepted submits were answered without a price.
    pub(super) fn unpriced(&self) -> u64 {
        self.unpriced
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::job::JobId;
    use crate::journal::{EditKey, Record, Step};

    /// A ledger with this many open submits, each at 7 cents.
    fn submitting(count: u32) -> Ledger {
        let mut ledger = Ledger::default();
        for number in 0..count {
            let job = JobId::new(&format!("job-{number}")).unwrap();
            let key = EditKey { job, fingerprint: "00000000000000000000000000000000".parse().unwrap() };
            let step = Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: None };
            ledger.apply(Timestamp::UNIX_EPOCH, &Record::Edit(key, step)).unwrap();
        }
        ledger
    }

    fn spending(settings: &Settings) -> Spending {
        Spending::new(settings, &Ledger::default())
    }

    #[test]
    fn one_more_submit_has_to_fit_the_budgets_in_addition_to_what_is_reserved() {
        let folder = spending(&Settings { budget: Some(Cents(20)), ..Settings::default() });
        let run = spending(&Settings { budget_per_run: Some(Cents(20)), ..Settings::default() });
        assert_eq!((folder.stop_reason(&submitting(1)), run.stop_reason(&submitting(1))), (None, None));
        assert_eq!(
            folder.stop_reason(&submitting(2)),
            Some(StopReason::Budget { budget: Cents(20), taken: Cents(14), price: Cents(7) })
        );
        assert_eq!(
            run.stop_reason(&submitting(2)),
            Some(StopReason::BudgetPerRun { budget: Cents(20), price: Cents(7) })
        );
        let later = Spending::new(&Settings { budget_per_run: Some(Cents(20)), ..Settings::default() }, &submitting(2));
        assert_eq!(later.stop_reason(&submitting(2)), None, "what earlier runs have reserved is not this one's");
    }

    #[test]
    fn a_price_above_a_limit_stops_a_run_before_its_first_submit() {
        let price = Cents(7);
        let cheap = spending(&Settings { price_limit: Cents(6), ..Settings::default() });
        let reason = StopReason::AbovePriceLimit { limit: Cents(6), price };
        assert_eq!(cheap.stop_reason(&Ledger::default()), Some(reason));
        let small = spending(&Settings { budget_per_run: Some(Cents(6)), ..Settings::default() });
        let reason = StopReason::BelowPrice { budget: Cents(6), price };
        assert_eq!(small.stop_reason(&Ledger::default()), Some(reason));
    }

    #[test]
    fn near_a_ceiling_a_submit_waits_where_a_price_at_its_limit_could_pass_it() {
        let settings = Settings { budget: Some(Cents(140)), price_limit: Cents(70), ..Settings::default() };
        let spending = spending(&settings);
        assert!(!spending.could_pass_a_ceiling(&submitting(1), 1), "two at 70 are 140");
        assert!(spending.could_pass_a_ceiling(&submitting(2), 2));
    }

    #[test]
    fn under_a_budget_as_many_submits_go_side_by_side_as_were_answered_since_the_price_rose() {
        let settings = Settings { budget: Some(Cents(1_000_000)), ..Settings::default() };
        let mut bounded = spending(&settings);
        let waits =
            |spending: &Spending| [0, 1, 2, 3].map(|count| spending.must_wait(&submitting(count), count.into()));
        assert_eq!(waits(&bounded), [false, true, true, true], "the first goes alone");
        for _ in 0..2 {
            assert_eq!(bounded.answered(Some(Cents(7)), Cents(7)), Cents(7));
        }
        assert_eq!(waits(&bounded), [false, false, true, true]);
        assert_eq!(bounded.answered(Some(Cents(9)), Cents(7)), Cents(9));
        assert_eq!(waits(&bounded), [false, true, true, true], "the price is new again");
        assert_eq!(waits(&spending(&Settings::default())), [false; 4], "without a budget nothing waits");
    }

    #[test]
    fn an_answer_without_a_price_is_booked_at_the_highest_so_far_and_reported_once() {
        let mut spending = spending(&Settings::default());
        assert_eq!(spending.answered(None, Cents(9)), Cents(9));
        assert_eq!([Some(Cents(7)), None, None].map(|price| spending.is_first_unpriced(price)), [false, true, false]);
        assert_eq!(spending.unpriced(), 2);
    }
}
