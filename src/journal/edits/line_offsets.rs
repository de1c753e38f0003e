use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Where the lines of an edit begin in the journal, oldest first: reading them again gives all that is known of it.
///
/// Only lines that changed the edit count. Seventeen bytes hold the usual four or five.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::journal) struct LineOffsets(pub(in crate::journal) SmallVec<[u64; 5]>);

/// What lines say does not depend on where they are: a compacted journal adds up to what the long one did.
impl PartialEq for LineOffsets {
    fn eq(&self, _other: &LineOffsets) -> bool {
        true
    }
}
