use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::outputs::slot::Slot;
use crate::sync::locked;

use super::host_rate::HostRate;

/// The hosts that have refused requests, and their rates. All downloads share them.
#[derive(Debug)]
pub(super) struct Hosts {
    started: Instant,
    busy: Mutex<HashMap<String, Arc<BusyHost>>>,
}

#[derive(Debug)]
struct BusyHost {
    rate: Mutex<HostRate>,
    /// Held by the request whose turn is next, so that turns are given in the order of requests.
    queue: tokio::sync::Mutex<()>,
}

impl Hosts {
    pub(super) fn new() -> Hosts {
        Hosts { started: Instant::now(), busy: Mutex::default() }
    }

    /// Waits until a request may be sent to `host`, without the permit of `slot`. If that would take longer than `longest`
    /// for the first in the queue, it returns how long.
    pub(super) async fn turn(&self, host: &str, slot: &mut Slot, longest: Duration) -> Result<(), Duration> {
        let Some(busy) = locked(&self.busy).get(host).cloned() else { return Ok(()) };
        let _next = match busy.queue.try_lock() {
            Ok(next) => next,
            Err(_) => slot.without_permit(busy.queue.lock()).await,
        };
        loop {
            let turn = locked(&busy.rate).try_take(self.started.elapsed());
            match turn {
                Err(wait) if wait <= longest => slot.without_permit(tokio::time::sleep(wait)).await,
                turn => return turn,
            }
        }
    }

    /// Records that `host` has refused a request sent at `sent`, and how long it asks to wait.
    pub(super) fn refused(&self, host: &str, sent: Instant, wait: Duration) {
        let mut hosts = locked(&self.busy);
        let busy = hosts.entry(host.to_owned()).or_insert_with(|| {
            Arc::new(BusyHost { rate: Mutex::new(HostRate::new()), queue: tokio::sync::Mutex::default() })
        });
        locked(&busy.rate).refused(sent - self.started, self.started.elapsed(), wait);
    }

    /// Records that `host` has answered a request.
    pub(super) fn answered(&self, host: &str) {
        let mut hosts = locked(&self.busy);
        let Some(busy) = hosts.get(host) else { return };
        let is_unlimited = {
            let mut rate = locked(&busy.rate);
            rate.answered();
            rate.is_unlimited()
        };
        if is_unlimited {
            hosts.remove(host);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);

    async fn turn(hosts: &Hosts, slots: &Arc<Semaphore>, host: &str) -> (Result<(), Duration>, Duration) {
        let started = Instant::now();
        let mut slot = Slot::of(slots).await;
        (hosts.turn(host, &mut slot, PATIENCE).await, started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn all_requests_to_a_busy_host_wait_in_order_and_hold_up_none_to_another() {
        let (hosts, slots) = (Hosts::new(), Arc::new(Semaphore::new(1)));
        assert_eq!(turn(&hosts, &slots, "busy").await, (Ok(()), Duration::ZERO));
        for _ in 0..12 {
            tokio::time::advance(Duration::from_millis(1)).await;
            hosts.refused("busy", Instant::now(), Duration::ZERO);
        }
        let (queued, other) =
            tokio::join!(join_all((0..5).map(|_| turn(&hosts, &slots, "busy"))), turn(&hosts, &slots, "other"));
        assert_eq!(other, (Ok(()), Duration::ZERO));
        let waits: Vec<_> = queued.into_iter().map(|(turn, waited)| turn.map(|()| waited).unwrap()).collect();
        assert!(waits.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_secs(1)), "{waits:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_asks_for_a_long_wait_is_left_to_the_callers_of_all_requests() {
        let (hosts, slots) = (Hosts::new(), Arc::new(Semaphore::new(8)));
        hosts.refused("busy", Instant::now(), Duration::from_secs(30));
        let turns = join_all((0..5).map(|_| turn(&hosts, &slots, "busy"))).await;
        assert!(turns.iter().all(|turn| *turn == (Err(Duration::from_secs(30)), Duration::ZERO)), "{turns:?}");
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(turn(&hosts, &slots, "busy").await.0, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_has_answered_often_enough_is_forgotten() {
        let hosts = Hosts::new();
        hosts.refused("busy", Instant::now(), Duration::ZERO);
        (0..300).for_each(|_| hosts.answered("busy"));
        assert!(locked(&hosts.busy).is_empty());
    }
}
