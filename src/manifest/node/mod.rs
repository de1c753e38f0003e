//! A YAML document as a tree of nodes with spans. No other module uses the YAML crate.
//!
//! ```text
//! tree    the nodes
//! parse   converts the values of the YAML crate to nodes
//! syntax  explains syntax errors
//! marks   finds the quoted texts and comments of a text
//! lost    finds parts of texts that YAML parses as comments, tags or anchors
//! ```

mod lost;
mod marks;
mod parse;
mod syntax;
mod tree;

pub(super) use lost::Lost;
pub(super) use parse::parse;
pub(super) use tree::{Key, Kind, Node, repeated};
