//! What the tests have in common: the program in a folder of its own, and a provider that keeps a ledger.

use std::time::{Duration, Instant};

mod machines;
mod provider;
mod sandbox;

pub use machines::Machines;
pub use provider::{Behavior, Provider};
pub use sandbox::{Sandbox, code};

/// The number in an environment variable, by which long forms of tests are asked for.
pub fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// How long a test waits for something that happens within moments, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until something has `happened`, and looks every millisecond.
#[track_caller]
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < end, "this did not happen: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
