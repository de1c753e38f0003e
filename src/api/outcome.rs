//! The interpretation of answers, based on the HTTP status first. No I/O.
//!
//! # Submits
//!
//! The documented API has neither idempotency keys nor a list of predictions, so a submit with an unknown outcome
//! cannot be looked up, and sending it again could pay twice.
//!
//! | answer | outcome | reason |
//! |---|---|---|
//! | 2xx with an id | accepted, or in sync mode its result | the id shows that it was accepted; without a price, the estimate is booked and reported |
//! | 2xx without a usable id | uncertain; twice in a row, if no answer had one, no more submits | something may have been accepted, and its id is not known |
//! | 2xx that breaks off after the id | accepted | the prediction can be polled |
//! | 2xx with HTML, or JSON that breaks off before | uncertain | something may have been accepted, and its id is not known |
//! | 2xx with the id of an earlier submit | uncertain | its pictures would be those of another edit; the runner checks this |
//! | DNS, refused, TLS before the request was sent | retried after a wait | nothing was accepted |
//! | a local picture cannot be read, or the request cannot be built | failed, `input` | nothing was sent |
//! | timeout, reset, incomplete body | uncertain | it may have arrived |
//! | 429 | retried after the hinted wait, which applies to all submits | nothing was accepted |
//! | 425 | retried like a submit that could not be sent | nothing was processed (RFC 8470) |
//! | 408, 5xx, 303 and other 3xx | uncertain | the provider may have accepted it |
//! | 301, 302, 307, 308 | uncertain, and no more submits | a server may accept a submit and then redirect; the base URL is not that of the API |
//! | 401 | retried, and three in a row end the submits; predictions in flight are finished | it is about the key, but a gateway may refuse one submit in a hundred |
//! | 403 about moderation | failed, `moderated`, if a submit was answered before; otherwise retried, and three in a row end the submits | it may be about this request or about the account |
//! | other 403 | failed, `rejected`, if the key was accepted before; otherwise retried, and three in a row count as a 401 | it may be about this request or about the key |
//! | 404, 405, 410 | failed, `rejected`, if a submit was answered before; otherwise retried, and three in a row end the submits | it may be about this request or about the base URL and the model |
//! | 402 | no more submits; predictions in flight are finished | the balance is used up |
//! | other 4xx | failed, `moderated` or `rejected` | the same request would be refused again |
//!
//! # Polls
//!
//! A poll costs nothing, so its errors do not fail the job: the poll is repeated. Statuses are case-insensitive.
//!
//! | answer | outcome |
//! |---|---|
//! | `completed` with outputs | completed |
//! | `completed` with more than 16 outputs | completed with the first 16, and the surplus is reported: an edit makes one |
//! | `completed` with no outputs | failed, `provider` |
//! | `completed` with outputs of an unknown form | failed, `download`: later runs poll it again at no cost |
//! | `failed`, `canceled`, `cancelled`, `timeout`, `deleted`, `aborted` | failed, `moderated` or `provider` |
//! | `processing` and any other word | in progress |
//! | 404, 410 | not found: tolerated right after the submit, `lost` later |
//! | 400, 422 | polled again; not found, if the prediction is older than `job_timeout`: a provider may call an id wrong that it has forgotten |
//! | 401, 403 | polled again; the run stops if no poll gets another answer for a while |
//! | 429 | polled again after the hinted wait, and all polls are slowed down if that helps |
//! | another prediction's id | polled again: its pictures are those of another job |
//! | anything else | polled again |

mod begun;
mod other_ids;
mod poll_outcome;
mod prediction;
mod refusal;
mod submit_outcome;

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use crate::job::{Cents, ErrorClass};

