//! Common parts of the program's HTTP clients: TLS, the user agent, and causes of errors.

use std::error::Error;

use reqwest::{ClientBuilder, Url};

/// TLS cannot be set up on this machine.
#[derive(Debug, thiserror::Error)]
#[error("set up HTTPS: {0}")]
pub struct TlsError(#[source] pub(crate) reqwest::Error);

/// Returns a builder for clients. Callers set their own timeouts and redirect policy.
pub(crate) fn builder() -> ClientBuilder {
    // An error says that a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().user_agent(concat!("dyehouse/", env!("CARGO_PKG_VERSION")))
}

/// Whether a URL's host is this machine, by its name or address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// Returns the root cause of an error.
pub(crate) fn innermost<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root
}
