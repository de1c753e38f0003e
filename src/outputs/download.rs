mod host_rate;
mod hosts;
mod pace;
mod version;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{DATE, IF_RANGE, RANGE, RETRY_AFTER};
use reqwest::{Response, Url, redirect, retry};
use tokio::time::Instant;

use crate::http::{self, Clients, TlsError, explain, is_loopback};
use crate::words::size;

use super::error::{OutputError, disk};
use super::slot::Slot;
use hosts::Hosts;
use pace::Pace;
use version::Version;

/// The size of the blocks that are written on a blocking thread, in bytes.
const BLOCK: usize = 256 << 10;

/// The wait before the second attempt. Further ones are longer.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest wait that a host may ask for: outputs are usually kept for ten minutes.
const MAX_HINT: Duration = Duration::from_secs(60);

/// The limits of a download.
#[derive(Clone, Copy, Debug)]
pub struct DownloadLimits {
    /// The maximum length of an output, in bytes.
    pub max_bytes: u64,
    /// The maximum number of attempts in a row that bring no more of it.
    pub attempts: u32,
    /// The maximum wait before the next attempt. A host that asks for a longer one is left to the caller.
    pub wait: Duration,
    /// The maximum time without received data.
    pub silence: Duration,
    /// The minimum speed over the time of `silence`, in bytes per second. What only drips would hold its place for hours.
    pub min_speed: u32,
    /// The maximum duration of an attempt.
    pub whole: Duration,
}

impl Default for DownloadLimits {
    fn default() -> DownloadLimits {
        DownloadLimits {
            max_bytes: 64 << 20,
            attempts: 4,
            wait: Duration::from_secs(2),
            silence: Duration::from_secs(30),
            min_speed: 1000,
            whole: Duration::from_secs(3600),
        }
    }
}

/// Fetches outputs from the asset host, and input pictures from the URLs in a manifest. It does not know the API key,
/// so it cannot leak it. Clones share the rates of busy hosts.
#[derive(Clone, Debug)]
pub struct Downloader {
    http: Clients,
    hosts: Arc<Hosts>,
    limits: DownloadLimits,
    plain_http: PlainHttp,
}

/// Whether outputs may be fetched over plain http.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PlainHttp {
    /// Only from the loopback interface, because the API is on this machine as well.
    OnLoopback,
    /// Never.
    Never,
    /// From any host, because the user gave the URL.
    Anywhere,
}

/// What was received of a file.
struct Part<S> {
    sink: S,
    /// The last bytes, which are not written yet.
    block: Vec<u8>,
    /// The number of bytes.
    length: u64,
    /// The version of the file, if the rest of it can be requested.
    version: Option<Version>,
}

/// A failed attempt.
enum Attempt {
    /// Another attempt may succeed. The host may ask to wait for it.
    Retry { cause: String, after: Option<Duration> },
    /// The host is busy, so that all attempts must wait.
    Busy { cause: String, after: Option<Duration> },
    /// No attempt will succeed.
    Final(OutputError),
    /// The received bytes could not be written.
    WriteFailed(io::Error),
}

impl Downloader {
    /// Returns a downloader for the outputs of an API. `api_is_local` is whether that API is on this machine.
    pub fn new(api_is_local: bool, limits: DownloadLimits) -> Result<Downloader, TlsError> {
        let plain_http = if api_is_local { PlainHttp::OnLoopback } else { PlainHttp::Never };
        Downloader::over(plain_http, limits)
    }

    /// Returns a downloader for input pictures, from any host.
    pub fn of_inputs(limits: DownloadLimits) -> Result<Downloader, TlsError> {
        Downloader::over(PlainHttp::Anywhere, limits)
    }

    fn over(plain_http: PlainHttp, limits: DownloadLimits) -> Result<Downloader, TlsError> {
        let policy = move || {
            redirect::Policy::custom(move |attempt| match attempt.previous().len() {
                0..=4 if is_allowed(attempt.url(), plain_http) => attempt.follow(),
                0..=4 => attempt.error("redirected to a forbidden address"),
                _ => attempt.error("too many redirects"),
            })
        };
        let http = Clients::build(|builder| {
            builder
                .redirect(policy())
                .retry(retry::never())
                .referer(false)
                .connect_timeout(Duration::from_secs(10))
                .read_timeout(limits.silence)
                .timeout(limits.whole)
        })?;
        Ok(Downloader { http, hosts: Arc::new(Hosts::new()), limits, plain_http })
    }

