use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::color::{Check, Tolerance};
use crate::journal::SavedFile;
use crate::plan::ColorTarget;

use super::error::Uncorrected;

/// The pictures of an edit, and the target that they are compared with.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The pictures, in any subfolder of the run's folder.
    pub files: Vec<SavedFile>,
    /// The target that they are compared with.
    pub target: Arc<ColorTarget>,
    /// The time when they were submitted. The picture before the edit is the one at that time.
    pub submitted_at: Option<Timestamp>,
    /// The tolerance of the check.
    pub tolerance: Tolerance,
}

/// A corrected picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// The picture as a PNG file.
    pub png: Vec<u8>,
    /// The result of its check.
    pub check: Check,
}

/// A check of the color of results: [`ColorChecker`](super::ColorChecker), or a simulated one in tests.
pub trait Verifier: Send + Sync + 'static {
    /// Checks pictures. Returns the worst check of several. A picture that cannot be checked is unmeasurable, not an
    /// error.
    fn check(&self, subject: Subject) -> BoxFuture<'static, Check>;

    /// Corrects a picture that is near its color, or returns the reason why it cannot.
    fn correct(&self, subject: Subject) -> BoxFuture<'static, Result<Correction, Uncorrected>>;
}
