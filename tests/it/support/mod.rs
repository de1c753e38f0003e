//! What the tests have in common: the program in a folder of its own, and a provider that keeps a ledger.

mod provider;
mod sandbox;

pub use provider::{Behavior, Provider};
pub use sandbox::{Sandbox, code};
