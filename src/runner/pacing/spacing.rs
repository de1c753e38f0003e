use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::sync::locked;

/// The share of the token interval that is kept between two submits: a little less than all of it, so that a delay
/// does not persist.
const MIN_INTERVAL_SHARE: f64 = 0.9975;

/// The longest delay of a submit, which is also limited by the interval: its record is already durable, so a process
/// that ends here leaves an uncertain submit.
const MAX_DELAY: Duration = Duration::from_secs(1);

/// Keeps submits apart when they are sent. Each one waits for its record to become durable after it took its token.
/// That time varies, so paced submits could leave closer together than a strict provider accepts.
#[derive(Debug, Default)]
pub(in crate::runner) struct Spacing {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    interval: Duration,
    next: Option<Instant>,
}

impl Spacing {
    /// Sets the interval of tokens; zero keeps nothing apart.
    pub(super) fn set_interval(&self, interval: Duration) {
        locked(&self.state).interval = interval;
    }

    /// Sets the interval of tokens if submits are kept apart at all.
    pub(super) fn stretch_to(&self, interval: Duration) {
        let mut state = locked(&self.state);
        if !state.interval.is_zero() {
            state.interval = interval;
        }
    }

    /// Waits until a submit may be sent.
    pub(in crate::runner) async fn leave(&self) {
        let at = self.take(Instant::now());
        tokio::time::sleep_until(at).await;
    }

    fn take(&self, now: Instant) -> Instant {
        let mut state = locked(&self.state);
        let at = state.next.map_or(now, |next| next.clamp(now, now + state.interval.min(MAX_DELAY)));
        state.next = Some(at + state.interval.mul_f64(MIN_INTERVAL_SHARE));
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn delayed_submits_keep_their_distance_and_the_delay_decays() {
        let interval = Duration::from_millis(500);
        let spacing = Spacing::default();
        spacing.set_interval(interval);
        let start = Instant::now();
        let left: Vec<Duration> = (0..200)
            .map(|token| {
                let delay = if token == 3 { Duration::from_millis(60) } else { Duration::ZERO };
                spacing.take(start + interval * token + delay) - start
            })
            .collect();
        assert!(left.windows(2).all(|pair| pair[1] - pair[0] >= interval.mul_f64(MIN_INTERVAL_SHARE)), "{left:?}");
        assert_eq!(left[199], interval * 199);
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_stands_still_holds_nothing_up_for_longer_than_it_did() {
        let interval = Duration::from_millis(100);
        let spacing = Spacing::default();
        spacing.set_interval(interval);
        let start = Instant::now();
        let after = start + Duration::from_secs(5);
        assert!((0..50).all(|_| spacing.take(after) <= after + interval));
    }
}
