//! What the tests have in common: the program in a folder of its own, and a provider that keeps a ledger.

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
