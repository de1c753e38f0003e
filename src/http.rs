//! Common parts of the program's HTTP clients: TLS, the user agent, and causes of errors.

use std::error::Error;
use std::ffi::OsString;

use jiff::Timestamp;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{ClientBuilder, Url};
use rustls::{CertificateError, Error::InvalidCertificate};

/// TLS cannot be set up on this machine.
#[derive(Debug, thiserror::Error)]
#[error("set up HTTPS: {}", with_causes(.0))]
pub struct TlsError(pub(crate) reqwest::Error);

/// Returns a builder for clients. Callers set their own timeouts and redirect policy.
pub(crate) fn builder() -> ClientBuilder {
    // An error says that a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Some servers compress everything, whether it was requested or not. That is unpacked, and limits count the unpacked
    // bytes. It is not requested, because pictures do not become shorter.
    let identity = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
    reqwest::Client::builder()
        .user_agent(concat!("dyehouse/", env!("CARGO_PKG_VERSION")))
        .gzip(true)
        .default_headers(identity)
}

/// Returns a builder for clients of the host of `url`. Nothing for this machine goes through a proxy, which would see
/// it in clear.
pub(crate) fn builder_for(url: &Url) -> ClientBuilder {
    if is_loopback(url) { builder().no_proxy() } else { builder() }
}

/// Clients for URLs of any host, which are those of [`builder_for`].
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    others: reqwest::Client,
    loopback: reqwest::Client,
}

impl Clients {
    /// Builds both clients with the same settings.
    pub(crate) fn build(configure: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<Clients, TlsError> {
        let build = |builder: ClientBuilder| configure(builder).build().map_err(TlsError);
        Ok(Clients { others: build(builder())?, loopback: build(builder().no_proxy())? })
    }

    /// Returns the client for a URL that may be invalid, which its request then reports.
    pub(crate) fn named(&self, url: &str) -> &reqwest::Client {
        Url::parse(url).map_or(&self.others, |url| self.of(&url))
    }

    /// Returns the client for `url`.
    pub(crate) fn of(&self, url: &Url) -> &reqwest::Client {
        if is_loopback(url) { &self.loopback } else { &self.others }
    }
}

/// Whether a URL's host is this machine, by its name or address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// Returns how many seconds a `Retry-After` header asks to wait; they may be negative or absurd. The header has seconds, or
/// a date on the server's clock, which may differ from this machine's: the `Date` header of the answer shows it (RFC 9110,
/// sections 6.6.1 and 10.2.3).
pub(crate) fn retry_after(text: &str, date: Option<&str>, now: Timestamp) -> Option<f64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let sent_at = date.and_then(http_date).unwrap_or(now);
    Some(http_date(text)?.duration_since(sent_at).as_secs_f64())
}

fn http_date(text: &str) -> Option<Timestamp> {
    Timestamp::try_from(httpdate::parse_http_date(text.trim()).ok()?).ok()
}

/// Returns the cause of a failed request in one line, without the URL, which may contain a signature.
pub(crate) fn explain(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "no answer in time"
    } else if error.is_redirect() {
        "it redirects too often, or to an address that is not allowed"
    } else if error.is_connect() {
        "cannot connect"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off"
    } else if error.is_builder() {
        "no HTTP request can be made of it"
    } else {
        "the connection failed"
    };
    let root = causes(error).last().filter(|root| !root.is::<reqwest::Error>());
    let cause = root.map(reason).unwrap_or_default();
    // "Connection refused (os error 111)": the number is of no use to the reader.
    let cause = cause.split(" (os error ").next().unwrap_or_default();
    let is_told = cause.is_empty() || error.is_timeout() || error.is_redirect();
    let is_proxied =
        error.is_connect().then(|| error.url().and_then(|url| proxy_variable(url, std::env::var_os))).flatten();
    let proxy = is_proxied.map_or_else(String::new, |name| format!("; {name} is set"));
    if is_told { kind.to_owned() } else { format!("{kind} ({cause}{proxy})") }
}

/// Returns the environment variable that names a proxy for `url`, if there is one, because an error does not tell whether
/// it comes from there.
fn proxy_variable(url: &Url, variable: impl Fn(&'static str) -> Option<OsString>) -> Option<&'static str> {
    let of_scheme = if url.scheme() == "https" { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let is_set = |name: &&'static str| variable(name).is_some_and(|value| !value.is_empty());
    of_scheme.into_iter().chain(["ALL_PROXY", "all_proxy"]).find(is_set).filter(|_| !is_loopback(url))
}

fn reason(root: &(dyn Error + 'static)) -> String {
    let wrapped = root.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match wrapped.and_then(|error| error.downcast_ref()) {
        Some(InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "its certificate is from an unknown authority; if you trust it, name its file in SSL_CERT_FILE".to_owned()
        }
        _ => root.to_string(),
    }
}

/// Returns an error and its causes, whose texts do not include each other.
pub(crate) fn with_causes(error: &reqwest::Error) -> String {
    causes(error).fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Whether the server says that it did not process the request: it refused its stream, or went away before it (RFC 9113,
/// sections 6.8 and 8.7).
pub(crate) fn is_unprocessed(error: &reqwest::Error) -> bool {
    let mut streams = causes(error).filter_map(|cause| cause.downcast_ref::<h2::Error>());
    streams.any(|stream| {
        let is_refused = stream.is_reset() && stream.reason() == Some(h2::Reason::REFUSED_STREAM);
        let is_after_the_last = stream.is_go_away() && stream.reason() == Some(h2::Reason::NO_ERROR);
        stream.is_remote() && (is_refused || is_after_the_last)
    })
}

/// Returns the causes of an error, from the nearest to the root.
pub(crate) fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_connection_names_the_variable_of_its_proxy() {
        let named = |url: &str, set: &'static str| {
            proxy_variable(&Url::parse(url).unwrap(), |name| (name == set).then(|| "http://proxy:3128".into()))
        };
        assert_eq!(named("https://api.example.com", "HTTPS_PROXY"), Some("HTTPS_PROXY"));
        assert_eq!(named("https://api.example.com", "all_proxy"), Some("all_proxy"));
        assert_eq!(named("https://api.example.com", "HTTP_PROXY"), None);
        assert_eq!(named("http://127.0.0.1:8080", "HTTP_PROXY"), None, "the own machine needs none");
    }

    #[test]
    fn a_certificate_of_an_unknown_authority_says_how_it_can_be_trusted() {
        let refused = std::io::Error::other(InvalidCertificate(CertificateError::UnknownIssuer));
        assert!(reason(&refused).ends_with("name its file in SSL_CERT_FILE"));
        let expired = std::io::Error::other(InvalidCertificate(CertificateError::Expired));
        assert_eq!(reason(&expired), "invalid peer certificate: Expired");
    }
}
