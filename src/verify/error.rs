use std::io;
use std::sync::Arc;

use tokio::task::JoinError;

use crate::color::Verdict;
use crate::outputs::OutputError;
use crate::photo::{DecodeError, EncodeError};

/// Looking at a picture came to no end.
#[derive(Debug, thiserror::Error)]
#[error("the check broke off: {0}")]
pub struct TaskFailed(#[from] JoinError);

/// A picture lies nowhere in the run's folder as it was saved.
#[derive(Debug, thiserror::Error)]
#[error("the picture is no longer there as it was saved")]
pub struct PictureMissing;

/// Why a result cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    #[error(transparent)]
    PictureMissing(#[from] PictureMissing),
    #[error("the picture is too small")]
    TooSmall,
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
    #[error(transparent)]
    TaskFailed(#[from] TaskFailed),
}

/// Why the picture before is not at hand, as a fragment that says it of that picture.
#[derive(Debug, thiserror::Error)]
pub enum BeforeUnavailable {
    /// The job edits none.
    #[error("the request has no picture")]
    NotNamed,
    /// The manifest has it in a form that nothing is known of.
    #[error("it is not a data: URI")]
    NoDataUri,
    /// It has to be fetched first.
    #[error("it is not on this machine")]
    Elsewhere,
    /// Its host failed too often.
    #[error("{host} did not answer, and is not asked any more in this run")]
    LeftAlone {
        /// The host, without a port.
        host: String,
    },
    /// It could not be fetched, or taken out of its data: URI.
    #[error("{}", .0.of_input())]
    Fetch(#[from] OutputError),
    /// What came is something else.
    #[error("it is not a picture")]
    NoPicture,
    /// It cannot be read, or kept.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// It does not decode.
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
    /// Looking at it came to no end.
    #[error(transparent)]
    TaskFailed(#[from] TaskFailed),
}

/// Why a picture is left without a correction of its color.
#[derive(Debug, thiserror::Error)]
pub enum Uncorrected {
    /// The job has no picture.
    #[error("there is no picture")]
    NoPicture,
    /// The job has more than one, of which each might want another correction.
    #[error("the job has several pictures")]
    SeveralPictures,
    /// The manifest asks for more than one color.
    #[error("several colors were asked for")]
    SeveralColors,
    /// It is not there any more.
    #[error(transparent)]
    PictureMissing(#[from] PictureMissing),
    /// Somebody has changed it while it was corrected.
    #[error("the picture was changed by hand since it was saved")]
    Retouched,
    /// The job edits no picture.
    #[error("there is no picture before")]
    NoPictureBefore,
    /// The picture before cannot be looked at.
    #[error("the picture before is not at hand: {0}")]
    WithoutBefore(#[from] Arc<BeforeUnavailable>),
    /// One of the two does not decode.
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
    /// It cannot be told what the edit has changed.
    #[error("what was recolored is not certain")]
    Uncertain,
    /// What the edit has changed has no one color.
    #[error("what was recolored shows no color of its own")]
    Colorless,
    /// There is nothing to correct, or more than may be.
    #[error("it is {}, and only what is near is corrected", .0.as_str())]
    NotNear(Verdict),
    /// A check of the correction does not bear it out.
    #[error("a correction came within ΔE00 {nearest:.1} only")]
    TooFar {
        /// What the last correction left, in ΔE00.
        nearest: f64,
    },
    /// The corrected picture cannot be made a file.
    #[error(transparent)]
    Unencodable(#[from] EncodeError),
    /// Looking at it came to no end.
    #[error(transparent)]
    TaskFailed(#[from] TaskFailed),
}
