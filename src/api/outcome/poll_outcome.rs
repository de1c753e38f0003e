use std::time::Duration;

use crate::api::Output;
use crate::api::wire::PredictionId;
use crate::job::ErrorClass;

/// The outcome of a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollOutcome {
    /// The prediction is in progress.
    InProgress {
        /// The provider's status, if it is not a documented one.
        unknown_status: Option<String>,
    },
    /// The prediction has ended.
    Finished(Finished),
    /// The provider does not know the prediction.
    NotFound {
        /// What the answer says.
        cause: String,
    },
    /// There is no usable answer. Polling again is free.
    Again {
        /// The observed error.
        cause: String,
        /// The wait that the provider asked for.
        wait: Option<Duration>,
        /// The reason.
        reason: Unanswered,
    },
}

/// The result of a prediction that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It has at least one output.
    Completed {
        /// The outputs, in order.
        outputs: Vec<Output>,
        /// The number of further outputs, which are not fetched.
        surplus: usize,
        /// The generation time by the provider's clock, if the answer contains it.
        took: Option<Duration>,
    },
    /// It was reported as completed, but has no outputs.
    NoOutputs,
    /// Its outputs are those of another prediction.
    OfAnother {
        /// That prediction.
        owner: PredictionId,
    },
    /// With outputs whose form is not known.
    UnknownOutputs {
        /// The outputs, cut to a maximum length.
        excerpt: String,
    },
    /// It has no picture.
    Failed {
        /// The class of the error.
        class: ErrorClass,
        /// The provider's message.
        message: String,
    },
}

/// The reason why a poll has no usable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The key was refused, possibly for that poll only.
    Refused,
    /// The provider asked to slow down, which is not a failure.
    RateLimited,
    /// The provider calls the poll itself wrong.
    Denied,
    /// Any other reason.
    Failed,
}
