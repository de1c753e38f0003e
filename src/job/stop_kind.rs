use serde::{Deserialize, Serialize};

use super::words;

/// The kind of reason why a run stopped before its work was done, as one word for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopKind {
    /// The user interrupted it.
    Signal,
    /// `--deadline` has passed.
    Deadline,
    /// The time of `--not-after` has come.
    NotAfter,
    /// The next submit could exceed the folder's budget.
    Budget,
    /// The next submit could exceed the run's budget.
    BudgetPerRun,
    /// A submit costs more than the price limit, or than the run's whole budget.
    Price,
    /// The provider's balance is used up.
    Balance,
    /// The provider cannot be reached.
    Unreachable,
    /// The provider keeps answering 429.
    RateLimited,
    /// The provider fails for every job.
    Failing,
    /// Predictions could not be polled.
    Unanswered,
    /// The disk is full.
    Disk,
    /// The key is refused.
    Key,
    /// The account is refused.
    Account,
    /// The API is somewhere else, or answers in an unknown form.
    Endpoint,
}

words!(
    StopKind,
    "signal" => StopKind::Signal,
    "deadline" => StopKind::Deadline,
    "not_after" => StopKind::NotAfter,
    "budget" => StopKind::Budget,
    "budget_per_run" => StopKind::BudgetPerRun,
    "price" => StopKind::Price,
    "balance" => StopKind::Balance,
    "unreachable" => StopKind::Unreachable,
    "rate_limited" => StopKind::RateLimited,
    "failing" => StopKind::Failing,
    "unanswered" => StopKind::Unanswered,
    "disk" => StopKind::Disk,
    "key" => StopKind::Key,
    "account" => StopKind::Account,
    "endpoint" => StopKind::Endpoint
);

impl StopKind {
    /// Returns whether the user planned the stop, by a time limit or the budget of the run, so that the next run
    /// continues.
    pub fn is_planned(self) -> bool {
        matches!(self, StopKind::Deadline | StopKind::NotAfter | StopKind::BudgetPerRun)
    }

    /// Returns whether the run can be resumed as it is. If not, something has to be put right first.
    pub fn is_resumable(self) -> bool {
        match self {
            StopKind::Disk | StopKind::Key | StopKind::Account | StopKind::Endpoint => false,
            StopKind::Signal
            | StopKind::Deadline
            | StopKind::NotAfter
            | StopKind::Budget
            | StopKind::BudgetPerRun
            | StopKind::Price
            | StopKind::Balance
            | StopKind::Unreachable
            | StopKind::RateLimited
            | StopKind::Failing
            | StopKind::Unanswered => true,
        }
    }
}
