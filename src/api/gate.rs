use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How many requests may begin before one of them ends or [`PATIENCE`] is over.
const PERMITS: usize = 48;

/// How long a request holds its permit.
const PATIENCE: Duration = Duration::from_millis(25);

/// Limits how quickly the number of concurrent requests grows, without a limit of the number itself.
///
/// Each concurrent request needs a connection, which takes about 36 kB here and more at the server. A server that
/// answers within [`PATIENCE`] gets no more than [`PERMITS`] of them, however many jobs are in flight. A slower one gets
/// up to `PERMITS` new requests per `PATIENCE`, which are 1,920 a second.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    permits: Arc<Semaphore>,
}

impl Default for Gate {
    fn default() -> Gate {
        Gate { permits: Arc::new(Semaphore::new(PERMITS)) }
    }
}

impl Gate {
    /// Waits for a permit, then for `request`.
    pub(super) async fn pass<T>(&self, request: impl Future<Output = T>) -> T {
        let mut request = pin!(request);
        // The semaphore is never closed.
        let permit = self.permits.acquire().await;
        if let Ok(answer) = timeout(PATIENCE, &mut request).await {
            return answer;
        }
        drop(permit);
        request.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use tokio::time::{Instant, sleep};

    use super::*;

    /// Sends a number of requests at once, each of which is answered after `latency`. Returns the largest number of
    /// concurrent ones, and the time until the last has ended.
    async fn send(requests: usize, latency: Duration) -> (usize, Duration) {
        let (gate, started) = (Gate::default(), Instant::now());
        let (open, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let all = (0..requests).map(|_| {
            gate.pass(async {
                most.fetch_max(open.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                sleep(latency).await;
                open.fetch_sub(1, Ordering::Relaxed);
            })
        });
        join_all(all).await;
        (most.into_inner(), started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_answers_at_once_gets_few_concurrent_requests() {
        assert_eq!(send(4 * PERMITS, Duration::from_millis(5)).await, (PERMITS, Duration::from_millis(20)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_server_gets_all_requests_without_waiting_for_its_answers() {
        let latency = Duration::from_secs(10);
        assert_eq!(send(4 * PERMITS, latency).await, (4 * PERMITS, latency + 3 * PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_dropped_returns_its_permit() {
        let gate = Gate::default();
        let dropped = (0..PERMITS).map(|_| timeout(Duration::from_millis(1), gate.pass(sleep(PATIENCE))));
        assert!(join_all(dropped).await.iter().all(Result::is_err));
        assert_eq!(gate.permits.available_permits(), PERMITS);
    }
}
