use std::io;
use std::sync::Arc;

use tokio::task::JoinError;

use crate::color::Verdict;
use crate::data_uri::DataUriError;
use crate::outputs::OutputError;
use crate::photo::{DecodeError, EncodeError};

/// The task that checks a picture did not finish.
#[derive(Debug, thiserror::Error)]
#[error("the check failed: {0}")]
pub struct TaskFailed(pub(super) JoinError);

/// A picture is not in the run's folder as it was saved.
#[derive(Debug, thiserror::Error)]
#[error("the picture was removed or changed since it was saved")]
pub struct PictureMissing;

/// A result cannot be checked.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    #[error(transparent)]
    PictureMissing(#[from] PictureMissing),
    #[error("the picture is too small")]
    TooSmall,
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
}

/// The picture before the edit is not available. The message is a fragment about that picture.
#[derive(Debug, thiserror::Error)]
pub enum BeforeUnavailable {
    /// The job has no input picture.
    #[error("the request has no picture")]
    NotNamed,
    /// Its `data:` URI cannot be decoded.
    #[error(transparent)]
    DataUri(#[from] DataUriError),
    /// The picture has to be fetched first.
    #[error("it is not on this machine")]
    Elsewhere,
    /// The host of the picture failed too often.
    #[error("{host} did not answer, and is not tried again in this run")]
    LeftAlone {
        /// The host, without a port.
        host: String,
    },
    /// The picture could not be fetched.
    #[error("{}", .0.of_input())]
    Fetch(OutputError),
    /// The fetched file is not a picture.
    #[error("it is not a picture")]
    NoPicture,
    /// The picture cannot be read or kept.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// The picture does not decode.
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
}

/// A picture's color was not corrected.
#[derive(Debug, thiserror::Error)]
pub enum Uncorrected {
    /// The job has no picture.
    #[error("there is no picture")]
    NoPicture,
    /// The job has several pictures, which might need different corrections.
    #[error("the job has several pictures")]
    SeveralPictures,
    /// The manifest asks for more than one color.
    #[error("several colors were requested")]
    SeveralColors,
    /// The picture is missing.
    #[error(transparent)]
    PictureMissing(#[from] PictureMissing),
    /// The user changed the picture while it was corrected.
    #[error("the picture was changed by hand since it was saved")]
    Retouched,
    /// The job has no input picture.
    #[error("there is no picture before the edit")]
    NoPictureBefore,
    /// The picture before the edit is not available.
    #[error("the picture before the edit is not available: {0}")]
    WithoutBefore(Arc<BeforeUnavailable>),
    /// One of the two does not decode.
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
    /// The region that the edit changed is uncertain.
    #[error("it is uncertain what was recolored")]
    Uncertain,
    /// The region that the edit changed has no single color.
    #[error("the recolored area has no measurable color")]
    Colorless,
    /// The color is on, too far off, or unmeasurable.
    #[error("it is {}, and only near colors are corrected", .0.as_str())]
    NotNear(Verdict),
    /// Something else than the color is wrong.
    #[error("its color is right, but {}", wrong.as_deref().unwrap_or("the result is not"))]
    ColorIsRight {
        /// What is wrong.
        wrong: Option<String>,
    },
    /// The corrected picture fails its check.
    #[error("the correction only came within ΔE00 {nearest:.1}")]
    TooFar {
        /// The difference after the last round, in ΔE00.
        nearest: f64,
    },
    /// The corrected picture cannot be encoded.
    #[error(transparent)]
    Unencodable(#[from] EncodeError),
    /// The correction did not finish.
    #[error(transparent)]
    TaskFailed(#[from] TaskFailed),
}
