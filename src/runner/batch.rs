use std::sync::Arc;

use jiff::Timestamp;

use crate::journal::{Disk, Ledger, RunStart};
use crate::verify::Verifier;

use super::StopReason;

/// The work of a run.
pub struct Batch<W, F> {
    /// The record that starts the run.
    pub opening: RunStart,
    /// The work, in the order of the manifest. Items are read only when they are needed, and reading one may fail.
    pub work: W,
    /// Returns whether a file name without its extension is the id of a job of the manifest, so that the second
    /// picture of one job does not take the name of another.
    pub is_job: F,
}

/// What a run uses to act on the outside world. Clock and randomness are here, so that tests can control both.
///
/// The API, the store and the disk are type parameters, because their traits have async methods. Those of [`Verifier`]
/// return boxed futures, which cost nothing beside a check, and save a third parameter of everything in the runner.
pub struct Effects<A, S, D: Disk> {
    /// The API.
    pub api: Arc<A>,
    /// Where results are saved.
    pub store: Arc<S>,
    /// What checks and corrects their colors.
    pub verifier: Arc<dyn Verifier>,
    /// Where the journal is written.
    pub disk: D,
    /// The wall clock.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// The seed of all random delays.
    pub seed: u64,
}

/// The result of a run.
#[derive(Debug)]
pub struct RunOutcome {
    /// The state of all jobs after the run.
    pub ledger: Ledger,
    /// Why the run stopped before all work was done.
    pub stopped: Option<StopReason>,
    /// How many accepted submits were answered without a price, and count at the highest one so far.
    pub unpriced: u64,
}
