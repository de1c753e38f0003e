use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// The offsets of an edit's lines in the journal, oldest first: reading these lines again restores the edit.
///
/// Only lines that changed the edit count: usually four or five.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::journal) struct LineOffsets(pub(in crate::journal) SmallVec<[u64; 5]>);

/// Offsets do not matter when ledgers are compared: a compacted journal has other offsets and the same content.
impl PartialEq for LineOffsets {
    fn eq(&self, _other: &LineOffsets) -> bool {
        true
    }
}
