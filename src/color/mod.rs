//! Color: names and hex codes, color spaces, differences, regions, and recoloring. The code is pure: pixels in, pixels
//! out.
//!
//! Pictures are in linear light (sRGB primaries, D65, 0 to 1 per channel) wherever sums are computed. Light is
//! additive, and encoded values are not.

mod ciede2000;
mod ciede2000_batch;
mod correct;
mod dominant_color;
mod elimination;
mod filter;
mod hex;
mod hex_codes;
mod measure;
mod names;
mod plane;
mod recolor;
mod region;
mod spaces;

pub use crate::job::{Hex, HexError};
pub use ciede2000::ciede2000;
pub use correct::Shift;
pub use dominant_color::dominant_color;
use hex::is_css_name;
pub use hex_codes::hex_codes;
pub use measure::{COMPARED_SIDE, Check, Measured, Scope, Tolerance, Verdict, VerdictCounts, View, measure};
pub use names::{MAX_NAME_WORDS, is_name, shop_color};
pub use plane::Plane;
pub use recolor::{Change, NotFound, Painter, Recoloring, recolor};
pub use region::Part;
pub use spaces::{
    Encoder, Lab, Oklab, Rgb, decode, decode16, encode, encode16, light_of_bytes, light_of_words, luminance,
};
