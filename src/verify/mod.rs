//! Verifying results: whether a picture shows the color that was asked for, and mending it where it nearly does.
//!
//! The measuring itself is in [`crate::color`] and pure; here is where its pictures come from.

mod before;
mod checker;
mod copies;
mod correct;
mod error;

use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::color::{Check, Tolerance};
use crate::job::EditRequest;
use crate::journal::SavedFile;
use crate::plan::ColorTarget;

pub use before::{BEFORE, BeforePictures, FetchLimits};
pub use checker::ColorChecker;
pub use correct::{LANDING, correct};
pub use error::{Gone, NotAtHand, TaskFailed, Uncorrected};

/// The pictures of one edit, and what they are compared with.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The pictures, wherever in the run's folder they are.
    pub files: Vec<SavedFile>,
    /// What they are compared with.
    pub goal: Arc<ColorTarget>,
    /// When they were submitted: the picture before is the one that was there then.
    pub submitted_at: Option<Timestamp>,
    /// How far a color may be missed.
    pub tolerance: Tolerance,
}

/// A corrected picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// The picture as a PNG file.
    pub png: Vec<u8>,
    /// What a check of it found.
    pub check: Check,
}

/// Looks at the color of results. The real one is [`ColorChecker`]; a simulation has its own.
pub trait Verifier: Send + Sync + 'static {
    /// Checks pictures; of several the worst counts. What cannot be checked is unmeasurable, and never an error.
    fn check(&self, subject: Subject) -> BoxFuture<'static, Check>;

    /// Corrects a picture that nearly shows its color, or says why it cannot be done.
    fn correct(&self, subject: Subject) -> BoxFuture<'static, Result<Correction, Uncorrected>>;
}

/// The pictures before that are at hand in the run's folder, for those that the manifest names by URL: as they were when they
/// were submitted, as far as that is known.
pub fn copies(run: &std::path::Path, request: &EditRequest, submitted_at: Option<Timestamp>) -> Vec<PathBuf> {
    request.images.iter().filter_map(|image| before::cached(run, image, submitted_at)).collect()
}