use super::hint::wait_hint;
use super::wire::{self, PredictionId};
use super::{Answer, Exchange, Fault};
use begun::complete_fields;
pub(crate) use other_ids::other_ids;
pub use poll_outcome::{Finished, PollOutcome, Unanswered};
use prediction::of_prediction;
use refusal::refusal_class;
pub use submit_outcome::{Doubt, Obstacle, Stop, SubmitOutcome, Suspect};

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
        Exchange::Fault(Fault::BrokenOff { cause, begun }) => {
            return of_begun_acceptance(begun).unwrap_or_else(|| uncertain(cause.clone()));
        }
    };
    match answer.status {
        200..=299 => of_acceptance(answer),
        301 | 302 | 307 | 308 => SubmitOutcome::Uncertain { message: excerpt(answer), doubt: Doubt::Redirected },
        401 => SubmitOutcome::Doubtful { suspect: Suspect::Key, message: excerpt(answer) },
        403 => {
            let message = excerpt(answer);
            let suspect = match refusal_class(&message, ErrorClass::Rejected) {
                ErrorClass::Moderated => Suspect::Account,
                _ => Suspect::Permission,
            };
            SubmitOutcome::Doubtful { suspect, message }
        }
        402 => SubmitOutcome::Stop(Stop::Balance(excerpt(answer))),
        429 => {
            SubmitOutcome::NotAccepted { cause: excerpt(answer), reason: Obstacle::RateLimited(wait_hint(answer, now)) }
        }
        425 => SubmitOutcome::NotAccepted { cause: excerpt(answer), reason: Obstacle::Unreachable },
        404 | 405 | 410 => SubmitOutcome::Doubtful { suspect: Suspect::Endpoint, message: excerpt(answer) },
        400 | 406 | 407 | 409 | 411..=424 | 426..=499 => {
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
        200..=299 => match wire::json(&answer.body) {
            Ok(body) if is_about_another(&body, asked) => {
                failed_poll(format!("an answer about another prediction than {asked}"))
            }
            Ok(body) => of_prediction(&body, &answer.long_texts),
            Err(_) => failed_poll(excerpt(answer)),
        },
        status @ (404 | 410) => PollOutcome::NotFound { cause: format!("HTTP {status}") },
        status => PollOutcome::Again {
            cause: excerpt(answer),
            wait: wait_hint(answer, now),
            reason: match status {
                401 | 403 => Unanswered::Refused,
                429 => Unanswered::RateLimited,
                400 | 422 => Unanswered::Denied,
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
    let without_id = |lack: &str| {
        let (lack, body) = (format!("HTTP {} {lack}", answer.status), cut(&text_of(&answer.body)));
        let message = if body.is_empty() { lack.clone() } else { format!("{lack}: {body}") };
        SubmitOutcome::Uncertain { message, doubt: Doubt::NoId { lack } }
    };
    let body = match wire::json(&answer.body) {
        Ok(body) => body,
        Err(_) if answer.body.trim_ascii().is_empty() => return without_id("without a body"),
        Err(_) => {
            let not_json = || uncertain(format!("{}, which is not JSON", excerpt(answer)));
            return of_begun_acceptance(&answer.body).unwrap_or_else(not_json);
        }
    };
    match id(&body).map(|id| PredictionId::new(&id)) {
        Some(Ok(prediction)) => {
            let result = match of_prediction(&body, &answer.long_texts) {
                // An answer to a submit may say `completed` before there are outputs. The prediction is then polled.
                PollOutcome::Finished(Finished::NoOutputs) => None,
                PollOutcome::Finished(finished) => Some(finished),
                PollOutcome::InProgress { .. } | PollOutcome::NotFound { .. } | PollOutcome::Again { .. } => None,
            };
            accepted(prediction, &body, result)
        }
        Some(Err(_)) => without_id("with an id that cannot be used"),
        None if !body["error"].is_null() => without_id("with an error and without an id"),
        None => without_id("without an id"),
    }
}

/// Returns the acceptance in an answer that breaks off after the id; `None` if it has no complete id. The rest is polled.
fn of_begun_acceptance(begun: &[u8]) -> Option<SubmitOutcome> {
    let fields = complete_fields(begun);
    let prediction = PredictionId::new(&id(&fields)?).ok()?;
    Some(accepted(prediction, &fields, None))
}

fn accepted(prediction: PredictionId, fields: &Value, result: Option<Finished>) -> SubmitOutcome {
    let status_url = fields["statusUrl"].as_str().map(str::to_owned);
    SubmitOutcome::Accepted { prediction, cost: cents(&fields["costCents"]), status_url, result }
}

/// Whether an answer has another prediction's id: a faulty cache or proxy must not give a job another job's picture.
fn is_about_another(body: &Value, asked: &PredictionId) -> bool {
    id(body).is_some_and(|id| !id.eq_ignore_ascii_case(asked.as_str()))
}

/// Returns the id of an answer. A prediction that is paid for must not be lost because its id is a number.
fn id(body: &Value) -> Option<Cow<'_, str>> {
    match &body["id"] {
        Value::String(id) => Some(Cow::Borrowed(id)),
        Value::Number(id) if id.is_u64() => Some(Cow::Owned(id.to_string())),
        _ => None,
    }
}

fn uncertain(message: String) -> SubmitOutcome {
    SubmitOutcome::Uncertain { message, doubt: Doubt::Unanswered }
}

/// The maximum plausible price, in cents. A higher number is an error of the provider, and would distort every sum.
const MAX_PRICE: u64 = 100_000;

/// Returns a price in whole cents, from a number or its text, rounded up, at most [`MAX_PRICE`]. `None` for a price below
/// a cent, with which a budget would limit nothing: it is 0, or in dollars. `0.07 * 100` in floating point is 7 cents.
fn cents(value: &Value) -> Option<Cents> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let number = number.filter(|number| number.is_finite() && *number >= 1.0 - 1e-6)?;
    Some(Cents(((number - 1e-6).ceil() as u64).min(MAX_PRICE)))
}

/// The beginning of a body from which a message is made, in bytes.
const MAX_EXCERPT_BYTES: usize = 4096;

/// Returns the status and the provider's message as one short line.
fn excerpt(answer: &Answer) -> String {
    let message = wire::json(&answer.body).ok().and_then(|body| wire::error_text(&body));
    let message = cut(&message.unwrap_or_else(|| text_of(&answer.body)));
    if message.is_empty() { format!("HTTP {}", answer.status) } else { format!("HTTP {}: {message}", answer.status) }
}

/// Returns a body as text, or its length if it is a picture or compressed.
fn text_of(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(MAX_EXCERPT_BYTES)]);
    let is_odd = |character: &char| {
        *character == char::REPLACEMENT_CHARACTER || (character.is_control() && !character.is_whitespace())
    };
    let odd = text.chars().filter(is_odd).count();
    if odd * 10 > text.chars().count() { format!("{} bytes that are not text", body.len()) } else { text.into_owned() }
}

/// Whether a character changes the direction of the text around it, so that a message could look like another.
fn is_bidi(character: char) -> bool {
    matches!(character, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The maximum length of a message, in characters.
const MAX_MESSAGE: usize = 200;

/// Returns a text as one line of at most [`MAX_MESSAGE`] characters. The end of a longer one is an ellipsis.
fn cut(text: &str) -> String {
    let mut line = String::new();
    for word in text
        .split(|character: char| character.is_whitespace() || character.is_control() || is_bidi(character))
        .filter(|word| !word.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().take(MAX_MESSAGE + 1));
        if line.chars().count() > MAX_MESSAGE {
            let kept: String = line.chars().take(MAX_MESSAGE - 1).collect();
            return format!("{}…", kept.trim_end());
        }
    }
    line
}

#[cfg(test)]
mod tests;
