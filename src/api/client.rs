//! The HTTP client of the API. It sends each request once: it follows no redirects and does not retry, because only the
//! runner knows the cost of a second submit.

use std::io::{self, Read};
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{RequestBuilder, Response, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use tokio::time::error::Elapsed;

use crate::http::{self, TlsError, explain};
use crate::job::{ContentHash, EditRequest, Fingerprint, ImageSource, MAX_IMAGE_BYTES, MAX_IMAGES};
use crate::sync::locked;

use super::base_url::BaseUrl;
use super::exchange::{Answer, EditApi, Exchange, Fault, Intended};
use super::gate::Gate;
use super::long_answers::{BodyTimeouts, LongAnswers, Turn};
use super::poll_patience::PollPatience;
use super::status_path::StatusPath;
use super::time_limit::{LAST_LOOK, in_time};
use super::wire::{self, Generate, PredictionId};

/// The minimum length of a key that is removed from answers. A shorter one might be an ordinary word.
const MIN_SECRET: usize = 8;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may have been quiet before a request. Servers close quiet connections, many of them after two
/// to five seconds, and a submit that crosses such a close may have been accepted.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the beginning of an answer may take, without the time of the upload.
const SUBMIT_TIMEOUT: Duration = Duration::from_secs(60);
const SYNC_SUBMIT_TIMEOUT: Duration = Duration::from_secs(300);

/// The length in bytes of the largest local picture in base64.
const MAX_INLINE_BYTES: usize = MAX_IMAGE_BYTES as usize / 3 * 4;

/// The slowest upload of pictures that is waited for, in bytes per second.
const MIN_UPLOAD_SPEED: usize = 50_000;

/// The beginning of an answer, unless it fails or takes too long.
type Begun = Result<reqwest::Result<Response>, Elapsed>;

/// Answers with base64 pictures are long, and lines may be slow.
const BODY_TIMEOUTS: BodyTimeouts = BodyTimeouts { whole: Duration::from_secs(600), silence: Duration::from_secs(30) };

/// The longest duration of a submit: in sync mode, with the largest local pictures.
pub const MAX_SUBMIT_DURATION: Duration = SYNC_SUBMIT_TIMEOUT
    .saturating_add(BODY_TIMEOUTS.whole)
    .saturating_add(upload_time(MAX_IMAGES * MAX_INLINE_BYTES))
    .saturating_add(LAST_LOOK.saturating_mul(2));

/// A client of an API, with a base URL and a key.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: BaseUrl,
    key: SecretString,
    bearer: HeaderValue,
    gate: Gate,
    long_answers: LongAnswers,
    body_timeouts: BodyTimeouts,
    patience: Arc<Mutex<PollPatience>>,
}

/// The reason why a client cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The key has characters that are not allowed in a header.
    #[error("use the API key: it contains characters that are not allowed in an HTTP header")]
    Key,
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Client {
    /// Returns a client for the API at `base`. Pictures in base64 are moved from answers to files without names in
    /// `folder`.
    pub fn new(base: BaseUrl, key: &SecretString, folder: &Path) -> Result<Client, ClientError> {
        let mut bearer =
            HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).map_err(|_| ClientError::Key)?;
        bearer.set_sensitive(true);
        let http = http::builder_for(base.url())
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_nodelay(true)
            .build()
            .map_err(TlsError)?;
        Ok(Client {
            http,
            base,
            key: key.clone(),
            bearer,
            gate: Gate::default(),
            long_answers: LongAnswers::into_folder(folder),
            body_timeouts: BODY_TIMEOUTS,
            patience: Arc::default(),
        })
    }

    /// Sends a request whose answer must begin within `timeout`. Callers box it, because jobs that wait for their
    /// prediction or their download would keep room for it as well.
    async fn exchange(&self, request: RequestBuilder, timeout: Duration, turn: Turn) -> Exchange {
        let begun = self.begin(request, timeout).await;
        self.receive(begun, turn).await
    }

    /// Sends a poll, whose answer must begin before the patience with polls is over.
    async fn exchange_poll(&self, request: RequestBuilder) -> Exchange {
        let (limit, sent) = (locked(&self.patience).limit(), Instant::now());
        let begun = self.begin(request, limit).await;
        match &begun {
            Ok(Ok(_)) => locked(&self.patience).answered(sent.elapsed()),
            Ok(Err(_)) => {}
            Err(_) => locked(&self.patience).gave_up(),
        }
        self.receive(begun, Turn::Waits).await
    }

    /// Sends a request, and waits until its answer begins.
    async fn begin(&self, request: RequestBuilder, timeout: Duration) -> Begun {
        in_time(timeout, pin!(request.header(AUTHORIZATION, self.bearer.clone()).send())).await
    }

    /// Receives the rest of an answer.
    async fn receive(&self, begun: Begun, turn: Turn) -> Exchange {
        match begun {
            Ok(Ok(response)) => match self.long_answers.receive(response, turn, self.body_timeouts).await {
                Exchange::Answer(answer) => Exchange::Answer(self.without_key(answer)),
                fault @ Exchange::Fault(_) => fault,
            },
            Ok(Err(error)) => Exchange::Fault(fault(&error)),
            Err(_) => Exchange::Fault(Fault::Unknown("no answer in time".to_owned())),
        }
    }

    /// Removes the key from an answer, because a server may repeat it in an error message, and these are written to
    /// journals, reports and logs.
    fn without_key(&self, answer: Answer) -> Answer {
        let key = self.key.expose_secret();
        if key.len() < MIN_SECRET || memchr::memmem::find(&answer.body, key.as_bytes()).is_none() {
            return answer;
        }
        let text = String::from_utf8_lossy(&answer.body);
        Answer { body: text.replace(key, "[key]").into_bytes(), ..answer }
    }
}

