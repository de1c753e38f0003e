use tokio::runtime::{Builder, Runtime};

use super::Failure;

/// Returns a runtime on this thread for the requests and records of a command.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Builder::new_current_thread().enable_all().build().map_err(|cause| Failure::Start { cause })
}
