//! The embedded editor: edits a picture according to an instruction.
//!
//! It changes colors, and refuses everything else. It uses no network and no server. The server calls it through
//! [`Editor`], so that tests of the server can use another editor.

mod edit;
mod instruction;
mod recolorer;

pub use edit::{EditError, EditInput, EditOutput, Editor};
pub use instruction::{RequestedColors, requested_colors, scope, wanted};
pub use recolorer::{Recolorer, recolor};
