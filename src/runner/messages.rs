use tokio::sync::oneshot;

use crate::api::outcome::{Stop, SubmitOutcome};
use crate::api::{RateLimits, StatusPath};
use crate::color::Check;
use crate::job::ErrorClass;
use crate::journal::{Corrected, Durable, JournalError, SavedFile};
use crate::outputs::{Destination, OutputError};
use crate::verify::Uncorrected;

/// What an executor tells the dispatcher.
pub(super) struct ExecutorMessage<T> {
    pub(super) worker: u64,
    pub(super) event: ExecutorEvent<T>,
}

/// What happened to its job.
pub(super) enum ExecutorEvent<T> {
    /// What came of the submit. The executor goes on by itself if it was accepted, and ends otherwise.
    Submitted { outcome: SubmitOutcome, limits: Option<RateLimits>, status_path: Option<StatusPath> },
    /// Whether a poll was answered, and what was seen instead.
    Polled(Result<(), String>),
    /// A status that the page does not document.
    UnknownStatus(String),
    /// An answer names more pictures than are brought here.
    ExtraOutputs { kept: usize, left: usize },
    /// The pictures are ready at the provider.
    Generated { outputs: usize },
    /// They are here. The answer says how they are called, and must be durable before they are published.
    Fetched { staged: Vec<T>, answer: oneshot::Sender<Named<T>> },
    /// The executor ends.
    Ended(ExecutorOutcome),
}

/// Fetched pictures with their names, and the record of them on its way to the disk.
pub(super) struct Named<T> {
    pub(super) staged: Vec<(T, SavedFile)>,
    pub(super) destination: Destination,
    pub(super) fetched: Durable,
}

/// How an executor ends after its submit.
pub(super) enum ExecutorOutcome {
    /// The pictures are in place.
    Published,
    /// They are back in place.
    Reinstated,
    /// Their color was checked.
    Checked(Box<Check>),
    /// Their color was corrected, or could not be.
    Corrected(Result<Box<Corrected>, Uncorrected>),
    /// Somebody has changed them: they stay as they are.
    Retouched,
    /// There are none.
    Failed { class: ErrorClass, message: String },
    /// The prediction stays at the provider for a later run.
    Deferred { cause: String },
    /// No further request makes sense.
    Stop(Stop),
    /// This machine's disk failed.
    Disk(OutputError),
    /// The journal failed; the dispatcher learns why from the journal itself.
    Journal(JournalError),
    /// The submit was the end.
    Submit,
}
