use tokio::sync::oneshot;

use crate::api::outcome::{Stop, SubmitOutcome};
use crate::api::{PredictionId, RateLimits, StatusPath};
use crate::color::Check;
use crate::job::ErrorClass;
use crate::journal::{Corrected, Durable, JournalError, SavedFile};
use crate::outputs::{Destination, OutputError};
use crate::verify::Uncorrected;

/// A message from an executor to the dispatcher.
pub(super) struct ExecutorMessage<T> {
    pub(super) worker: u64,
    pub(super) event: ExecutorEvent<T>,
}

/// What happened to a job.
pub(super) enum ExecutorEvent<T> {
    /// The outcome of the submit. The executor continues by itself if it was accepted, and ends otherwise.
    Submitted { outcome: SubmitOutcome, limits: Option<RateLimits>, status_path: Option<StatusPath> },
    /// The submit was not sent, because the run was stopped.
    Withdrawn,
    /// A poll failed with this cause, or was answered after others have failed.
    Polled(Result<(), String>),
    /// The prediction takes longer than it may, and is followed further without a slot.
    Overdue,
    /// The provider used a status that it does not document.
    UnknownStatus(String),
    /// An answer names more pictures than are saved.
    ExtraOutputs { kept: usize, left: usize },
    /// The URLs of the outputs may name other predictions. The answer is one that belongs to another edit.
    NamesOthers { named: Vec<PredictionId>, answer: oneshot::Sender<Option<PredictionId>> },
    /// The pictures are ready at the provider.
    Generated { outputs: usize },
    /// The pictures could not be downloaded, with this cause. The executor tries again later.
    DownloadFailed(String),
    /// The pictures are downloaded. The answer names them, and must be durable before they are published.
    Fetched { staged: Vec<T>, answer: oneshot::Sender<Named<T>> },
    /// The executor ends.
    Ended(ExecutorOutcome),
}

/// Downloaded pictures with their names, and the pending record of them.
pub(super) struct Named<T> {
    pub(super) staged: Vec<(T, SavedFile)>,
    pub(super) destination: Destination,
    pub(super) fetched: Durable,
}

/// How an executor ended.
pub(super) enum ExecutorOutcome {
    /// The pictures are saved.
    Published,
    /// They are back in place.
    Reinstated,
    /// Their color was checked.
    Checked(Box<Check>),
    /// Their color was corrected, or could not be.
    Corrected(Result<Box<Corrected>, Uncorrected>),
    /// The user has changed them, so they stay as they are.
    Retouched,
    /// The edit failed.
    Failed { class: ErrorClass, message: String },
    /// The prediction is left at the provider for a later run.
    Deferred { cause: String },
    /// No further request makes sense.
    Stop(Stop),
    /// This machine's disk failed.
    Disk(OutputError),
    /// The journal failed.
    Journal(JournalError),
    /// The executor ended with the answer to its submit, which was reported before.
    Submit,
}
