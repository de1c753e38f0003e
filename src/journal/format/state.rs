use serde::{Deserialize, Serialize};

use crate::job::{Cents, ErrorClass};

use super::fields::SavedFile;

/// A problem of an edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The kind of failure; a refused or an uncertain submit has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ErrorClass>,
    /// The provider's or the system's message.
    pub message: String,
}

/// The state of an edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum EditState {
    /// Nothing is under way; it may be submitted.
    Idle,
    /// A submit was announced, and its answer is not known.
    Submitting {
        /// The money reserved for it.
        #[serde(rename = "reserved_cents")]
        reserved: Cents,
    },
    /// The provider has it.
    Processing,
    /// Its pictures are on this machine under temporary names.
    Fetched {
        /// The pictures, under their future names.
        files: Vec<SavedFile>,
    },
    /// Its pictures are in `results/`.
    Completed {
        /// The pictures.
        files: Vec<SavedFile>,
    },
    /// It ended without pictures.
    Failed {
        /// The kind of failure.
        class: ErrorClass,
    },
    /// It is unknown whether its submit was accepted.
    Uncertain,
}

impl EditState {
    /// Returns its name in messages.
    pub(in crate::journal) fn name(&self) -> &'static str {
        match self {
            EditState::Idle => "nothing under way",
            EditState::Submitting { .. } => "submitting",
            EditState::Processing => "processing",
            EditState::Fetched { .. } => "fetched",
            EditState::Completed { .. } => "completed",
            EditState::Failed { .. } => "failed",
            EditState::Uncertain => "uncertain",
        }
    }
}
