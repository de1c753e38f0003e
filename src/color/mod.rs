//! Color: names and hex, spaces, differences, regions, and recoloring. Pure: pixels in, pixels out.
//!
//! Pictures are in linear light (sRGB primaries, D65, 0 to 1 a channel) wherever sums are made, because light adds up
//! and encoded values do not.

mod asked;
mod compare;
mod correct;
mod difference;
mod differences;
mod filter;
mod hex;
mod left;
mod lit;
mod measure;
mod painted;
mod plane;
mod recolor;
mod region;
mod shown;
mod spaces;
mod unveiled;
mod verdict;

pub use crate::job::{Hex, HexError};
pub use asked::{asked, wanted};
pub use compare::COMPARED_SIDE;
pub use correct::Shift;
pub use difference::ciede2000;
pub use hex::is_name;
pub use lit::lit_difference;
pub use measure::{Measured, View, measure};
pub use plane::Plane;
pub use recolor::{Change, NotFound, Painter, Recoloring, recolor};
pub use region::Part;
pub use shown::shown;
pub use spaces::{
    Encoder, Lab, Oklab, Rgb, decode, decode16, encode, encode16, light_of_bytes, light_of_words, luminance,
};
pub use verdict::{Check, Tolerance, Verdict, VerdictCounts};
