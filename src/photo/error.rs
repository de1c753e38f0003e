use image::ImageError;

use super::limits::{MAX_MEMORY, MAX_SIDE};

/// The reason why bytes cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The picture is too large.
    #[error("it is over {MAX_SIDE} pixels a side, or takes over {} MiB of memory", MAX_MEMORY >> 20)]
    TooLarge,
    /// The bytes are not a complete picture.
    #[error(transparent)]
    NotAPicture(ImageError),
}

impl From<ImageError> for DecodeError {
    fn from(error: ImageError) -> DecodeError {
        match error {
            ImageError::Limits(_) => DecodeError::TooLarge,
            error => DecodeError::NotAPicture(error),
        }
    }
}

/// The reason why a picture cannot be encoded as PNG.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct EncodeError(pub(super) ImageError);