    /// Returns the maximum length of an output, in bytes.
    pub(super) fn max_bytes(&self) -> u64 {
        self.limits.max_bytes
    }

    /// Downloads `url` to a `sink`, and returns the sink that received all of it. An attempt continues the one before if
    /// the host says that the file is still the same, and has a new sink otherwise. Errors of the sink refer to `folder`.
    /// `slot` is released while nothing arrives, and between attempts.
    pub(crate) async fn fetch<S: Write + Send + 'static>(
        &self,
        url: &str,
        folder: &Path,
        slot: &mut Slot,
        mut sink: impl FnMut() -> Result<S, OutputError>,
    ) -> Result<S, OutputError> {
        let url = Url::parse(url).map_err(|error| OutputError::Refused(format!("not a valid URL: {error}")))?;
        if !is_allowed(&url, self.plain_http) {
            return Err(OutputError::Refused(format!(
                "{}://{} is not https",
                url.scheme(),
                url.host_str().unwrap_or("")
            )));
        }
        let host = url.origin().ascii_serialization();
        let (mut part, mut furthest) = (None, 0);
        let (mut attempt, mut wait) = (1, FIRST_WAIT);
        loop {
            if let Err(retry_after) = self.hosts.turn(&host, slot, self.limits.wait).await {
                return Err(OutputError::Busy { cause: "its host is busy".to_owned(), retry_after: Some(retry_after) });
            }
            let sent = Instant::now();
            let attempted = self.attempt(&url, slot, &mut part, &mut sink).await;
            match &attempted {
                Err(Attempt::Busy { after, .. }) => self.hosts.refused(&host, sent, after.unwrap_or_default()),
                Ok(_) | Err(Attempt::Final(_)) => self.hosts.answered(&host),
                Err(Attempt::Retry { .. } | Attempt::WriteFailed(_)) => {}
            }
            let (cause, after, is_busy) = match attempted {
                Ok(sink) => return Ok(sink),
                Err(Attempt::WriteFailed(cause)) => return Err(disk(folder)(cause)),
                Err(Attempt::Final(error)) => return Err(error),
                Err(Attempt::Retry { cause, after }) => (cause, after, false),
                Err(Attempt::Busy { cause, after }) => (cause, after, true),
            };
            let length = part.as_ref().map_or(0, |part: &Part<S>| part.length);
            if length >= furthest + BLOCK as u64 {
                (furthest, attempt, wait) = (length, 1, FIRST_WAIT);
            } else if attempt >= self.limits.attempts || after.is_some_and(|after| after > self.limits.wait) {
                let cause = if attempt == 1 { cause } else { format!("{cause}, {attempt} times") };
                return Err(match is_busy {
                    true => OutputError::Busy { cause, retry_after: after },
                    false => OutputError::Unavailable { cause, retry_after: after },
                });
            } else {
                attempt += 1;
            }
            tracing::debug!(%cause, attempt, length, "a download broke off");
            slot.without_permit(tokio::time::sleep(wait.max(after.unwrap_or_default()))).await;
            wait = (wait * 2).min(self.limits.wait);
        }
    }

    /// Requests a file, or the rest of it after the `part` that is there. If the answer breaks off and can be continued,
    /// it leaves a longer part.
    async fn attempt<S: Write + Send + 'static>(
        &self,
        url: &Url,
        slot: &mut Slot,
        part: &mut Option<Part<S>>,
        sink: &mut impl FnMut() -> Result<S, OutputError>,
    ) -> Result<S, Attempt> {
        let mut request = self.http.of(url).get(url.clone());
        if let Some(Part { length, version: Some(version), .. }) = part {
            request = request.header(RANGE, format!("bytes={length}-")).header(IF_RANGE, &version.validator);
        }
        let response = slot.with_permit(request.send()).await.map_err(|error| failed(&error))?;
        match response.status().as_u16() {
            200 => {
                let version = Version::of_whole(&response);
                *part = None;
                let new = Part { sink: sink().map_err(Attempt::Final)?, block: Vec::new(), length: 0, version };
                self.receive(response, slot, new, part).await
            }
            206 => match part.take() {
                Some(old) if old.is_continued_in(&response) => self.receive(response, slot, old, part).await,
                Some(_) => Err(Attempt::Retry { cause: "HTTP 206 with another part".to_owned(), after: None }),
                None => Err(Attempt::Final(OutputError::Unreachable("HTTP 206".to_owned()))),
            },
            416 if part.take().is_some() => Err(Attempt::Retry { cause: "HTTP 416".to_owned(), after: None }),
            status @ (403 | 404 | 410) => Err(Attempt::Final(OutputError::Expired(format!("HTTP {status}")))),
            status @ (429 | 503) => {
                Err(Attempt::Busy { cause: format!("HTTP {status}"), after: retry_after(&response) })
            }
            status @ (408 | 425 | 500..=599) => {
                Err(Attempt::Retry { cause: format!("HTTP {status}"), after: retry_after(&response) })
            }
            status => Err(Attempt::Final(OutputError::Unreachable(format!("HTTP {status}")))),
        }
    }

    /// Adds the body of an answer to what was `received` before. If it breaks off and can be continued, it becomes the
    /// `part`.
    async fn receive<S: Write + Send + 'static>(
        &self,
        response: Response,
        slot: &mut Slot,
        mut received: Part<S>,
        part: &mut Option<Part<S>>,
    ) -> Result<S, Attempt> {
        let too_large =
            || Attempt::Final(OutputError::Refused(format!("it is larger than {}", size(self.limits.max_bytes))));
        if response.content_length().is_some_and(|length| received.length + length > self.limits.max_bytes) {
            return Err(too_large());
        }
        let (mut pace, mut chunks) = (Pace::new(&self.limits), response.bytes_stream());
        let broken = loop {
            let chunk = match slot.with_permit(pace.next(&mut chunks)).await {
                Some(Ok(chunk)) => chunk,
                Some(Err(broken)) => break Some(broken),
                None if received.is_incomplete() => {
                    break Some(Attempt::Retry { cause: "the answer broke off".to_owned(), after: None });
                }
                None => break None,
            };
            received.length += chunk.len() as u64;
            if received.length > self.limits.max_bytes {
                return Err(too_large());
            }
            received.block.extend_from_slice(&chunk);
            if received.block.len() >= BLOCK {
                received.sink = write_all(received.sink, std::mem::take(&mut received.block)).await?;
            }
        };
        if received.length < BLOCK as u64 {
            // Sinks keep so little in memory, and it is quickly received again.
            return match broken {
                Some(broken) => Err(broken),
                None => {
                    received.sink.write_all(&received.block).map_err(Attempt::WriteFailed)?;
                    Ok(received.sink)
                }
            };
        }
        received.sink = write_all(received.sink, std::mem::take(&mut received.block)).await?;
        match broken {
            Some(broken) => {
                *part = received.version.is_some().then_some(received);
                Err(broken)
            }
            None => Ok(received.sink),
        }
    }
}

