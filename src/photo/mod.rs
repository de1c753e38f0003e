//! Photographs: what a file is and whether it is whole, its upright sRGB pixels, and back to a PNG.
//!
//! What a camera or a shop has put into a file is dealt with here (orientation, color profile, 16 bits, opacity), so
//! that everything above sees linear light. Decoding is bounded in pixels and in memory.

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
pub use picture::{Format, Picture, PictureError, check_end, inspect, verify};
pub use pixels::Photo;

#[cfg(test)]
mod tests;
