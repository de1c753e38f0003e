use std::sync::Arc;

use jiff::Timestamp;

use crate::journal::{Disk, Ledger, RunStart};
use crate::verify::Verifier;

use super::StopReason;

/// What a run is asked to do.
pub struct Batch<W, F> {
    /// The record that opens the run.
    pub opening: RunStart,
    /// What is to be done, in the order of the manifest. It is drawn when its turn comes, and may turn out unreadable then.
    pub work: W,
    /// Whether a name without its extension is that of a job of the manifest, so that a second picture of one job does not
    /// take the name of another.
    pub is_job: F,
}

/// What a run works with. Clock and randomness are here, so that a test can hold both still.
pub struct Effects<A, S, D: Disk> {
    /// The API.
    pub api: Arc<A>,
    /// Where results go.
    pub store: Arc<S>,
    /// Who looks at their colors.
    pub verifier: Arc<dyn Verifier>,
    /// Where the journal goes.
    pub disk: D,
    /// The wall clock.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// The seed of all jitter.
    pub seed: u64,
}

/// How a run ended.
#[derive(Debug)]
pub struct RunOutcome {
    /// What the journal adds up to by now.
    pub ledger: Ledger,
    /// Why the run stopped before all work was done.
    pub stopped: Option<StopReason>,
}
