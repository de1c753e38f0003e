//! The meaning of an exchange. Pure, and decided on the HTTP status first.
//!
//! # Submits
//!
//! The documented API has neither an idempotency key nor a list of predictions, so a submit whose fate is unknown
//! cannot be looked up, and sending it again could pay twice.
//!
//! | what came | outcome | because |
//! |---|---|---|
//! | 2xx with an id | accepted, or in sync mode its result | the id shows that it was accepted; without a price, the estimate is booked and reported |
//! | 2xx without an id that can be used | uncertain; twice in a row, no more submits | something was accepted, and its id is not known |
//! | 2xx with HTML or torn JSON | uncertain | something may have been accepted, and its id is not known |
//! | 2xx with the id that an earlier submit was given | uncertain | its pictures would be those of another edit; the runner checks this |
//! | DNS, refused, TLS before the request went out | sent again after a wait | nothing was accepted |
//! | a local picture cannot be read, or the request cannot be built | failed, `input` | nothing was sent |
//! | timeout, reset, a body that breaks off | uncertain | it may have arrived |
//! | 429 | sent again after the hinted wait, which holds for all | nothing was accepted |
//! | 408, 5xx, 303 and other 3xx | uncertain | the provider may have begun |
//! | 301, 302, 307, 308 | uncertain, and no more submits | a server may accept a submit and then redirect; the base URL is not that of the API |
//! | 401 | no more submits; what is in flight finishes | every other submit would be refused as well |
//! | 403 about moderation | failed, `moderated` | the same request would be refused again |
//! | other 403 | failed, `rejected`, if the key was accepted before; otherwise tried again, three in a row are a 401 | it may be about this request or about the key |
//! | 404, 405, 410 | failed, `rejected`, if a submit was answered before; otherwise tried again, three in a row end the submits | it may be about this request or about the base URL and the model |
//! | 402 | no more submits; what is in flight finishes | the balance is used up |
//! | other 4xx | failed, `moderated` or `rejected` | the same request would be refused again |
//!
//! # Polls
//!
//! A poll costs nothing, so its errors do not fail the job: the poll is repeated. Statuses are read in any letter case.
//!
//! | what came | outcome |
//! |---|---|
//! | `completed` with outputs | completed |
//! | `completed` with more than 16 outputs | completed with the first 16, which is reported: an edit makes one |
//! | `completed` with no outputs | failed, `provider` |
//! | `completed` with outputs of an unknown form | failed, `download`: later runs poll it again at no cost |
//! | `failed`, `canceled`, `cancelled`, `timeout`, `deleted`, `aborted` | failed, `moderated` or `provider` |
//! | `processing` and any other word | in progress |
//! | 404, 410 | not found: tolerated right after the submit, `lost` later |
//! | 401, 403 | asked again; where no poll is answered in another way for a while, the run stops |
//! | 429 | asked again after the hinted wait, and all of them more slowly where that helps |
//! | another prediction's id | asked again: its pictures are another job's |
//! | anything else | asked again |

mod prediction;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::job::{Cents, ErrorClass};

use super::hint::wait_hint;
use super::wire::{self, PredictionId};
use super::{Answer, Exchange, Fault};
use prediction::of_prediction;

/// The outcome of a submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// The provider accepted it.
    Accepted {
        /// The prediction's id.
        prediction: PredictionId,
        /// Its price, where the answer names one.
        cost: Option<Cents>,
        /// The URL under which it may be asked for, where the answer names one.
        status_url: Option<String>,
        /// Its progress: in sync mode the answer may be the result.
        progress: PollOutcome,
    },
    /// It certainly was not accepted, and may be sent again.
    NotAccepted {
        /// The observed error.
        cause: String,
        /// The reason.
        reason: Obstacle,
    },
    /// It certainly was not accepted, and the same request never will be.
    Failed {
        /// The kind of failure.
        class: ErrorClass,
        /// The observed error.
        message: String,
    },
    /// It certainly was not accepted, and no other would be.
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
    /// The key.
    Key,
    /// The base URL or the model.
    Endpoint,
}

/// The reason why it is unknown whether a submit was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// There was no usable answer.
    Unanswered,
    /// It was accepted, but the answer has no id where this version looks for it.
    NoId,
    /// The answer leads elsewhere.
    Redirected,
}

