use std::time::Duration;

use futures::{Stream, StreamExt};
use tokio::time::{Instant, timeout};

use crate::words::size;

use super::{Attempt, DownloadLimits, failed};

/// Ends a download that is slower than it may be.
#[derive(Debug)]
pub(super) struct Pace {
    /// How many bytes must arrive within how much time.
    quota: (u64, Duration),
    /// What is left of both.
    left: (u64, Duration),
    min_speed: u32,
}

impl Pace {
    pub(super) fn new(limits: &DownloadLimits) -> Pace {
        let quota = (u64::from(limits.min_speed) * limits.silence.as_secs(), limits.silence);
        Pace { quota, left: quota, min_speed: limits.min_speed }
    }

    /// Waits for the next chunk. Only the time in here counts, and not that in which a download waits for others.
    pub(super) async fn next<C: AsRef<[u8]>>(
        &mut self,
        chunks: &mut (impl Stream<Item = reqwest::Result<C>> + Unpin),
    ) -> Option<Result<C, Attempt>> {
        let began = Instant::now();
        let Ok(chunk) = timeout(self.left.1, chunks.next()).await else {
            let cause = format!("under {} per second", size(u64::from(self.min_speed)));
            return Some(Err(Attempt::Retry { cause, after: None }));
        };
        let chunk = chunk?.map_err(|error| failed(&error));
        self.left.1 = self.left.1.saturating_sub(began.elapsed());
        self.left.0 = self.left.0.saturating_sub(chunk.as_ref().map_or(0, |chunk| chunk.as_ref().len() as u64));
        if self.left.0 == 0 {
            self.left = self.quota;
        }
        Some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use tokio::time::sleep;

    use super::*;

    /// Receives chunks of a length, one a second. Returns how long it takes until they end or are too slow.
    async fn receive(lengths: impl IntoIterator<Item = usize>) -> (Duration, bool) {
        let limits = DownloadLimits::default();
        let each_second = stream::iter(lengths).then(|length| async move {
            sleep(Duration::from_secs(1)).await;
            Ok(vec![0; length])
        });
        let (mut pace, mut chunks, started) = (Pace::new(&limits), Box::pin(each_second), Instant::now());
        loop {
            match pace.next(&mut chunks).await {
                Some(Ok(_)) => {}
                end => return (started.elapsed(), end.is_none()),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_download_that_only_drips_is_ended_soon_and_one_that_moves_slowly_is_not() {
        let (silence, hour) = (DownloadLimits::default().silence, 3600);
        assert_eq!(receive([1200; 3600]).await, (Duration::from_secs(hour), true));
        assert_eq!(receive([32; 3600]).await, (silence, false));
        let quick_at_first = [5_000_000].into_iter().chain([32; 3600]);
        assert_eq!(receive(quick_at_first).await, (silence + Duration::from_secs(1), false));
    }
}
