use image::ImageError;

/// The reason why bytes cannot be decoded: they are not a complete picture, or it is too large.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct DecodeError(pub(super) ImageError);

/// The reason why a picture cannot be encoded as PNG.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct EncodeError(pub(super) ImageError);
