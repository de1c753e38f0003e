use std::time::Duration;

use crate::api::wire::PredictionId;
use crate::job::{Cents, ErrorClass};

use super::Finished;

/// The outcome of a submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// The provider accepted it.
    Accepted {
        /// The prediction's id.
        prediction: PredictionId,
        /// Its price, if the answer has one.
        cost: Option<Cents>,
        /// The URL for polling it, if the answer has one.
        status_url: Option<String>,
        /// Its result, if the answer has it, as in sync mode.
        result: Option<Finished>,
    },
    /// It was certainly not accepted, and may be sent again.
    NotAccepted {
        /// The observed error.
        cause: String,
        /// The reason.
        reason: Obstacle,
    },
    /// It was certainly not accepted, and the same request will never be.
    Failed {
        /// The class of the error.
        class: ErrorClass,
        /// The observed error.
        message: String,
    },
    /// It was certainly not accepted, and no other submit would be.
    Stop(Stop),
    /// It certainly was not accepted, because of this request alone or because of something that all have in common.
    Doubtful {
        /// What may be wrong for all requests.
        suspect: Suspect,
        /// The observed error.
        message: String,
    },
    /// It is unknown whether it was accepted.
    Uncertain {
        /// The observed error.
        message: String,
        /// The reason.
        doubt: Doubt,
    },
}

/// What may be wrong for all requests, if several in a row are refused because of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspect {
    /// The key. It is never about the request.
    Key,
    /// What the key may do.
    Permission,
    /// The account, which is refused with the words of a refused request, such as "flagged".
    Account,
    /// The base URL or the model.
    Endpoint,
}

/// The reason why it is unknown whether a submit was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// There was no usable answer.
    Unanswered,
    /// It may have been accepted, but the answer has no id in the expected place.
    NoId {
        /// What the answer lacks, without its body.
        lack: String,
    },
    /// The answer is a redirect.
    Redirected,
    /// It names this prediction, which belongs to another job.
    Taken(PredictionId),
}

/// The reason why a submit that may be sent again was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The provider asked to slow down, possibly with a wait.
    RateLimited(Option<Duration>),
    /// No connection was made.
    Unreachable,
}

/// The reason why no further request makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The key was refused.
    Auth(String),
    /// Nothing of the account is accepted.
    Account(String),
    /// The balance is used up.
    Balance(String),
    /// The base URL redirects to another one.
    Redirected(String),
    /// The answers to submits have no id that can be used.
    NoId(String),
    /// The server has no such endpoint.
    NoEndpoint(String),
}
