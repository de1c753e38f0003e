//! The API key. Only its hash is kept, and hashes are compared in constant time.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, EXPECT};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};

use super::answer::Refusal;
use super::body;

/// The hash of the valid key.
///
/// `blake3::Hash` compares in constant time, and a hash does not reveal how much of a guess was right.
#[derive(Clone, Copy)]
pub(super) struct KeyHash(blake3::Hash);

impl KeyHash {
    /// Returns the hash of `key`; `None` if it is empty.
    pub(super) fn new(key: &SecretString) -> Option<KeyHash> {
        let key = key.expose_secret();
        (!key.is_empty()).then(|| KeyHash(blake3::hash(key.as_bytes())))
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Err(Refusal::unauthorized("no API key: send the header Authorization: Bearer YOUR_KEY"));
        };
        let token = bearer(header.as_bytes())
            .ok_or_else(|| Refusal::unauthorized("the header Authorization is not of the form: Bearer YOUR_KEY"))?;
        if blake3::hash(token) == self.0 {
            return Ok(());
        }
        Err(Refusal::unauthorized("the API key is not valid"))
    }
}

impl std::fmt::Debug for KeyHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("KeyHash(..)")
    }
}

/// Passes on requests that carry the key, and refuses all others.
pub(super) async fn require_key(State(key): State<KeyHash>, request: Request, next: Next) -> Response {
    match key.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            if !request.headers().contains_key(EXPECT) {
                body::discard(request.into_body(), 1 << 20).await;
            }
            refusal.into_response()
        }
    }
}

fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked(6)?;
    let token = token.strip_prefix(b" ")?.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer") && !token.is_empty()).then_some(token)
}
