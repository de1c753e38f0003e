use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::color::{Check, Tolerance};
use crate::journal::SavedFile;
use crate::plan::ColorTarget;

use super::error::Uncorrected;

/// The pictures of one edit, and what they are compared with.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The pictures, wherever in the run's folder they are.
    pub files: Vec<SavedFile>,
    /// What they are compared with.
    pub target: Arc<ColorTarget>,
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

/// Looks at the color of results. The real one is [`ColorChecker`](super::ColorChecker); a simulation has its own.
pub trait Verifier: Send + Sync + 'static {
    /// Checks pictures; of several the worst counts. What cannot be checked is unmeasurable, and never an error.
    fn check(&self, subject: Subject) -> BoxFuture<'static, Check>;

    /// Corrects a picture that nearly shows its color, or says why it cannot be done.
    fn correct(&self, subject: Subject) -> BoxFuture<'static, Result<Correction, Uncorrected>>;
}
