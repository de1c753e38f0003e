use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::runner::StopSignal;

use super::Failure;

/// The exit code of a process ended by a signal is this base plus the number of the signal, as in shells.
const SIGNAL_EXIT_BASE: i32 = 128;

/// The time after the first signal within which another one counts as the same request: `timeout` sends its signal to
/// the process and then to its process group.
const SAME_REQUEST: Duration = Duration::from_secs(1);

/// The handling of Ctrl-C, SIGTERM and SIGHUP.
#[derive(Clone, Debug, Default)]
pub(super) struct Interruption {
    /// The signal that asks the work to stop.
    pub(super) stop: StopSignal,
    is_over: Arc<AtomicBool>,
    received: Arc<Notify>,
}

impl Interruption {
    /// Listens for signals: the first one requests a stop, and the second one ends the process at once. What is already
    /// in the journal stays. After the work, no signal ends the process, because its exit code is already decided.
    ///
    /// It runs on a separate thread, so that signals are also handled while the program writes a report or waits for a
    /// lock.
    pub(super) fn listen(&self) -> Result<(), Failure> {
        self.listen_on_a_thread().map_err(|cause| Failure::Start { cause })
    }

    fn listen_on_a_thread(&self) -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let mut interrupts = {
            let _inside = runtime.enter();
            Interrupts::new()?
        };
        let interruption = self.clone();
        let handle_signals = async move {
            let mut first = None;
            loop {
                let signal = interrupts.next().await;
                let is_second = first.get_or_insert_with(Instant::now).elapsed() >= SAME_REQUEST;
                if is_second && !interruption.is_over.load(Ordering::Relaxed) {
                    // A second request ends the process without waiting. The journal does not have to be closed.
                    std::process::exit(SIGNAL_EXIT_BASE + signal);
                }
                tracing::debug!(signal, "received a signal");
                interruption.receive();
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(handle_signals)).map(drop)
    }

    /// Asks the work to stop, and ends what waits for the next signal.
    pub(super) fn receive(&self) {
        self.stop.stop();
        self.received.notify_waiters();
    }

    /// Records that the work is done.
    pub(super) fn work_is_over(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Returns a future that waits for the next signal after this call.
    pub(super) fn next(&self) -> Notified<'_> {
        self.received.notified()
    }
}

#[cfg(unix)]
struct Interrupts {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// `None` if the program was started with SIGHUP ignored, for example by `nohup`.
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Interrupts {
    fn new() -> io::Result<Interrupts> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Interrupts {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if is_ignored(SignalKind::hangup()) { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    /// Waits for the next signal and returns its number.
    async fn next(&mut self) -> i32 {
        use tokio::signal::unix::SignalKind;
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            () = next_of(self.hangup.as_mut()) => SignalKind::hangup(),
        };
        kind.as_raw_value()
    }
}

#[cfg(unix)]
async fn next_of(signal: Option<&mut tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether the program was started with this signal ignored. It is known only on Linux, from a mask in
/// `/proc/self/status` whose lowest bit is signal 1.
#[cfg(unix)]
fn is_ignored(kind: tokio::signal::unix::SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask & (1 << (kind.as_raw_value() - 1)) != 0
}

#[cfg(not(unix))]
struct Interrupts;

#[cfg(not(unix))]
impl Interrupts {
    fn new() -> io::Result<Interrupts> {
        Ok(Interrupts)
    }

    /// Waits for the next Ctrl-C and returns its signal number.
    async fn next(&mut self) -> i32 {
        // Without a handler, there is nothing to wait for, and the default handling of the system applies.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        2
    }
}
