use crate::api::outcome::Stop;
use crate::job::{Cents, StopKind};
use crate::journal::PauseCause;
use crate::words::counted;

/// Why a run stopped before all work was done, without an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The user interrupted it.
    Signal,
    /// The deadline has passed.
    Deadline,
    /// The wall-clock time has come after which nothing is submitted.
    NotAfter,
    /// The next submit could exceed the budget.
    Budget {
        /// The budget.
        budget: Cents,
        /// What is spent or reserved of it.
        taken: Cents,
        /// The price of a submit.
        price: Cents,
    },
    /// The next submit could exceed the budget of this run.
    BudgetPerRun {
        /// The budget of the run.
        budget: Cents,
        /// The price of a submit.
        price: Cents,
    },
    /// One submit may cost more than the budget of a run, so no run can submit anything.
    BelowPrice {
        /// The budget of the run.
        budget: Cents,
        /// The price of a submit.
        price: Cents,
    },
    /// A submit costs more than the price limit.
    AbovePriceLimit {
        /// The price limit.
        limit: Cents,
        /// The price of a submit.
        price: Cents,
    },
    /// The provider was unreachable for too long.
    Unreachable(String),
    /// The provider answered every submit with 429 for too long.
    RateLimited(String),
    /// The provider failed for every job for too long.
    Failing(String),
    /// The disk has no space for more pictures.
    NoRoom(String),
    /// This many predictions could not be polled, and are still at the provider.
    Unanswered(u64),
    /// The API said that no further request makes sense.
    Api(Stop),
}

impl StopReason {
    /// Whether the user or the clock stopped the run, so that the reason says nothing if all work was done.
    pub(super) fn is_external(&self) -> bool {
        matches!(self, StopReason::Signal | StopReason::Deadline | StopReason::NotAfter)
    }

    /// Returns the reason for a `cause` that has lasted for too long; `message` is the last failure.
    pub(super) fn from_pause(cause: PauseCause, message: String) -> StopReason {
        match cause {
            PauseCause::RateLimited => StopReason::RateLimited(message),
            PauseCause::Unreachable => StopReason::Unreachable(message),
            PauseCause::Failing => StopReason::Failing(message),
        }
    }

    /// Returns the word for programs.
    pub fn kind(&self) -> StopKind {
        match self {
            StopReason::Signal => StopKind::Signal,
            StopReason::Deadline => StopKind::Deadline,
            StopReason::NotAfter => StopKind::NotAfter,
            StopReason::Budget { .. } => StopKind::Budget,
            StopReason::BudgetPerRun { .. } => StopKind::BudgetPerRun,
            StopReason::BelowPrice { .. } | StopReason::AbovePriceLimit { .. } => StopKind::Price,
            StopReason::Unreachable(_) => StopKind::Unreachable,
            StopReason::RateLimited(_) => StopKind::RateLimited,
            StopReason::Failing(_) => StopKind::Failing,
            StopReason::NoRoom(_) => StopKind::Disk,
            StopReason::Unanswered(_) => StopKind::Unanswered,
            StopReason::Api(Stop::Auth(_)) => StopKind::Key,
            StopReason::Api(Stop::Account(_)) => StopKind::Account,
            StopReason::Api(Stop::Balance(_)) => StopKind::Balance,
            StopReason::Api(Stop::Redirected(_) | Stop::NoId(_) | Stop::NoEndpoint(_)) => StopKind::Endpoint,
        }
    }
}

impl std::fmt::Display for StopReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StopReason::Signal => formatter.write_str("interrupted by Ctrl-C, SIGTERM or SIGHUP"),
            StopReason::Deadline => formatter.write_str("the deadline has passed"),
            StopReason::NotAfter => formatter.write_str("the time of --not-after has come"),
            StopReason::Budget { budget, taken, .. } if taken > budget => write!(
                formatter,
                "{taken} is spent or reserved, more than the budget of {budget}, because a price rose or the budget was \
                 lowered: raise --budget to continue"
            ),
            StopReason::Budget { budget, taken, price } => write!(
                formatter,
                "the next submit ({price}) could exceed the budget of {budget}, of which {taken} is spent or reserved: raise \
                 --budget to continue"
            ),
            StopReason::BudgetPerRun { budget, price } => {
                write!(formatter, "the next submit ({price}) could exceed this run's budget of {budget}")
            }
            StopReason::BelowPrice { budget, price } => write!(
                formatter,
                "a submit may cost {price}, which is more than the run's budget of {budget}: raise --budget-per-run to at \
                 least {price}, or use only --budget"
            ),
            StopReason::AbovePriceLimit { limit, price } => write!(
                formatter,
                "a submit costs {price}, more than the limit of {limit}: check the provider's dashboard, and raise \
                 --price-limit to pay this price"
            ),
            StopReason::Unreachable(cause) => write!(formatter, "the API cannot be reached: {cause}"),
            StopReason::RateLimited(cause) => write!(formatter, "the API keeps refusing requests with 429: {cause}"),
            StopReason::Failing(cause) => write!(formatter, "the API fails for every job: {cause}"),
            StopReason::NoRoom(message) => write!(formatter, "{message}: free some space, then run again"),
            StopReason::Unanswered(jobs) => {
                write!(formatter, "{} could not be polled", counted(*jobs, "prediction"))
            }
            StopReason::Api(Stop::Auth(message)) => {
                write!(
                    formatter,
                    "the API refused the key ({message}): check VIBEDREAM_API_KEY, or the file that it is read from"
                )
            }
            StopReason::Api(Stop::Account(message)) => write!(
                formatter,
                "the API refuses everything ({message}): ask the provider about your account, or reword the prompts if the \
                 message is about them"
            ),
            StopReason::Api(Stop::Balance(message)) => write!(formatter, "the balance is used up ({message})"),
            StopReason::Api(Stop::Redirected(message)) => write!(formatter, "the API redirects elsewhere ({message})"),
            StopReason::Api(Stop::NoEndpoint(message)) => {
                write!(formatter, "the API has no such endpoint ({message}): check --base-url and the model")
            }
            StopReason::Api(Stop::NoId(message)) => write!(
                formatter,
                "this version of the program finds no prediction id in the API's answers to submits ({message})"
            ),
        }
    }
}
