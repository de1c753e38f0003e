//! Color: names and hex, spaces, differences, regions, and recoloring. Pure: pixels in, pixels out.

mod verdict;

pub use verdict::Verdict;
