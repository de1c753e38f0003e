use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::job::{EditRequest, Fingerprint};

use super::{LongText, PredictionId, RateLimits, StatusPath};

/// The requests of a runner to an API: [`super::client::Client`], or a simulated one in tests.
pub trait EditApi: Send + Sync + 'static {
    /// Sends a submit exactly once, or not at all if a local picture is not the `intended` one any more.
    fn submit(&self, request: &EditRequest, intended: &Intended) -> impl Future<Output = Exchange> + Send;

    /// Polls a prediction once, at `path` if the answer to its submit had one.
    fn poll(&self, prediction: &PredictionId, path: Option<&StatusPath>) -> impl Future<Output = Exchange> + Send;

    /// Returns the path for polling a prediction, given the URL in the answer to its submit; `None` if it can be
    /// derived from the id.
    fn status_path(&self, _prediction: &PredictionId, _status_url: &str) -> Option<StatusPath> {
        None
    }
}

/// The edit that a submit belongs to in the journal. A re-roll sends another seed.
#[derive(Clone, Debug)]
pub struct Intended {
    /// Its fingerprint, which depends on the content of local pictures.
    pub fingerprint: Fingerprint,
    /// Its request.
    pub request: Arc<EditRequest>,
}

/// The outcome of a request: an answer, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// The server answered.
    Answer(Answer),
    /// There was no complete answer.
    Fault(Fault),
}

impl Exchange {
    /// Returns the limits in the headers of the answer, if any.
    pub fn limits(&self) -> Option<RateLimits> {
        match self {
            Exchange::Answer(answer) => answer.limits,
            Exchange::Fault(_) => None,
        }
    }
}

/// An answer of the server, unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The value of the `Retry-After` header.
    pub retry_after: Option<String>,
    /// The value of the `Date` header: the time on the server's clock.
    pub date: Option<String>,
    /// The limits in the headers.
    pub limits: Option<RateLimits>,
    /// The body, up to a maximum length. In the place of each long text, it has an object with the text's number.
    pub body: Vec<u8>,
    /// The long texts of the body.
    pub long_texts: Vec<LongText>,
}

/// The reason why there is no complete answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request could not be created: a picture could not be read or has changed, or the request cannot be expressed
    /// in HTTP. Nothing was sent.
    Unreadable(String),
    /// No connection was made (DNS, refused, TLS), or the server refused the stream unprocessed.
    NotSent(String),
    /// The request may have arrived: a timeout, a reset.
    Unknown(String),
    /// The answer is a success, but its body broke off.
    BrokenOff {
        /// The observed error.
        cause: String,
        /// The beginning of the body, up to a maximum length.
        begun: Vec<u8>,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Unreadable(cause)
            | Fault::NotSent(cause)
            | Fault::Unknown(cause)
            | Fault::BrokenOff { cause, begun: _ } => formatter.write_str(cause),
        }
    }
}
