use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The time without data from a host after which another download may start.
const PATIENCE: Duration = Duration::from_secs(3);

/// A permit for one of the concurrent downloads. It is released while its host is silent, so that a stalled download
/// does not block others.
#[derive(Debug)]
pub struct Slot {
    all: Arc<Semaphore>,
    /// `None` while the permit is released.
    held: Option<OwnedSemaphorePermit>,
}

impl Slot {
    /// Waits for one of the permits of `all`.
    pub async fn of(all: &Arc<Semaphore>) -> Slot {
        let mut slot = Slot { all: Arc::clone(all), held: None };
        slot.take().await;
        slot
    }

    /// Waits for a host's response.
    pub(super) async fn with_permit<T>(&mut self, response: impl Future<Output = T>) -> T {
        let mut response = pin!(response);
        if let Ok(response) = timeout(PATIENCE, &mut response).await {
            return response;
        }
        self.without_permit(response).await
    }

    /// Releases the permit until `over` completes.
    pub(super) async fn without_permit<T>(&mut self, over: impl Future<Output = T>) -> T {
        self.held = None;
        let over = over.await;
        self.take().await;
        over
    }

    async fn take(&mut self) {
        // The semaphore is never closed. If it were, the download would merely start earlier.
        self.held = Arc::clone(&self.all).acquire_owned().await.ok();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_silent_host_releases_its_permit() {
        let (all, started) = (Arc::new(Semaphore::new(1)), Instant::now());
        let mut silent = Slot::of(&all).await;
        let silent = tokio::spawn(async move {
            silent.with_permit(sleep(Duration::from_secs(30))).await;
            started.elapsed()
        });
        let mut next = Slot::of(&all).await;
        assert_eq!(started.elapsed(), PATIENCE);
        for _ in 0..20 {
            next.with_permit(sleep(Duration::from_secs(2))).await;
        }
        assert_eq!(all.available_permits(), 0);
        drop(next);
        assert_eq!(silent.await.unwrap(), PATIENCE + Duration::from_secs(40), "it waits for its turn to go on");
    }
}
