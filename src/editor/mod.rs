//! The embedded editor: an instruction and pictures in, an edited picture out.
//!
//! It recolors, and refuses everything else. It uses no network and no server. The server calls it through [`Editor`],
//! and tests of the server can use another editor.

mod edit;
mod instruction;
mod recolorer;

pub use edit::{EditError, EditInput, EditOutput, Editor};
pub use recolorer::{Recolorer, recolor};
