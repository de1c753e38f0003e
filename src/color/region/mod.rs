//! The product in a picture, and the requested part of the product.

mod background;
mod cast_shadow;
mod clusters;
mod cut;
mod edges;
mod enclosed;
mod foreground;
mod frame;
mod gloss;
mod grab_cut;
mod graph;
mod holes;
mod lines;
mod material;
mod matte;
mod mixture;
mod neutral;
mod outline;
mod overexposed;
mod part;
mod people;
mod redraw;
mod refine;
mod shadow;
mod unmix;
mod watershed;

pub(super) use background::Background;
pub(super) use foreground::{ANALYZED_SIDE, Foreground, find_foreground, foreground, foreground_of};
pub(super) use grab_cut::grab_cut;
pub(super) use material::{is_of_another_hue, material, material_of};
pub(super) use matte::{Matte, Rim, Side};
pub use part::Part;
pub(super) use part::part_of;
pub(super) use people::share_of_people;
pub(super) use redraw::redrawn;
pub(super) use unmix::{Unmix, norm};
