use crate::job::{ErrorClass, JobStatus};

use super::state::EditState;

/// The stage of an edit: [`EditState`] without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It may be submitted.
    Idle,
    /// A submit was announced, and its answer is unknown.
    Submitting,
    /// The provider is processing it.
    Processing,
    /// Its pictures were downloaded, and have temporary names.
    Fetched,
    /// Its pictures are in `results/`.
    Completed,
    /// It ended without pictures.
    Failed(ErrorClass),
    /// It is unknown whether its submit was accepted.
    Uncertain,
}

impl Stage {
    /// Returns the status for reports.
    pub fn status(self) -> JobStatus {
        match self {
            Stage::Idle | Stage::Submitting | Stage::Processing | Stage::Fetched => JobStatus::Pending,
            Stage::Completed => JobStatus::Completed,
            Stage::Failed(_) => JobStatus::Failed,
            Stage::Uncertain => JobStatus::Uncertain,
        }
    }

    /// All stages, each at the index that is its byte.
    const ALL: [Stage; 6 + ErrorClass::ALL.len()] = {
        let mut all = [Stage::Idle; 6 + ErrorClass::ALL.len()];
        all[1] = Stage::Submitting;
        all[2] = Stage::Processing;
        all[3] = Stage::Fetched;
        all[4] = Stage::Completed;
        all[5] = Stage::Uncertain;
        let mut class = 0;
        while class < ErrorClass::ALL.len() {
            all[6 + class] = Stage::Failed(ErrorClass::ALL[class]);
            class += 1;
        }
        all
    };

    pub(in crate::journal) fn to_byte(self) -> u8 {
        Stage::ALL.iter().position(|stage| *stage == self).unwrap_or_default() as u8
    }

    pub(in crate::journal) fn from_byte(byte: u8) -> Option<Stage> {
        Stage::ALL.get(usize::from(byte)).copied()
    }

    pub(in crate::journal) fn of(state: &EditState) -> Stage {
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
