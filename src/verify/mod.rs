//! Verification of results: whether a picture shows the requested color, and the correction of a color that is nearly
//! right.
//!
//! The measurement itself is in [`crate::color`] and pure. This module provides its pictures.

mod before;
mod checker;
mod copies;
mod correct;
mod error;
mod verifier;

pub use before::{BEFORE, BeforePictures, FetchLimits, cached};
pub use checker::ColorChecker;
pub use correct::{CORRECTION_TOLERANCE, correct};
pub use error::{BeforeUnavailable, PictureMissing, TaskFailed, Uncorrected};
pub use verifier::{Correction, Subject, Verifier};