/// The reason why a submit that may be sent again was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The provider asked to slow down, and may have said for how long.
    RateLimited(Option<Duration>),
    /// No connection was made.
    Unreachable,
}

/// The reason why no further request makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The key was refused.
    Auth(String),
    /// The balance is used up.
    Balance(String),
    /// The base URL leads elsewhere.
    Redirected(String),
    /// Submits are accepted, but their answers have no id that can be used.
    NoId(String),
    /// The server has no such endpoint.
    NoEndpoint(String),
}

/// The outcome of a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollOutcome {
    /// Still in progress.
    InProgress {
        /// The provider's status, if it is not a documented one.
        unknown_status: Option<String>,
    },
    /// It has ended.
    Finished(Finished),
    /// The provider does not know the prediction.
    NotFound,
    /// No usable answer; asking again is free.
    Again {
        /// The observed error.
        cause: String,
        /// The wait that the provider asked for.
        wait: Option<Duration>,
        /// The reason.
        reason: Unanswered,
    },
}

/// The way in which a prediction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// With at least one output: a URL, a `data:` URI or bare base64.
    Completed {
        /// The outputs, in order.
        outputs: Vec<String>,
        /// The count of further outputs, which are not fetched.
        surplus: usize,
        /// The generation time by the provider's clock, if the answer contains it.
        took: Option<Duration>,
    },
    /// Reported as completed, but without outputs.
    NoOutputs,
    /// With outputs whose form is not known.
    UnknownOutputs {
        /// The outputs, cut to a maximum length.
        excerpt: String,
    },
    /// Without a picture.
    Failed {
        /// The kind of failure.
        class: ErrorClass,
        /// The provider's message.
        message: String,
    },
}

/// The reason why a poll has no usable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The key was refused, which may affect that poll alone.
    Refused,
    /// The provider asked to slow down, which is no failure.
    RateLimited,
    /// Anything else.
    Failed,
}

/// Returns the outcome of a submit.
pub fn of_submit(exchange: &Exchange, now: Timestamp) -> SubmitOutcome {
    let answer = match exchange {
        Exchange::Answer(answer) => answer,
        Exchange::Fault(Fault::Unreadable(cause)) => {
            return SubmitOutcome::Failed { class: ErrorClass::Input, message: cause.clone() };
        }
        Exchange::Fault(Fault::NotSent(cause)) => {
            return SubmitOutcome::NotAccepted { cause: cause.clone(), reason: Obstacle::Unreachable };
        }
        Exchange::Fault(Fault::Unknown(cause)) => return uncertain(cause.clone()),
    };
    match answer.status {
        200..=299 => of_acceptance(answer),
        301 | 302 | 307 | 308 => SubmitOutcome::Uncertain { message: excerpt(answer), doubt: Doubt::Redirected },
        401 => SubmitOutcome::Stop(Stop::Auth(excerpt(answer))),
        403 => {
            let message = excerpt(answer);
            match refusal_class(&message, ErrorClass::Rejected) {
                ErrorClass::Moderated => SubmitOutcome::Failed { class: ErrorClass::Moderated, message },
                _ => SubmitOutcome::Doubtful { suspect: Suspect::Key, message },
            }
        }
        402 => SubmitOutcome::Stop(Stop::Balance(excerpt(answer))),
        429 => {
            SubmitOutcome::NotAccepted { cause: excerpt(answer), reason: Obstacle::RateLimited(wait_hint(answer, now)) }
        }
        404 | 405 | 410 => SubmitOutcome::Doubtful { suspect: Suspect::Endpoint, message: excerpt(answer) },
        400 | 406 | 407 | 409 | 411..=499 => {
            let message = excerpt(answer);
            SubmitOutcome::Failed { class: refusal_class(&message, ErrorClass::Rejected), message }
        }
        _ => uncertain(excerpt(answer)),
    }
}

