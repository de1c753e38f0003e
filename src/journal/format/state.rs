use serde::{Deserialize, Serialize};

use crate::api::PredictionId;
use crate::job::{Cents, ErrorClass};

use super::fields::SavedFile;

/// A problem of an edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The class of the error. Refused and uncertain submits have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ErrorClass>,
    /// The message of the provider or the system.
    pub message: String,
    /// The prediction of another job that the answer to an uncertain submit names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<PredictionId>,
}

/// What the user has recorded about a submit whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// It was not charged.
    Released,
    /// It was charged, and has the prediction that the user named.
    Adopted,
}

/// The state of an edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum EditState {
    /// It may be submitted.
    Idle,
    /// A submit was announced, and its answer is unknown.
    Submitting {
        /// The money reserved for it.
        #[serde(rename = "reserved_cents")]
        reserved: Cents,
    },
    /// The provider is processing it.
    Processing,
    /// Its pictures were downloaded, and have temporary names.
    Fetched {
        /// The pictures, with their future names.
        files: Vec<SavedFile>,
    },
    /// Its pictures are in `results/`.
    Completed {
        /// The pictures.
        files: Vec<SavedFile>,
    },
    /// It ended without pictures.
    Failed {
        /// The class of the error.
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
