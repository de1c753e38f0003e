//! The runner: one dispatcher that owns the state and the journal, and one executor per job in progress.
//!
//! The dispatcher puts all events in one order, records them, and decides what may start; an executor runs one job
//! through submit, polls and downloads, and reports each step. Nothing is sent before the record that announces it is
//! durable. Time comes from tokio, so that tests can pause it; the wall clock and randomness are passed in.

mod backoff;
mod batch;
mod breaker;
mod cumulative_sum;
mod dispatcher;
mod error;
mod event;
mod executor;
#[doc(hidden)]
pub mod fakes;
mod messages;
mod pacing;
mod picture_names;
mod polling;
mod recording;
mod settings;
mod stop_reason;
mod stop_signal;
mod streak;

use crate::api::EditApi;
use crate::journal::{Disk, Ledger};
use crate::outputs::ResultStore;
use crate::plan::Work;
use crate::run_folder::FolderError;

use dispatcher::Dispatcher;

pub use batch::{Batch, Effects, RunOutcome};
pub use error::{RunError, RunFailure};
pub use event::{CheckedPicture, Event, InFlight, Observer, RunTotals};
pub use polling::PollSchedule;
pub use recording::{adopt, record_idle_run, redo, release, set_aside};
pub use settings::Settings;
pub use stop_reason::StopReason;
pub use stop_signal::StopSignal;

/// Does all of the batch's work, in order. Returns when nothing is left or the run must stop.
///
/// `ledger` is the state before the run; the outcome's ledger is the state after it. A submit without an answer in
/// the ledger was made by a process that is gone, and is recorded as uncertain before anything else.
///
/// # Errors
///
/// The journal or the results folder cannot be written, or the plan cannot be read. The run ends immediately;
/// everything that was durable stays so, and the journal does not say that the run finished.
pub async fn run<'b, A: EditApi, S: ResultStore, D: Disk>(
    settings: Settings,
    effects: Effects<A, S, D>,
    ledger: Ledger,
    batch: Batch<impl Iterator<Item = Result<Work, FolderError>>, impl Fn(&str) -> bool + 'b>,
    observer: &'b mut dyn Observer,
    signal: StopSignal,
) -> Result<RunOutcome, RunFailure> {
    let Batch { opening, work, is_job } = batch;
    let mut dispatcher = Dispatcher::open(settings, effects, ledger, opening, is_job, observer).await?;
    let outcome = dispatcher.run(work, signal).await;
    dispatcher.finish(outcome).await
}

#[cfg(test)]
mod tests;
