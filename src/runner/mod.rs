//! The runner: one dispatcher that owns the state and the journal, and an executor for each job under way.
//!
//! The dispatcher puts everything that happens in one order, records it, and decides what may begin; an executor
//! carries one job through submit, polls and downloads, and reports each step. Nothing is sent before the record that
//! announces it is durable. Time comes from tokio, so that tests can pause it; the wall clock and randomness are
//! passed in.

mod breaker;
mod dispatcher;
mod event;
mod executor;
mod messages;
mod pacing;
mod picture_names;
mod policy;
mod polling;
mod recording;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::api::outcome::Stop;
use crate::api::{EditApi, PredictionId};
use crate::job::{Cents, JobId, Rate, SubmitRate};
use crate::journal::{Disk, Journal, JournalError, Ledger, LedgerError, PauseCause, RecordError, RunStart};
use crate::outputs::{OutputError, ResultStore};
use crate::plan::{ColorRules, Work};
use crate::run_folder::FolderError;
use crate::verify::Verifier;

pub use event::{CheckedPicture, Event, InFlight, Observer, RunTotals};
pub use policy::{fits_budget, fits_run_budget};
pub use polling::PollSchedule;
pub use recording::{record_idle_run, release, set_aside};

/// How a run is paced and bounded.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How fast submits go out.
    pub submits: SubmitRate,
    /// How many submits may go out at once after a pause.
    pub burst: NonZeroU32,
    /// How fast polls go out.
    pub polls: Rate,
    /// How many polls of each prediction go out beside that rate: with submits that are paced, they are paced as well.
    pub free_polls: u32,
    /// How many predictions may be in work at once.
    pub in_flight: NonZeroU32,
    /// How many downloads may be under way at once.
    pub downloads: NonZeroU32,
    /// The ceiling of what the folder may cost over its whole life.
    pub budget: Option<Cents>,
    /// The ceiling of what the submits of this run alone may cost.
    pub budget_per_run: Option<Cents>,
    /// What a submit may cost. A price above it is more likely a mistake than a price.
    pub price_limit: Cents,
    /// How long after its beginning submitting ends.
    pub deadline: Option<Duration>,
    /// When submitting ends by the clock on the wall, if that is earlier.
    pub not_after: Option<Timestamp>,
    /// How long what is in flight may take after the deadline.
    pub grace: Duration,
    /// How long a prediction may take.
    pub job_timeout: Duration,
    /// How long the provider may be out of reach, or fail for every job, before the run gives up.
    pub give_up_after: Duration,
    /// When predictions are asked for.
    pub schedule: PollSchedule,
    /// What is done about colors.
    pub color: ColorRules,
}

const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            submits: SubmitRate::Fixed(Rate::per_minute(TEN)),
            burst: NonZeroU32::MIN,
            polls: Rate::per_second(TEN),
            free_polls: 0,
            in_flight: const { NonZeroU32::new(3).unwrap() },
            downloads: const { NonZeroU32::new(8).unwrap() },
            budget: None,
            budget_per_run: None,
            // Ten times what the provider's page says.
            price_limit: Cents(70),
            deadline: None,
            not_after: None,
            grace: Duration::from_secs(300),
            job_timeout: Duration::from_secs(1800),
            give_up_after: Duration::from_secs(900),
            schedule: PollSchedule::default(),
            color: ColorRules::default(),
        }
    }
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

/// What asks a run to stop.
#[derive(Clone, Debug, Default)]
pub struct StopSignal(tokio_util::sync::CancellationToken);

impl StopSignal {
    /// Asks the run to stop.
    pub fn stop(&self) {
        self.0.cancel();
    }

