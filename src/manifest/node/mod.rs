//! A YAML document as a tree of nodes that know their places. The only module that knows the YAML crate.
//!
//! ```text
//! tree    the nodes
//! parse   from the YAML crate to nodes
//! syntax  what is not YAML, and how to fix it
//! marks   what is quoted in a text, and what is a comment
//! lost    what YAML takes out of a text: comments, tags, anchors
//! ```

mod lost;
mod marks;
mod parse;
mod syntax;
mod tree;

pub(super) use lost::Lost;
pub(super) use parse::parse;
pub(super) use tree::{Key, Kind, Node, repeated};
