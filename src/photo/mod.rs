//! Pictures: detecting the format and completeness of files, decoding to upright sRGB pixels, and encoding as PNG.
//!
//! Differences between files (orientation, color profile, bit depth, opacity) are handled here, so that the modules
//! above work in linear light. Decoding is bounded in pixels and in memory.

mod decode;
mod error;
mod limits;
mod picture;
mod pixels;
mod profile;
mod reduced;
mod resize;

pub use decode::is_animated;
pub use error::{DecodeError, EncodeError};
pub use picture::{Format, Picture, PictureError, check_end, header, inspect, verify};
pub use pixels::Photo;

#[cfg(test)]
mod tests;