    /// Whether it was asked to.
    pub fn is_stopped(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is asked to.
    pub async fn stopped(&self) {
        self.0.cancelled().await;
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct RunOutcome {
    /// What the journal adds up to by now.
    pub ledger: Ledger,
    /// Why the run stopped before all work was done.
    pub stopped: Option<StopReason>,
}

/// Why a run stopped in good order before all work was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Somebody asked it to.
    Signal,
    /// The deadline.
    Deadline,
    /// The next submit could have passed the budget.
    Budget,
    /// The next submit could have passed what this run may cost.
    BudgetPerRun,
    /// One submit may cost more than a whole run: neither this one nor the next can submit anything.
    BelowPrice {
        /// What a run may cost.
        budget: Cents,
        /// What a submit may cost.
        price: Cents,
    },
    /// A submit costs more than one may.
    AbovePriceLimit {
        /// What one may cost.
        limit: Cents,
        /// What one costs.
        price: Cents,
    },
    /// The provider could not be reached for too long.
    Unreachable(String),
    /// The provider asked to slow down for too long.
    RateLimited(String),
    /// The provider failed for every job, for too long.
    Failing(String),
    /// This machine has no room for the pictures of more submits.
    NoRoom(String),
    /// Predictions could not be asked for, and are still at the provider.
    Unanswered(u64),
    /// The API said that no further request makes sense.
    Api(Stop),
}

impl StopReason {
    /// That `cause` has lasted for too long; `said` is what was seen last.
    fn from_pause(cause: PauseCause, said: String) -> StopReason {
        match cause {
            PauseCause::RateLimited => StopReason::RateLimited(said),
            PauseCause::Unreachable => StopReason::Unreachable(said),
            PauseCause::Failing => StopReason::Failing(said),
        }
    }

    /// Whether the run stopped where it was told to, by the clock or by what it alone may cost, and the next one goes on.
    pub fn is_planned(&self) -> bool {
        match self {
            StopReason::Deadline | StopReason::BudgetPerRun => true,
            StopReason::Signal
            | StopReason::Budget
            | StopReason::BelowPrice { .. }
            | StopReason::AbovePriceLimit { .. }
            | StopReason::Unreachable(_)
            | StopReason::RateLimited(_)
            | StopReason::Failing(_)
            | StopReason::NoRoom(_)
            | StopReason::Unanswered(_)
            | StopReason::Api(_) => false,
        }
    }
}

impl std::fmt::Display for StopReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StopReason::Signal => formatter.write_str("interrupted by Ctrl-C or SIGTERM"),
            StopReason::Deadline => formatter.write_str("the deadline has passed"),
            StopReason::Budget => formatter.write_str("the next submit could pass the budget"),
            StopReason::BudgetPerRun => formatter.write_str("the next submit could pass the budget of this run"),
            StopReason::BelowPrice { budget, price } => write!(
                formatter,
                "a submit may cost {price}, which is more than the run's budget of {budget}: raise --budget-per-run to at \
                 least {price}, or use only --budget"
            ),
            StopReason::AbovePriceLimit { limit, price } => write!(
                formatter,
                "a submit costs {price}, more than the limit of {limit}: check the provider's dashboard, and raise \
                 --price-limit to pay this price"
            ),
            StopReason::Unreachable(cause) => write!(formatter, "the API cannot be reached: {cause}"),
            StopReason::RateLimited(cause) => write!(formatter, "the API keeps refusing requests with 429: {cause}"),
            StopReason::Failing(cause) => write!(formatter, "the API fails for every job: {cause}"),
            StopReason::NoRoom(said) => write!(formatter, "{said}: free some space, then run again"),
            StopReason::Unanswered(jobs) => write!(formatter, "{jobs} predictions could not be polled"),
            StopReason::Api(Stop::Auth(said)) => write!(formatter, "the API refused the key ({said})"),
            StopReason::Api(Stop::Balance(said)) => write!(formatter, "the balance is used up ({said})"),
            StopReason::Api(Stop::Redirected(said)) => write!(formatter, "the API redirects elsewhere ({said})"),
        }
    }
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The journal cannot be written. Predictions whose ids are in no journal are named, for they were paid for.
    #[error("{cause}{}", unrecorded_text(unrecorded))]
    Journal {
        /// What went wrong.
        cause: JournalError,
        /// Accepted submits whose ids did not reach the disk.
        unrecorded: Vec<(JobId, PredictionId)>,
    },
    /// The results folder cannot be written.
    #[error("save a result: {0}")]
    Results(#[source] OutputError),
    /// The plan cannot be read any more.
    #[error(transparent)]
    Plan(#[from] FolderError),
    /// The state machine of an edit was violated, or the journal changed under the program.
    #[error("apply a journal record: {0}")]
    Ledger(#[from] LedgerError),
    /// An executor panicked: a defect of this program.
    #[error("run a job: {0}")]
    Executor(#[source] tokio::task::JoinError),
}

impl From<RecordError> for RunError {
    fn from(error: RecordError) -> RunError {
        match error {
            RecordError::Ledger(error) => RunError::Ledger(error),
            RecordError::Journal(cause) => RunError::from(cause),
        }
    }
}

impl From<JournalError> for RunError {
    fn from(cause: JournalError) -> RunError {
        RunError::Journal { cause, unrecorded: Vec::new() }
    }
}

fn unrecorded_text(unrecorded: &[(JobId, PredictionId)]) -> String {
    let named: Vec<_> =
        unrecorded.iter().map(|(job, prediction)| format!("{job} is prediction {prediction}")).collect();
    if named.is_empty() { String::new() } else { format!("; not in the journal: {}", named.join(", ")) }
}

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
