//! The state of an edit, its transitions, and the history of the edits of a job. No I/O.

mod brief;
mod edit;
mod history;
mod line_offsets;

pub(in crate::journal) use brief::Pictures;
pub use brief::{Brief, ColorBrief, Presence};
pub use edit::{Edit, TransitionError};
pub use history::History;
pub(in crate::journal) use history::Tracked;
pub(in crate::journal) use line_offsets::LineOffsets;
