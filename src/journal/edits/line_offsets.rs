use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// The offsets of an edit's lines in the journal, oldest first. Reading these lines again restores the edit.
///
/// Only lines that changed the edit are included, usually four or five.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::journal) struct LineOffsets(pub(in crate::journal) SmallVec<[u64; 5]>);
