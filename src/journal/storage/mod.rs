//! Journals on disk: the writer with group commit, replay from lines or from a snapshot, and compaction.

mod compaction;
mod replay;
mod snapshot;
mod writer;

pub use compaction::{Compacted, compact, compacted_until};
pub use replay::{RECENT, ReplayError, Replayed, replay, replay_from};
pub use snapshot::{read_snapshot, write_snapshot};
pub use writer::{Durable, Journal, JournalError, RecordError};
