use image::ImageError;

/// Bytes that are not a complete picture, or one that is too large.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct DecodeError(pub(super) ImageError);

/// A picture that cannot be written as a PNG file.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct EncodeError(pub(super) ImageError);