/// Returns the outcome of a poll of the prediction `asked`.
pub fn of_poll(exchange: &Exchange, asked: &PredictionId, now: Timestamp) -> PollOutcome {
    let answer = match exchange {
        Exchange::Answer(answer) => answer,
        Exchange::Fault(fault) => {
            return failed_poll(fault.to_string());
        }
    };
    match answer.status {
        200..=299 => match json(&answer.body) {
            Ok(body) if is_about_another(&body, asked) => {
                failed_poll(format!("an answer about another prediction than {asked}"))
            }
            Ok(body) => of_prediction(&body),
            Err(_) => failed_poll(excerpt(answer)),
        },
        404 | 410 => PollOutcome::NotFound,
        status => PollOutcome::Again {
            cause: excerpt(answer),
            wait: wait_hint(answer, now),
            reason: match status {
                401 | 403 => Unanswered::Refused,
                429 => Unanswered::RateLimited,
                _ => Unanswered::Failed,
            },
        },
    }
}

fn failed_poll(cause: String) -> PollOutcome {
    PollOutcome::Again { cause, wait: None, reason: Unanswered::Failed }
}

fn of_acceptance(answer: &Answer) -> SubmitOutcome {
    // The id may be in another place or of another form, so the message keeps the body and not only its text.
    let without_id = |reason: &str| SubmitOutcome::Uncertain {
        message: format!("HTTP {} {reason}: {}", answer.status, cut(&String::from_utf8_lossy(&answer.body))),
        doubt: Doubt::NoId,
    };
    let body = match json(&answer.body) {
        Ok(body) => body,
        Err(_) if answer.body.trim_ascii().is_empty() => return without_id("without a body"),
        Err(_) => return uncertain(format!("{}, which is not JSON", excerpt(answer))),
    };
    match body["id"].as_str().map(PredictionId::new) {
        Some(Ok(prediction)) => SubmitOutcome::Accepted {
            prediction,
            cost: cents(&body["costCents"]),
            status_url: body["statusUrl"].as_str().map(str::to_owned),
            // The answer to a submit has no outputs yet, so one that says `completed` is polled.
            progress: match of_prediction(&body) {
                PollOutcome::Finished(Finished::NoOutputs) => PollOutcome::InProgress { unknown_status: None },
                progress => progress,
            },
        },
        Some(Err(_)) => without_id("with an id that cannot be used"),
        None => without_id("without an id"),
    }
}

/// Parses a body, with or without a byte order mark.
fn json(body: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body))
}

/// Whether an answer has another prediction's id: a faulty cache or proxy must not give a job another job's picture.
fn is_about_another(body: &Value, asked: &PredictionId) -> bool {
    body["id"].as_str().is_some_and(|id| !id.eq_ignore_ascii_case(asked.as_str()))
}

fn uncertain(message: String) -> SubmitOutcome {
    SubmitOutcome::Uncertain { message, doubt: Doubt::Unanswered }
}

/// No edit costs more, in cents: a higher number is an error of the provider, and would spoil every sum.
const MAX_PRICE: u64 = 100_000;

/// Returns a price in whole cents, from a number or its text, rounded up, at most [`MAX_PRICE`]. `None` for a price of 0,
/// with which a budget would limit nothing. `0.07 * 100` in floating point is 7 cents.
fn cents(value: &Value) -> Option<Cents> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let number = number.filter(|number| number.is_finite() && *number > 0.0)?;
    Some(Cents(((number - 1e-6).ceil().max(1.0) as u64).min(MAX_PRICE)))
}

/// Returns the class of a refusal: moderated if its message mentions moderation, else `otherwise`.
fn refusal_class(message: &str, otherwise: ErrorClass) -> ErrorClass {
    let message = message.to_ascii_lowercase();
    let moderated =
        ["moderat", "flagged", "safety", "nsfw", "content policy"].iter().any(|word| message.contains(word));
    if moderated { ErrorClass::Moderated } else { otherwise }
}

/// Returns the status and the provider's message in one short line.
fn excerpt(answer: &Answer) -> String {
    let message = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(body) => wire::error_text(&body),
        Err(_) => None,
    };
    let message = message.unwrap_or_else(|| String::from_utf8_lossy(&answer.body).into_owned());
    let message = cut(&message);
    if message.is_empty() { format!("HTTP {}", answer.status) } else { format!("HTTP {}: {message}", answer.status) }
}

/// Returns a text as one line of at most 200 characters.
fn cut(text: &str) -> String {
    let mut line = String::new();
    for word in text
        .split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
    {
        if line.chars().count() + word.chars().count() >= 200 {
            line.extend(word.chars().take(200_usize.saturating_sub(line.chars().count())));
            line.push('…');
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests;
