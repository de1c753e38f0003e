use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Response;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::explain;
use crate::words::size;

use super::body::Body;
use super::exchange::{Answer, Exchange, Fault};
use super::limits::RateLimits;
use super::time_limit::in_time;

/// The maximum length of an answer in bytes. Results with base64 pictures are long.
pub(super) const MAX_ANSWER: usize = 96 << 20;

/// The maximum length in bytes of what stays in memory of an answer.
const MAX_IN_MEMORY: usize = 16 << 20;

/// The length in bytes from which an answer is long. It is also the size of the blocks in which its texts are written.
const LONG: usize = 64 << 10;

/// How many long answers are received at once.
const PERMITS: usize = 8;

/// The time limits of an answer that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyTimeouts {
    /// How long it may take from its beginning to its end.
    pub(super) whole: Duration,
    /// How long nothing may arrive of it.
    pub(super) silence: Duration,
}

/// What has been received of a body.
#[derive(Default)]
struct Received {
    /// Its end, which is not yet in `body`.
    block: Vec<u8>,
    /// A long body.
    body: Option<Body>,
    permit: Option<OwnedSemaphorePermit>,
}

/// Receives answers, and limits the memory that the long ones take: the number of those that are received at once, and
/// what stays in memory of each.
#[derive(Clone, Debug)]
pub(super) struct LongAnswers {
    folder: PathBuf,
    permits: Arc<Semaphore>,
}

/// Whether a long answer waits for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It waits. If the server loses patience meanwhile, it can be asked again for free.
    Waits,
    /// It does not wait, because a submit whose answer is lost is uncertain.
    Passes,
}

impl LongAnswers {
    /// Returns the limits of answers whose long texts are moved to files in `folder`.
    pub(super) fn into_folder(folder: &Path) -> LongAnswers {
        LongAnswers { folder: folder.to_owned(), permits: Arc::new(Semaphore::new(PERMITS)) }
    }

    /// Receives the body of an answer within `timeouts`.
    pub(super) async fn receive(&self, mut response: Response, turn: Turn, timeouts: BodyTimeouts) -> Exchange {
        let mut answer = without_body(&response);
        let mut received = Received::default();
        let reading = self.read(&mut response, turn, timeouts.silence, &mut received);
        let fault = match in_time(timeouts.whole, pin!(reading)).await {
            Ok(read) => read.err(),
            Err(_) => Some("the answer did not end in time".to_owned()),
        };
        match received.body {
            Some(mut body) => {
                body.push(&received.block);
                (answer.body, answer.long_texts) = body.finish();
            }
            None => answer.body = received.block,
        }
        match (fault, answer.status) {
            (Some(cause), 200..=299) => {
                answer.body.truncate(LONG);
                Exchange::Fault(Fault::BrokenOff { cause, begun: answer.body })
            }
            (Some(cause), ..400) => Exchange::Fault(Fault::Unknown(cause)),
            // The status of an error is valid even if its body is incomplete.
            (Some(_), _) | (None, _) => Exchange::Answer(answer),
        }
    }

    /// Reads a body, of which something must arrive within each `silence`. What `received` has is valid even if it fails
    /// or is dropped, because it may have the id of a prediction.
    async fn read(
        &self,
        response: &mut Response,
        turn: Turn,
        silence: Duration,
        received: &mut Received,
    ) -> Result<(), String> {
        let Received { block, body, permit } = received;
        let mut length = 0;
        if response.content_length().is_some_and(|length| length > LONG as u64) {
            *permit = self.permit(turn).await;
        }
        loop {
            let chunk = match in_time(silence, pin!(response.chunk())).await {
                Ok(chunk) => chunk.map_err(|error| explain(&error))?,
                Err(_) => return Err("the answer broke off (nothing more arrived)".to_owned()),
            };
            let Some(chunk) = chunk else { return Ok(()) };
            length += chunk.len();
            if length > MAX_ANSWER {
                return Err(format!("an answer over {}", size(MAX_ANSWER as u64)));
            }
            block.extend_from_slice(&chunk);
            if block.len() > LONG {
                if permit.is_none() {
                    *permit = self.permit(turn).await;
                }
                let long = body.take().unwrap_or_else(|| Body::into_folder(self.folder.clone()));
                let long = body.insert(written(long, std::mem::take(block)).await?);
                if long.in_memory() > MAX_IN_MEMORY {
                    return Err(format!("an answer over {} without pictures", size(MAX_IN_MEMORY as u64)));
                }
            }
        }
    }

    /// Takes all permits.
    #[cfg(test)]
    pub(super) async fn hold_all(&self) -> Vec<Option<OwnedSemaphorePermit>> {
        futures::future::join_all((0..PERMITS).map(|_| self.permit(Turn::Waits))).await
    }

    /// Returns a permit to receive a long answer.
    async fn permit(&self, turn: Turn) -> Option<OwnedSemaphorePermit> {
        let permits = Arc::clone(&self.permits);
        match turn {
            // The semaphore is never closed.
            Turn::Waits => permits.acquire_owned().await.ok(),
            Turn::Passes => permits.try_acquire_owned().ok(),
        }
    }
}

/// Adds a block to a body on a thread where a slow disk delays no submit and no poll.
async fn written(mut body: Body, block: Vec<u8>) -> Result<Body, String> {
    let pushed = tokio::task::spawn_blocking(move || {
        body.push(&block);
        body
    });
    pushed.await.map_err(|error| error.to_string())
}

fn without_body(response: &Response) -> Answer {
    let headers = response.headers();
    Answer {
        status: response.status().as_u16(),
        retry_after: text(headers, RETRY_AFTER.as_str()).map(str::to_owned),
        date: text(headers, DATE.as_str()).map(str::to_owned),
        limits: RateLimits::read(|name| text(headers, name), Timestamp::now()),
        ..Answer::default()
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
