use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode, Url, redirect, retry};

use crate::http::{self, explain};

/// The time limit of a request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The delays between attempts. A receiver is retried for at most a minute after the end of the run.
const WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(15)];

/// Returns a client for notices to `url`. It follows no redirect, so that what was meant for one host reaches no other.
pub(super) fn client(url: &Url) -> Result<reqwest::Client, reqwest::Error> {
    http::builder_for(url).redirect(redirect::Policy::none()).retry(retry::never()).timeout(TIMEOUT).build()
}

/// Sends the request built by `request` until it succeeds, at most `attempts` times and at most five times. It is built
/// again for each attempt, so that its signature has the time of the attempt.
///
/// # Errors
///
/// The last error. An error that a retry would not change ends the attempts at once.
pub(super) async fn deliver(attempts: usize, request: impl Fn() -> RequestBuilder) -> Result<(), String> {
    let mut waits = WAITS.into_iter().take(attempts.saturating_sub(1));
    loop {
        let seen = match request().send().await {
            Ok(response) if response.status().is_success() => return Ok(()),
            Ok(response) if is_final(response.status()) => return Err(format!("HTTP {}", response.status())),
            Ok(response) => format!("HTTP {}", response.status()),
            // The URL is left out, because its path may be a secret.
            Err(error) => explain(&error),
        };
        let Some(wait) = waits.next() else { return Err(seen) };
        tracing::debug!(seen, seconds = wait.as_secs(), "a notice was not taken; trying again");
        tokio::time::sleep(wait).await;
    }
}

fn is_final(status: StatusCode) -> bool {
    !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS && status != StatusCode::REQUEST_TIMEOUT
}
