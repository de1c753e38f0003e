//! Which part of a picture is the product, and which part of the product is meant.

mod background;
mod clusters;
mod foreground;
mod graph;
mod material;
mod matte;
mod unmix;
mod watershed;

pub(super) use foreground::foreground;
pub(super) use material::material;
pub(super) use matte::matte;
pub(super) use unmix::{Unmix, norm};