impl<S> Part<S> {
    fn is_continued_in(&self, response: &Response) -> bool {
        self.version.as_ref().is_some_and(|version| version.continues_in(response, self.length))
    }

    fn is_incomplete(&self) -> bool {
        self.version.as_ref().is_some_and(|version| self.length != version.length)
    }
}

/// Writes a block on a thread where a slow disk delays no submit and no poll.
async fn write_all<S: Write + Send + 'static>(mut sink: S, block: Vec<u8>) -> Result<S, Attempt> {
    let written = tokio::task::spawn_blocking(move || sink.write_all(&block).map(|()| sink)).await;
    written.map_err(io::Error::other).flatten().map_err(Attempt::WriteFailed)
}

/// Returns how long the host asks to wait, as far as that is respected.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let seconds = http::retry_after(text(RETRY_AFTER)?, text(DATE), Timestamp::now())?;
    Duration::try_from_secs_f64(seconds).ok().map(|wait| wait.min(MAX_HINT))
}

fn failed(error: &reqwest::Error) -> Attempt {
    if error.is_redirect() {
        return Attempt::Final(OutputError::Refused("it redirects in circles or to a forbidden address".to_owned()));
    }
    Attempt::Retry { cause: explain(error), after: None }
}

fn is_allowed(url: &Url, plain_http: PlainHttp) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => match plain_http {
            PlainHttp::OnLoopback => is_loopback(url),
            PlainHttp::Never => false,
            PlainHttp::Anywhere => true,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests;
