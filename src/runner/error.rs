use crate::api::PredictionId;
use crate::job::JobId;
use crate::journal::{JournalError, LedgerError, LinesError, RecordError, TransitionError};
use crate::outputs::OutputError;
use crate::run_folder::FolderError;

/// The end of a run that could not continue. Its message names the predictions that are in no journal, because they
/// were paid for.
#[derive(Debug, thiserror::Error)]
#[error("{error}{}", unrecorded_text(unrecorded))]
pub struct RunFailure {
    /// Why it could not continue.
    pub error: RunError,
    /// Accepted submits whose ids did not reach the disk. The journal may have failed after another error.
    pub unrecorded: Vec<(JobId, PredictionId)>,
}

/// Why a run could not continue.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The results folder cannot be written.
    #[error("save a result: {0}")]
    Results(OutputError),
    /// The plan can no longer be read.
    #[error(transparent)]
    Plan(#[from] FolderError),
    /// The lines of an archived job cannot be read again.
    #[error(transparent)]
    Lines(#[from] LinesError),
    /// The state machine of an edit was violated, which is a defect of this program.
    #[error("apply a journal record: {0}")]
    Transition(#[source] TransitionError),
    /// An executor panicked, which is a defect of this program.
    #[error("run a job: {0}")]
    Executor(tokio::task::JoinError),
}

impl From<RecordError> for RunError {
    fn from(error: RecordError) -> RunError {
        match error {
            RecordError::Ledger(LedgerError::Lines(error)) => RunError::Lines(error),
            RecordError::Ledger(LedgerError::Transition(error)) => RunError::Transition(error),
            RecordError::Journal(error) => RunError::Journal(error),
        }
    }
}

impl From<RunError> for RunFailure {
    fn from(error: RunError) -> RunFailure {
        RunFailure { error, unrecorded: Vec::new() }
    }
}

fn unrecorded_text(unrecorded: &[(JobId, PredictionId)]) -> String {
    let named: Vec<_> =
        unrecorded.iter().map(|(job, prediction)| format!("{job} is prediction {prediction}")).collect();
    if named.is_empty() { String::new() } else { format!("; not in the journal: {}", named.join(", ")) }
}
