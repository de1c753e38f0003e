//! The runner: one dispatcher that owns the state and the journal, and an executor for each job under way.
//!
//! The dispatcher puts everything that happens in one order, records it, and decides what may begin; an executor
//! carries one job through submit, polls and downloads, and reports each step. Nothing is sent before the record that
//! announces it is durable. Time comes from tokio, so that tests can pause it; the wall clock and randomness are
//! passed in.

mod batch;
mod breaker;
mod dispatcher;
mod error;
mod event;
mod executor;
mod messages;
mod pacing;
mod picture_names;
mod policy;
mod polling;
mod recording;
mod settings;
mod stop_reason;
mod stop_signal;

use crate::api::EditApi;
use crate::journal::{Disk, Journal, Ledger};
use crate::outputs::ResultStore;
use crate::plan::Work;
use crate::run_folder::FolderError;

pub use batch::{Batch, Effects, RunOutcome};
pub use error::RunError;
pub use event::{CheckedPicture, Event, InFlight, Observer, RunTotals};
pub use policy::{fits_budget, fits_run_budget};
pub use polling::PollSchedule;
pub use recording::{record_idle_run, release, set_aside};
pub use settings::Settings;
pub use stop_reason::StopReason;
pub use stop_signal::StopSignal;

/// Does all of the batch's work, in order, and returns when nothing is left or the run must stop.
///
/// `ledger` is what the journal says so far; the ending's ledger is what it says afterwards. A submit that the ledger
/// has no answer to was made by a process that is gone: it is recorded as uncertain before anything else is done.
///
/// # Errors
///
/// A journal or a results folder that cannot be written, or work that cannot be read, ends the run at once; all that was
/// durable stays so, and the journal does not say that the run came to its end.
pub async fn run<A: EditApi, S: ResultStore, D: Disk>(
    settings: Settings,
    effects: Effects<A, S, D>,
    ledger: Ledger,
    batch: Batch<impl Iterator<Item = Result<Work, FolderError>>, impl Fn(&str) -> bool>,
    observer: &mut dyn Observer,
    signal: StopSignal,
) -> Result<RunOutcome, RunError> {
    let journal = Journal::start(effects.disk);
    let parts = dispatcher::ExecutorParts {
        api: effects.api,
        store: effects.store,
        verifier: effects.verifier,
        now: effects.now,
        seed: effects.seed,
    };
    let mut dispatcher = dispatcher::Dispatcher::new(settings, parts, ledger, journal, observer);
    let outcome = dispatcher.run(batch, signal).await;
    dispatcher.finish(outcome).await
}

#[cfg(test)]
mod tests;
