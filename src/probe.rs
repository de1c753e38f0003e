//! Probes whether URLs lead to pictures, without downloading them.

use std::num::NonZeroU32;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, Stream};
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, RANGE};
use reqwest::{Method, Response, StatusCode, redirect, retry};
use tokio::time::MissedTickBehavior;

use crate::http::{Clients, TlsError, explain};
use crate::job::{MAX_IMAGE_BYTES, Rate};
use crate::photo::Format;

/// The limits of a probe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProbeLimits {
    /// The rate of requests, for all hosts together.
    pub rate: Rate,
    /// The maximum number of concurrent requests.
    pub at_once: usize,
    /// The time limit of a request, including redirects.
    pub patience: Duration,
    /// The delay before the second attempt.
    pub pause: Duration,
}

impl Default for ProbeLimits {
    fn default() -> ProbeLimits {
        ProbeLimits {
            rate: Rate::per_second(const { NonZeroU32::new(20).unwrap() }),
            at_once: 8,
            patience: Duration::from_secs(15),
            pause: Duration::from_secs(1),
        }
    }
}

/// A problem with the content of a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Finding {
    /// It is missing or not accessible.
    #[error("it cannot be fetched: {cause}")]
    Unreachable {
        /// The cause.
        cause: String,
        /// A hint for the user.
        hint: &'static str,
    },
    /// It is larger than the maximum size of a picture.
    #[error("it has {} MiB", .0 >> 20)]
    TooBig(u64),
    /// It is not a picture.
    #[error("it is not a picture: {0}")]
    NotAPicture(String),
}

impl Finding {
    /// Returns a hint for the user.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Finding::Unreachable { hint, .. } => hint,
            Finding::TooBig(_) => "give a picture of at most 20 MiB",
            Finding::NotAPicture(_) => "give the URL of the JPEG, PNG, GIF or WebP itself, not of a page that shows it",
        }
    }
}

/// The hint for a URL that is probably not public.
const PRIVATE: &str = "open it in a private window: the provider can only see what you see there";

/// The hint for a server that may recover.
const LATER: &str = "the server has a problem: try again later";

/// Sends probe requests. It does not know the API key, so it cannot leak it.
#[derive(Clone, Debug)]
pub(crate) struct Prober {
    http: Clients,
    limits: ProbeLimits,
}

/// A failed attempt.
enum FailedProbe {
    /// Another attempt may succeed.
    Again { cause: String, hint: &'static str },
    /// No attempt will succeed.
    Final(Finding),
}

impl Prober {
    /// Returns a prober with `limits`.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub(crate) fn new(limits: ProbeLimits) -> Result<Prober, TlsError> {
        let http = Clients::build(|builder| {
            builder
                .redirect(redirect::Policy::limited(5))
                .retry(retry::never())
                .referer(false)
                .connect_timeout(limits.patience.min(Duration::from_secs(10)))
                .timeout(limits.patience)
        })?;
        Ok(Prober { http, limits })
    }

