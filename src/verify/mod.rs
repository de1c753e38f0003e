//! Verifying results: whether a picture shows the color that was asked for, and correcting it where it nearly does.
//!
//! The measuring itself is in [`crate::color`] and pure; here is where its pictures come from.

mod before;
mod checker;
mod copies;
mod correct;
mod error;
mod verifier;

pub use before::{BEFORE, BeforePictures, FetchLimits, copies};
pub use checker::ColorChecker;
pub use correct::{CORRECTION_TOLERANCE, correct};
pub use error::{BeforeUnavailable, PictureMissing, TaskFailed, Uncorrected};
pub use verifier::{Correction, Subject, Verifier};
