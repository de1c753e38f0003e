//! A compact archive of the edits of final jobs, and reading their lines again.

mod archived_edits;
mod bytes;
mod entry;
mod entry_flags;
mod grow;
mod hash_key;
mod packed_offsets;
mod source;

pub(in crate::journal) use archived_edits::ArchivedEdits;
pub(in crate::journal) use bytes::ArchivedHead;
pub(in crate::journal) use entry::{ArchivedEdit, FingerprintPrefix};
pub(in crate::journal) use grow::push_with_small_growth;
pub(in crate::journal) use hash_key::HashKey;
pub(in crate::journal) use source::JournalSource;
pub use source::LinesError;