    /// Probes all of `urls`, and yields each with its problem, if any, in the order of the answers.
    pub(crate) fn ask_all(&self, urls: Vec<String>) -> impl Stream<Item = (String, Option<Finding>)> + use<'_> {
        let mut ticks = tokio::time::interval(self.limits.rate.interval());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let paced = stream::unfold((urls.into_iter(), ticks), |(mut urls, mut ticks)| async move {
            let url = urls.next()?;
            ticks.tick().await;
            Some((url, (urls, ticks)))
        });
        paced
            .map(move |url| async move {
                let found = self.ask(&url).await;
                (url, found.err())
            })
            .buffer_unordered(self.limits.at_once)
    }

    /// Probes a URL, with a second attempt if that may help.
    ///
    /// # Errors
    /// The problem with its content.
    pub(crate) async fn ask(&self, url: &str) -> Result<(), Finding> {
        match self.attempt(url).await {
            Ok(()) => return Ok(()),
            Err(FailedProbe::Final(finding)) => return Err(finding),
            Err(FailedProbe::Again { .. }) => tokio::time::sleep(self.limits.pause).await,
        }
        self.attempt(url).await.map_err(|attempt| match attempt {
            FailedProbe::Again { cause, hint } => Finding::Unreachable { cause, hint },
            FailedProbe::Final(finding) => finding,
        })
    }

    async fn attempt(&self, url: &str) -> Result<(), FailedProbe> {
        let head = self.send(Method::HEAD, url).await?;
        // Signed URLs are only valid for GET, and some servers do not support HEAD.
        let refuses_head = match head.status().as_u16() {
            404 | 410 | 429 => false,
            501 => true,
            status => (400..500).contains(&status),
        };
        let mut answer = if refuses_head { self.send(Method::GET, url).await? } else { head };
        check_status(answer.status())?;
        if let Some(bytes) = length(answer.status(), answer.headers()).filter(|bytes| *bytes > MAX_IMAGE_BYTES) {
            return Err(FailedProbe::Final(Finding::TooBig(bytes)));
        }
        let not_a_picture = |what: String| Err(FailedProbe::Final(Finding::NotAPicture(what)));
        // Some servers state a length of 0 for files that they have not opened.
        let is_empty = length(answer.status(), answer.headers()) == Some(0);
        match media_type(answer.headers()) {
            Some(media_type) if is_picture(&media_type) && !is_empty => Ok(()),
            Some(media_type) if !is_picture(&media_type) && !is_anything(&media_type) => not_a_picture(media_type),
            _ => {
                // The server does not know the type of the file, but its first bytes show it.
                if !refuses_head {
                    answer = self.send(Method::GET, url).await?;
                    check_status(answer.status())?;
                }
                let bytes = first_bytes(answer).await?;
                if bytes.is_empty() {
                    not_a_picture("nothing at all".into())
                } else if Format::sniff(&bytes).is_some() {
                    Ok(())
                } else {
                    not_a_picture("something else by its first bytes".into())
                }
            }
        }
    }

    async fn send(&self, method: Method, url: &str) -> Result<Response, FailedProbe> {
        let is_get = method == Method::GET;
        let mut request = self.http.named(url).request(method, url);
        if is_get {
            request = request.header(RANGE, format!("bytes=0-{}", HEAD_BYTES - 1));
        }
        request.send().await.map_err(|error| {
            let cause = explain(&error);
            let message = cause.to_lowercase();
            let hint = if error.is_redirect() {
                PRIVATE
            } else if message.contains("dns") || message.contains("lookup") || message.contains("name or service") {
                "check the spelling of the host: its name cannot be resolved"
            } else if message.contains("refused") {
                "check host and port: nothing listens there"
            } else if message.contains("certificate") {
                "its certificate is not trusted: the provider will not fetch it either"
            } else {
                LATER
            };
            match error.is_builder() || error.is_redirect() {
                true => FailedProbe::Final(Finding::Unreachable { cause, hint }),
                false => FailedProbe::Again { cause, hint },
            }
        })
    }
}

/// The number of bytes that are enough to detect the format of a file.
const HEAD_BYTES: usize = 64;

fn check_status(status: StatusCode) -> Result<(), FailedProbe> {
    let cause = format!("the server answers {status}");
    let unreachable = |cause, hint| Err(FailedProbe::Final(Finding::Unreachable { cause, hint }));
    match status.as_u16() {
        200..=299 => Ok(()),
        429 => Err(FailedProbe::Again { cause, hint: "the server refuses so many requests: lower --probe-rate" }),
        408 | 500..=599 => Err(FailedProbe::Again { cause, hint: LATER }),
        404 | 410 => unreachable(cause, "check the spelling of the URL"),
        _ => unreachable(cause, PRIVATE),
    }
}

async fn first_bytes(mut answer: Response) -> Result<Vec<u8>, FailedProbe> {
    let mut bytes = Vec::new();
    while bytes.len() < HEAD_BYTES {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk[..chunk.len().min(HEAD_BYTES)]),
            Ok(None) => break,
            Err(error) => return Err(FailedProbe::Again { cause: explain(&error), hint: LATER }),
        }
    }
    Ok(bytes)
}

/// Returns the length in bytes of the whole picture, if the server states it.
fn length(status: StatusCode, headers: &HeaderMap) -> Option<u64> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match status {
        // `bytes 0-63/12345`
        StatusCode::PARTIAL_CONTENT => text(CONTENT_RANGE)?.rsplit('/').next()?.parse().ok(),
        _ => text(CONTENT_LENGTH)?.parse().ok(),
    }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next()?.trim().to_ascii_lowercase()).filter(|text| !text.is_empty())
}

fn is_picture(media_type: &str) -> bool {
    matches!(media_type, "image/jpeg" | "image/jpg" | "image/pjpeg" | "image/png" | "image/gif" | "image/webp")
}

/// Whether a media type is only a placeholder, as object stores use it for uploads without a type.
fn is_anything(media_type: &str) -> bool {
    matches!(media_type, "application/octet-stream" | "binary/octet-stream" | "application/binary" | "image/*")
}
