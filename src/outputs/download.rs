use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use reqwest::header::{DATE, RETRY_AFTER};
use reqwest::{Response, Url, redirect, retry};

use crate::http::{self, Clients, TlsError, explain, is_loopback};
use crate::words::size;

use super::error::{OutputError, disk};
use super::slot::Slot;

/// The size of the blocks that are written on a blocking thread, in bytes.
const BLOCK: usize = 256 << 10;

/// The limits of a download.
#[derive(Clone, Copy, Debug)]
pub struct DownloadLimits {
    /// The maximum length of an output, in bytes.
    pub max_bytes: u64,
    /// The maximum number of attempts.
    pub attempts: u32,
    /// The maximum wait before the next attempt. A host that asks for a longer one is left to the caller.
    pub wait: Duration,
    /// The maximum time without received data.
    pub silence: Duration,
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
            whole: Duration::from_secs(300),
        }
    }
}

/// Fetches outputs from the asset host, and input pictures from the URLs in a manifest. It does not know the API key,
/// so it cannot leak it.
#[derive(Clone, Debug)]
pub struct Downloader {
    http: Clients,
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

/// A failed attempt.
enum Attempt {
    /// Another attempt may succeed. The host may ask to wait for it.
    Retry { cause: String, after: Option<Duration> },
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
        Ok(Downloader { http, limits, plain_http })
    }

    /// Returns the maximum length of an output, in bytes.
    pub(super) fn max_bytes(&self) -> u64 {
        self.limits.max_bytes
    }

    /// Downloads `url` to a new `sink` per attempt, and returns the sink that received all of it. Errors of the sink
    /// refer to `folder`. `slot` is released while nothing arrives, and between attempts.
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
        let mut wait = Duration::from_millis(500);
        let mut attempt = 1;
        loop {
            match self.attempt(&url, slot, sink()?).await {
                Ok(sink) => return Ok(sink),
                Err(Attempt::WriteFailed(cause)) => return Err(disk(folder)(cause)),
                Err(Attempt::Final(error)) => return Err(error),
                Err(Attempt::Retry { cause, after })
                    if attempt >= self.limits.attempts || after.is_some_and(|after| after > self.limits.wait) =>
                {
                    let cause = if attempt == 1 { cause } else { format!("{cause}, {attempt} times") };
                    return Err(OutputError::Unavailable { cause, retry_after: after });
                }
                Err(Attempt::Retry { cause, after }) => {
                    tracing::debug!(%cause, attempt, "a download broke off");
                    let wait = wait.max(after.unwrap_or_default());
                    slot.without_permit(tokio::time::sleep(wait)).await;
                }
            }
            wait = (wait * 2).min(self.limits.wait);
            attempt += 1;
        }
    }

    async fn attempt<S: Write + Send + 'static>(&self, url: &Url, slot: &mut Slot, sink: S) -> Result<S, Attempt> {
        let response =
            slot.with_permit(self.http.of(url).get(url.clone()).send()).await.map_err(|error| failed(&error))?;
        let response = match response.status().as_u16() {
            200 => response,
            status @ (403 | 404 | 410) => return Err(Attempt::Final(OutputError::Expired(format!("HTTP {status}")))),
            status @ (408 | 425 | 429 | 500..=599) => {
                return Err(Attempt::Retry { cause: format!("HTTP {status}"), after: retry_after(&response) });
            }
            status => return Err(Attempt::Final(OutputError::Unreachable(format!("HTTP {status}")))),
        };
        self.copy(response, slot, sink).await
    }

    async fn copy<S: Write + Send + 'static>(
        &self,
        response: Response,
        slot: &mut Slot,
        mut sink: S,
    ) -> Result<S, Attempt> {
        let too_large =
            || Attempt::Final(OutputError::Refused(format!("it is larger than {}", size(self.limits.max_bytes))));
        if response.content_length().is_some_and(|length| length > self.limits.max_bytes) {
            return Err(too_large());
        }
        let (mut length, mut block) = (0, Vec::new());
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = slot.with_permit(chunks.next()).await {
            let chunk = chunk.map_err(|error| failed(&error))?;
            length += chunk.len() as u64;
            if length > self.limits.max_bytes {
                return Err(too_large());
            }
            block.extend_from_slice(&chunk);
            if block.len() >= BLOCK {
                sink = write_all(sink, std::mem::take(&mut block)).await?;
            }
        }
        if length < BLOCK as u64 {
            // Sinks keep so little in memory.
            sink.write_all(&block).map_err(Attempt::WriteFailed)?;
            return Ok(sink);
        }
        write_all(sink, block).await
    }
}

/// Writes a block on a thread where a slow disk delays no submit and no poll.
async fn write_all<S: Write + Send + 'static>(mut sink: S, block: Vec<u8>) -> Result<S, Attempt> {
    let written = tokio::task::spawn_blocking(move || sink.write_all(&block).map(|()| sink)).await;
    written.map_err(io::Error::other).flatten().map_err(Attempt::WriteFailed)
}

/// Returns how long the host asks to wait.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let seconds = http::retry_after(text(RETRY_AFTER)?, text(DATE), Timestamp::now())?;
    Duration::try_from_secs_f64(seconds).ok()
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
mod tests {
    use super::*;

    #[test]
    fn outputs_are_fetched_over_https_or_from_loopback_if_the_api_is_local() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(is_allowed(&url("https://assets.example/x.png"), PlainHttp::Never));
        assert!(!is_allowed(&url("http://assets.example/x.png"), PlainHttp::OnLoopback));
        assert!(is_allowed(&url("http://127.0.0.1:8080/x.png"), PlainHttp::OnLoopback));
        assert!(!is_allowed(&url("http://127.0.0.1:8080/x.png"), PlainHttp::Never));
        assert!(!is_allowed(&url("file:///etc/passwd"), PlainHttp::OnLoopback));
        assert!(is_allowed(&url("http://shop.example/x.png"), PlainHttp::Anywhere));
        assert!(!is_allowed(&url("file:///etc/passwd"), PlainHttp::Anywhere));
    }

    #[tokio::test]
    async fn a_busy_host_is_asked_again_after_the_wait_that_it_asks_for_unless_that_is_long() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicU32, Ordering};

        use axum::http::StatusCode;
        use axum::response::IntoResponse;
        use axum::routing::get;

        let busy =
            |seconds: &'static str| (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds)], "").into_response();
        let visits = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&visits);
        let soon = move || async move {
            if counted.fetch_add(1, Ordering::Relaxed) == 0 { busy("1") } else { "picture".into_response() }
        };
        let router =
            axum::Router::new().route("/soon", get(soon)).route("/later", get(move || async move { busy("90") }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });

        let downloader = Downloader::new(true, DownloadLimits::default()).unwrap();
        let fetch = async |path: &str| {
            let mut slot = Slot::of(&Arc::new(tokio::sync::Semaphore::new(1))).await;
            let started = std::time::Instant::now();
            let sink = || Ok(Vec::new());
            let fetched = downloader.fetch(&format!("{host}{path}"), Path::new("."), &mut slot, sink).await;
            (fetched, started.elapsed())
        };
        let (fetched, took) = fetch("/soon").await;
        assert_eq!(fetched.unwrap(), b"picture");
        assert!(took >= Duration::from_secs(1) && visits.load(Ordering::Relaxed) == 2, "{took:?}");
        let (refused, _) = fetch("/later").await;
        let Err(OutputError::Unavailable { cause, retry_after }) = refused else { panic!("{refused:?}") };
        assert_eq!((cause.as_str(), retry_after), ("HTTP 429", Some(Duration::from_secs(90))));
    }
}