impl EditApi for Client {
    async fn submit(&self, request: &EditRequest, intended: &Intended) -> Exchange {
        let images = match inline_all(&request.images, intended).await {
            Ok(images) => images,
            Err(cause) => return Exchange::Fault(Fault::Unreadable(cause)),
        };
        let waits = request.switches.enable_sync_mode == Some(true);
        let timeout = if waits { SYNC_SUBMIT_TIMEOUT } else { SUBMIT_TIMEOUT };
        let timeout = timeout + upload_time(images.iter().map(String::len).sum());
        let url = self.base.join(&wire::generate_path(&request.model));
        let request = self.http.post(url).json(&Generate::new(request, images));
        Box::pin(self.gate.pass(self.exchange(request, timeout, Turn::Passes))).await
    }

    async fn poll(&self, prediction: &PredictionId, path: Option<&StatusPath>) -> Exchange {
        let named = path.and_then(|path| self.base.status(path));
        let url = named.unwrap_or_else(|| self.base.join(&wire::prediction_path(prediction)));
        Box::pin(self.gate.pass(self.exchange_poll(self.http.get(url)))).await
    }

    fn status_path(&self, prediction: &PredictionId, status_url: &str) -> Option<StatusPath> {
        self.base.status_path(status_url, &wire::prediction_path(prediction))
    }
}

/// Returns how long an upload of so many bytes may take.
const fn upload_time(bytes: usize) -> Duration {
    Duration::from_secs((bytes / MIN_UPLOAD_SPEED) as u64)
}

/// Returns the kind of a failed request: whether it was sent, or may have been.
fn fault(error: &reqwest::Error) -> Fault {
    let cause = explain(error);
    if error.is_builder() {
        Fault::Unreadable(cause)
    } else if error.is_connect() || http::is_unprocessed(error) {
        Fault::NotSent(cause)
    } else {
        Fault::Unknown(cause)
    }
}

/// Returns the images as they are sent. They must have the fingerprint in the journal: a picture that was replaced
/// after the manifest was read would be saved as the result of the previous one.
async fn inline_all(images: &[ImageSource], intended: &Intended) -> Result<Vec<String>, String> {
    let (mut urls, mut files) = (Vec::with_capacity(images.len()), Vec::new());
    for image in images {
        urls.push(match image {
            ImageSource::Url(url) | ImageSource::Data(url) => url.clone(),
            ImageSource::File(path) => {
                let (uri, hash) = inline(path).await.map_err(|cause| format!("{}: {cause}", path.display()))?;
                files.push((path.display().to_string(), hash));
                uri
            }
        });
    }
    // The hashes are taken in the order of the images.
    let hashes = || {
        let mut hashes = files.iter().map(|(_, hash)| *hash);
        move |path: &Path| hashes.next().ok_or_else(|| format!("{}: it was not read", path.display()))
    };
    let request = intended.request.borrowed();
    if files.is_empty()
        || Fingerprint::of_borrowed(&request, hashes())? == intended.fingerprint
        || Fingerprint::as_written(&request, hashes())? == intended.fingerprint
    {
        return Ok(urls);
    }
    let names: Vec<String> = files.into_iter().map(|(name, _)| name).collect();
    Err(format!("{}: changed since the manifest was read", names.join(", ")))
}

/// Returns a local picture as a `data:` URI, and the hash of its content.
async fn inline(path: &Path) -> io::Result<(String, ContentHash)> {
    let file = path.to_owned();
    // A large picture takes long to read, to encode and to hash, which would delay polls and answers.
    let encoded = move || {
        let bytes = read_picture(&file)?;
        let format = image::guess_format(&bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not a JPEG, PNG, GIF or WebP"))?;
        let uri = format!("data:{};base64,{}", format.to_mime_type(), STANDARD.encode(&bytes));
        Ok((uri, ContentHash::of(&bytes)))
    };
    tokio::task::spawn_blocking(encoded).await.map_err(io::Error::other)?
}

/// Reads a picture that was small enough when the manifest was read.
fn read_picture(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_IMAGE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_IMAGE_BYTES {
        let limit = MAX_IMAGE_BYTES >> 20;
        let cause = format!("larger than {limit} MiB, which it was not when the manifest was read");
        return Err(io::Error::new(io::ErrorKind::InvalidData, cause));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
