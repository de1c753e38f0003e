//! Request bodies, read with a size cap and a time limit.

use std::time::Duration;

use axum::body::Body;
use futures::StreamExt;

use super::answer::Refusal;

/// The time limit for discarding a refused body. A client that can finish sending reads the refusal instead of a reset.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the body, at most `cap` bytes within `time`.
pub(super) async fn read(body: Body, cap: usize, time: Duration) -> Result<Vec<u8>, Refusal> {
    match tokio::time::timeout(time, collect(body, cap)).await {
        Ok(result) => result,
        Err(_) => Err(Refusal::too_slow(format!("the body did not arrive within {} s", time.as_secs()))),
    }
}

/// Reads and discards an unused body, for a limited number of bytes and seconds.
pub(super) async fn discard(body: Body, cap: usize) {
    let mut chunks = body.into_data_stream();
    let reading = async {
        let mut left = cap;
        while let Some(Ok(chunk)) = chunks.next().await {
            match left.checked_sub(chunk.len()) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // If a client sends for longer, its connection is closed, and it gets no answer.
    drop(tokio::time::timeout(DISCARD_TIMEOUT, reading).await);
}

async fn collect(body: Body, cap: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Refusal::bad_request("the body ended before its announced length"))?;
        if bytes.len() + chunk.len() > cap {
            drop(bytes);
            discard(Body::from_stream(chunks), cap).await;
            return Err(over(cap));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Returns the refusal of a body of more than `cap` bytes.
pub(super) fn over(cap: usize) -> Refusal {
    Refusal::too_large(format!("the body is over {} MiB: send fewer or smaller images, or their URLs", cap >> 20))
}
