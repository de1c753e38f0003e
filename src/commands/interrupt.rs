use crate::runner::StopSignal;

use super::Failure;

/// The exit code of a process that a second Ctrl-C ended: 128 and the number of SIGINT, as shells count.
const INTERRUPTED: i32 = 130;

/// Listens for Ctrl-C and SIGTERM: the first one asks the run to stop, the second ends the process at once. Whatever
/// was journaled by then stays.
pub(super) fn listen(signal: StopSignal) -> Result<(), Failure> {
    let mut interrupts = Interrupts::new().map_err(|cause| Failure::Start { cause })?;
    tokio::spawn(async move {
        interrupts.next().await;
        signal.stop();
        interrupts.next().await;
        #[expect(clippy::exit, reason = "whoever asks twice wants no more waiting, and the journal needs no closing")]
        std::process::exit(INTERRUPTED);
    });
    Ok(())
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
