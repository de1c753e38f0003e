use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::runner::StopSignal;

use super::Failure;

/// The exit code of a process that a second Ctrl-C ended: 128 and the number of SIGINT, as shells count.
const INTERRUPTED: i32 = 130;

/// What Ctrl-C and SIGTERM ask of the process.
#[derive(Clone, Debug, Default)]
pub(super) struct Interruption {
    /// Asks the work to stop.
    pub(super) stop: StopSignal,
    is_over: Arc<AtomicBool>,
    each: Arc<Notify>,
}

impl Interruption {
    /// Listens: the first signal asks the work to stop, the second ends the process at once. Whatever was journaled by then
    /// stays. Once the work is over no signal ends the process, for it has its exit code.
    pub(super) fn listen(&self) -> Result<(), Failure> {
        let mut interrupts = Interrupts::new().map_err(|cause| Failure::Start { cause })?;
        let Interruption { stop, is_over, each } = self.clone();
        tokio::spawn(async move {
            loop {
                interrupts.next().await;
                if stop.is_stopped() && !is_over.load(Ordering::Relaxed) {
                    // Whoever asks twice wants no more waiting, and the journal needs no closing.
                    std::process::exit(INTERRUPTED);
                }
                stop.stop();
                each.notify_waiters();
            }
        });
        Ok(())
    }

    /// Says that the work is over.
    pub(super) fn work_is_over(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Waits for the next signal.
    pub(super) async fn next(&self) {
        self.each.notified().await;
    }
}

#[cfg(unix)]
struct Interrupts {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Interrupts {
    fn new() -> std::io::Result<Interrupts> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Interrupts {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Interrupts;

#[cfg(not(unix))]
impl Interrupts {
    fn new() -> std::io::Result<Interrupts> {
        Ok(Interrupts)
    }

    async fn next(&mut self) {
        // Without a handler there is nothing to wait for, and the system's own way of ending stands.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
