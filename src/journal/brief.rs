use crate::job::{ErrorClass, JobId, JobStatus};

use super::{Edit, EditState, SavedFile};

/// What a plan asks of an edit. It is known without reading the journal again.
#[derive(Clone, Debug)]
pub struct Brief<'l> {
    /// How far it has come.
    pub stage: Stage,
    /// Whether the provider has given it an id, under which it may be asked for.
    pub has_prediction: bool,
    /// Whether the pictures under the job's name are its own.
    pub is_shown: bool,
    pub(super) pictures: Pictures<'l>,
}

/// How far an edit has come: [`EditState`] without what belongs to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing is under way; it may be submitted.
    Idle,
    /// A submit was announced, and its answer is not known.
    Submitting,
    /// The provider has it.
    Processing,
    /// Its pictures are on this machine under temporary names.
    Fetched,
    /// Its pictures are in `results/`.
    Completed,
    /// It ended without pictures.
    Failed(ErrorClass),
    /// Nobody knows whether its submit was accepted.
    Uncertain,
}

/// The names and sizes of pictures.
#[derive(Clone, Debug)]
pub(super) enum Pictures<'l> {
    /// As the records have them.
    Saved(&'l [SavedFile]),
    /// The usual single one: the job's id and this extension.
    Named { extension: &'static str, bytes: u64 },
    /// Any others, by name and size.
    Listed(&'l [(String, u64)]),
}

impl Brief<'_> {
    /// The edit's status in the four words of reports.
    pub fn status(&self) -> JobStatus {
        self.stage.status()
    }

    /// Whether `is_there` holds for the name and the size in bytes of every picture; `job` is whose edit it is.
    pub fn has_all_pictures(&self, job: &JobId, is_there: impl Fn(&str, u64) -> bool) -> bool {
        match self.pictures {
            Pictures::Saved(files) => files.iter().all(|file| is_there(&file.name, file.bytes)),
            Pictures::Named { extension, bytes } => is_there(&format!("{job}.{extension}"), bytes),
            Pictures::Listed(files) => files.iter().all(|(name, bytes)| is_there(name, *bytes)),
        }
    }

    pub(super) fn of(edit: &Edit, is_shown: bool) -> Brief<'_> {
        Brief {
            stage: Stage::of(&edit.state),
            has_prediction: edit.prediction.is_some(),
            is_shown,
            pictures: Pictures::Saved(edit.files()),
        }
    }
}

impl Stage {
    /// The status in the four words of reports.
    pub fn status(self) -> JobStatus {
        match self {
            Stage::Idle | Stage::Submitting | Stage::Processing | Stage::Fetched => JobStatus::Pending,
            Stage::Completed => JobStatus::Completed,
            Stage::Failed(_) => JobStatus::Failed,
            Stage::Uncertain => JobStatus::Uncertain,
        }
    }

    pub(super) fn of(state: &EditState) -> Stage {
        match state {
            EditState::Idle => Stage::Idle,
            EditState::Submitting { .. } => Stage::Submitting,
            EditState::Processing => Stage::Processing,
            EditState::Fetched { .. } => Stage::Fetched,
            EditState::Completed { .. } => Stage::Completed,
            EditState::Failed { class } => Stage::Failed(*class),
            EditState::Uncertain => Stage::Uncertain,
        }
    }
}
