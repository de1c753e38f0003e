//! Shared test support: the program in a separate folder, and a provider that keeps a ledger.

use std::time::{Duration, Instant};

mod machines;
mod provider;
mod sandbox;

pub use machines::Machines;
pub use provider::{Behavior, Provider};
pub use sandbox::{Sandbox, code};

/// Returns the number in an environment variable, which enables longer versions of tests.
pub fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// The maximum time that a test waits for something that usually happens within moments, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until `happened` returns true, and checks every millisecond.
#[track_caller]
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < end, "this did not happen: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
