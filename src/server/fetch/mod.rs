//! The images of a request: fetched from a URL that the policy allows, or decoded from a `data:` URI.

mod address;
mod resolver;

use std::time::Duration;

use reqwest::header::{ACCEPT, LOCATION};
use reqwest::{Client, Response, StatusCode, Url, redirect};

use super::config::{FetchPolicy, ServerLimits};
use crate::data_uri::{self, DataUriError, is_data_uri};
use crate::http;
use resolver::{CheckedResolver, Forbidden};

/// The maximum number of redirects. More are probably a loop.
const MAX_REDIRECTS: usize = 4;

/// The reason why an image could not be fetched. The text becomes part of the prediction's `error`, after the number
/// and the location of the image.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the URL cannot be read")]
    Url,
    #[error("the scheme {0}: cannot be fetched")]
    Scheme(String),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("the server answered {0}")]
    Status(StatusCode),
    #[error("more than {MAX_REDIRECTS} redirects")]
    Redirects,
    #[error("a redirect leads nowhere")]
    Redirect,
    #[error("it is over {} MiB", .0 >> 20)]
    TooLarge(usize),
    #[error("it did not arrive within {} s", .0.as_secs())]
    TooSlow(Duration),
    #[error("it is empty")]
    Empty,
    #[error("{0}")]
    Transport(String),
    #[error(transparent)]
    DataUri(#[from] DataUriError),
}

/// Fetches images.
#[derive(Clone, Debug)]
pub(super) struct Fetcher {
    client: Client,
    policy: FetchPolicy,
    cap: usize,
    time: Duration,
}

impl Fetcher {
    pub(super) fn new(policy: FetchPolicy, limits: &ServerLimits) -> Result<Fetcher, reqwest::Error> {
        let builder = || {
            http::builder()
                // With a proxy, the address of the connection could not be checked.
                .no_proxy()
                .redirect(redirect::Policy::none())
                .dns_resolver(CheckedResolver::new(policy))
                .connect_timeout(limits.fetch_time.min(Duration::from_secs(10)))
                .read_timeout(limits.fetch_time.min(Duration::from_secs(20)))
        };
        // A machine without root certificates can still fetch over http and decode `data:` URIs.
        let client = builder().build().or_else(|_| builder().tls_certs_only(std::iter::empty()).build())?;
        Ok(Fetcher { client, policy, cap: limits.image_bytes, time: limits.fetch_time })
    }

    /// Returns the bytes of `image`, a URL or a `data:` URI.
    pub(super) async fn load(&self, image: &str) -> Result<Vec<u8>, FetchError> {
        let bytes = if is_data_uri(image.as_bytes()) {
            data_uri::decode(image)?
        } else {
            tokio::time::timeout(self.time, self.fetch(image)).await.map_err(|_| FetchError::TooSlow(self.time))??
        };
        match bytes.len() {
            0 => Err(FetchError::Empty),
            length if length > self.cap => Err(FetchError::TooLarge(self.cap)),
            _ => Ok(bytes),
        }
    }

    async fn fetch(&self, image: &str) -> Result<Vec<u8>, FetchError> {
        let mut url = Url::parse(image).map_err(|_| FetchError::Url)?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.get(&url).await?;
            let status = response.status();
            if status.is_success() {
                return self.collect(response).await;
            }
            let moved = [301, 302, 303, 307, 308].contains(&status.as_u16());
            let location = response.headers().get(LOCATION).filter(|_| moved);
            let Some(location) = location else {
                return Err(FetchError::Status(status));
            };
            let location = location.to_str().map_err(|_| FetchError::Redirect)?;
            url = url.join(location).map_err(|_| FetchError::Redirect)?;
        }
        Err(FetchError::Redirects)
    }

    async fn get(&self, url: &Url) -> Result<Response, FetchError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::Scheme(url.scheme().to_owned()));
        }
        // The resolver gets only names, so IP addresses in URLs are checked here.
        resolver::check_literal(url, self.policy)?;
        self.client
            .get(url.clone())
            .header(ACCEPT, "image/png,image/jpeg,image/webp,image/gif;q=0.9,*/*;q=0.1")
            .send()
            .await
            .map_err(|error| transport(&error))
    }

    async fn collect(&self, mut response: Response) -> Result<Vec<u8>, FetchError> {
        let announced = response.content_length().unwrap_or(0);
        if announced > self.cap as u64 {
            return Err(FetchError::TooLarge(self.cap));
        }
        let mut bytes = Vec::with_capacity(announced as usize);
        while let Some(chunk) = response.chunk().await.map_err(|error| transport(&error))? {
            if bytes.len() + chunk.len() > self.cap {
                return Err(FetchError::TooLarge(self.cap));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// Returns the location of an image for error messages: shortened, and without parts that may be secret.
pub(super) fn shown(image: &str) -> String {
    if is_data_uri(image.as_bytes()) {
        return "a data: URI".to_owned();
    }
    match Url::parse(image) {
        Ok(mut url) => {
            let secret_free = url.set_username("").is_ok() && url.set_password(None).is_ok();
            url.set_query(None);
            url.set_fragment(None);
            if secret_free { url.to_string().chars().take(200).collect() } else { "a URL".to_owned() }
        }
        Err(_) => "a URL".to_owned(),
    }
}

fn transport(error: &reqwest::Error) -> FetchError {
    match http::causes(error).find_map(|cause| cause.downcast_ref::<Forbidden>()) {
        Some(forbidden) => FetchError::Forbidden(forbidden.clone()),
        None => FetchError::Transport(http::explain(error)),
    }
}
