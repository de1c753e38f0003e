//! The journal: an append-only file of JSON lines that is the truth about a run.
//!
//! [`Record`] is what a line says, [`Ledger`] what all of them add up to, [`Journal`] the writer that makes them
//! durable in groups, and [`replay`] the reader. Nothing is acted upon before the record that announces it is durable.
//!
//! ```text
//! merge    several journals as one
//! storage  the writer, replay, snapshots, compaction
//! ledger   what all records add up to
//! archive  finished edits in few bytes each
//! edits    the state of an edit, and the steps that may follow it
//! format   what a line contains, and how it is read
//! ```
//!
//! Imports go down this list.

mod archive;
mod edits;
mod format;
mod ledger;
mod merge;
#[cfg(test)]
mod random_journal;
mod storage;

pub use archive::LinesError;
pub use edits::{Brief, ColorBrief, Edit, History, Presence, TransitionError};
pub use format::{
    Chained, Checked, CompactedEdit, Corrected, EditKey, EditState, LearnedLimits, PauseCause, Problem, ReadAt, Record,
    Reroll, RunEvent, RunStart, SavedFile, Stage, Step, Totals, VERSION,
};
pub use ledger::{Ledger, LedgerError, Pause, RunEnd, ShownFingerprints, SpendBaseline};
pub use merge::{JournalMergeError, MergedJournal};
pub use storage::{
    Compacted, Disk, Durable, FileDisk, Journal, JournalError, RECENT, RecordError, ReplayError, Replayed, compact,
    compacted_until, read_snapshot, replay, replay_from, write_snapshot,
};
