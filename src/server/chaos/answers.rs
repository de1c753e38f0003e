//! The answers of a failing provider.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::stream;
use serde_json::{Value, json};

use super::plan::{OutputFault, PollFault, SubmitFault};

/// Marks a response that is not sent: the connection is closed instead.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("chaos closes the connection")]
pub(in crate::server) struct Hangup;

/// The maximum size of a response that is read to corrupt it, in bytes.
pub(super) const ANSWER_BYTES: usize = 64 << 20;

/// A host in a reserved domain that never resolves (RFC 2606), for redirects to another host.
const OTHER_HOST: &str = "http://elsewhere.invalid/";

/// Values of `Retry-After` that no client should wait for: a negative number, a word, and about three thousand years.
const ABSURD_HINTS: [&str; 3] = ["-1", "soon", "99999999999"];

pub(super) fn instead_of_accepting(fault: SubmitFault, roll: f64) -> Response {
    match fault {
        SubmitFault::ErrorBefore => server_error(roll),
        SubmitFault::RateLimited => rate_limited(Some("1")),
        SubmitFault::RateLimitedWithoutHint => rate_limited(None),
        SubmitFault::RateLimitedWithAbsurdHint => rate_limited(Some(ABSURD_HINTS[one_of(roll, ABSURD_HINTS.len())])),
        SubmitFault::Unauthorized => refusal(StatusCode::UNAUTHORIZED, "the API key is not valid"),
        SubmitFault::Balance => refusal(StatusCode::PAYMENT_REQUIRED, "insufficient balance"),
        SubmitFault::Redirect => redirect(OTHER_HOST),
        _ => hangup(),
    }
}

pub(super) fn after_accepting(fault: SubmitFault, roll: f64) -> Response {
    match fault {
        SubmitFault::ErrorAfter => server_error(roll),
        SubmitFault::Html => page(),
        _ => hangup(),
    }
}

pub(super) fn instead_of_status(fault: PollFault, roll: f64) -> Response {
    match fault {
        PollFault::Error => server_error(roll),
        PollFault::RateLimited => rate_limited(Some("1")),
        PollFault::Unauthorized => refusal(StatusCode::UNAUTHORIZED, "the API key is not valid"),
        PollFault::Redirect => redirect(OTHER_HOST),
        PollFault::Html => page(),
        _ => hangup(),
    }
}

pub(super) fn instead_of_picture(fault: OutputFault, roll: f64, path: &str) -> Response {
    match fault {
        OutputFault::Error => server_error(roll),
        OutputFault::Gone => refusal(StatusCode::GONE, "the output has expired"),
        OutputFault::Html => page(),
        OutputFault::Bomb => ([(CONTENT_TYPE, "image/png")], bomb()).into_response(),
        OutputFault::Endless => endless(),
        OutputFault::RedirectLoop => redirect(path),
        OutputFault::RedirectElsewhere => redirect(OTHER_HOST),
        _ => hangup(),
    }
}

pub(super) fn unknown_prediction() -> Response {
    refusal(StatusCode::NOT_FOUND, "no prediction has this id")
}

/// Returns the first half of a response, sent as if it were complete.
pub(super) async fn half(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    let mut body = bytes(body).await;
    body.truncate(body.len() / 2);
    Response::from_parts(head, Body::from(body))
}

/// Returns the first half of a response that announces the full length; then the connection breaks.
pub(super) async fn broken_off(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    let mut body = bytes(body).await;
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    body.truncate(body.len() / 2);
    // The half must be sent before the connection breaks, or the client gets no response at all.
    let breaking = stream::once(async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(Hangup)
    });
    let pieces = stream::iter([Ok(Bytes::from(body))]).chain(breaking);
    Response::from_parts(head, Body::from_stream(pieces))
}

/// Returns a response with its JSON changed.
pub(super) async fn rewritten(response: Response, change: impl FnOnce(&mut Value)) -> Response {
    let (response, mut body) = read(response).await;
    if body.is_null() {
        return response;
    }
    change(&mut body);
    let (mut head, _) = response.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(body.to_string()))
}

/// Returns a response with its JSON, which is null if it has none.
pub(super) async fn read(response: Response) -> (Response, Value) {
    let (head, body) = response.into_parts();
    let body = bytes(body).await;
    let value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    (Response::from_parts(head, Body::from(body)), value)
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({"error": error}))).into_response()
}

fn server_error(roll: f64) -> Response {
    let status = [
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    let status = status[one_of(roll, status.len())];
    (status, [(CONTENT_TYPE, "text/html")], format!("<html><h1>{status}</h1></html>")).into_response()
}

fn rate_limited(hint: Option<&'static str>) -> Response {
    let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, "too many requests");
    if let Some(hint) = hint {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(hint));
    }
    response
}

fn redirect(to: &str) -> Response {
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, to.to_owned())]).into_response()
}

fn page() -> Response {
    ([(CONTENT_TYPE, "text/html")], "<!doctype html><title>Welcome</title><h1>It works!</h1>").into_response()
}

/// Returns the signature of a PNG, followed by an endless stream of zeros.
fn endless() -> Response {
    let head = stream::iter([Ok::<_, Hangup>(Bytes::from_static(b"\x89PNG\r\n\x1a\n"))]);
    let zeros = Bytes::from_static(&[0; 16 << 10]);
    let body = head.chain(stream::repeat_with(move || Ok(zeros.clone())));
    ([(CONTENT_TYPE, "image/png")], Body::from_stream(body)).into_response()
}

/// Returns a PNG of a few bytes whose header claims 50,000 × 50,000 pixels.
fn bomb() -> Vec<u8> {
    let mut header = [50_000_u32.to_be_bytes(), 50_000_u32.to_be_bytes()].concat();
    // 8-bit grayscale, default compression and filter methods, not interlaced.
    header.extend([8, 0, 0, 0, 0]);
    // An empty deflate stream in a zlib frame.
    let data = [0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01];
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", &header[..]), (b"IDAT", &data), (b"IEND", &[])] {
        png.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
        let checked = [&kind[..], data].concat();
        png.extend(&checked);
        png.extend(crc(&checked).to_be_bytes());
    }
    png
}

/// Returns the CRC-32 of a PNG chunk (ISO 3309).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

/// Returns an index below `count` from the lower digits of a roll. Its upper digits chose the fault.
fn one_of(roll: f64, count: usize) -> usize {
    (roll * 1e6) as usize % count
}

/// Returns the whole body of a response; empty if it cannot be read.
async fn bytes(body: Body) -> Vec<u8> {
    to_bytes(body, ANSWER_BYTES).await.map(Vec::from).unwrap_or_default()
}

/// Returns a response that closes the connection instead of being sent.
fn hangup() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Hangup);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decompression_bomb_is_small_and_its_header_names_a_huge_picture() {
        let png = bomb();
        assert!(png.len() < 200);
        let reader = image::ImageReader::with_format(std::io::Cursor::new(png), image::ImageFormat::Png);
        assert_eq!(reader.into_dimensions().unwrap(), (50_000, 50_000));
    }
}
