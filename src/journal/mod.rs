//! The journal: an append-only file of JSON lines that is the source of truth about a run.
//!
//! A [`Record`] is the content of a line, [`Ledger`] the state after all records, [`Journal`] the writer that makes
//! them durable in groups, and [`replay`] the reader. Nothing is acted upon before the record that announces it is
//! durable.
//!
//! ```text
//! merge    several journals as one
//! storage  the writer, replay, snapshots, compaction
//! ledger   the aggregated state of all records
//! archive  finished edits in a few bytes each
//! edits    the state of an edit, and its transitions
//! format   the content of lines, and their parsers
//! ```
//!
//! A module uses only modules below it in this list.

mod archive;
mod edits;
mod format;
mod ledger;
mod merge;
#[cfg(test)]
mod random_journal;
mod storage;

pub use crate::append_log::{Chained, Disk, FileDisk, ReadAt};
pub use archive::LinesError;
pub use edits::{Brief, ColorBrief, Edit, History, Presence, TransitionError};
pub use format::{
    Checked, CompactedEdit, Corrected, EditKey, EditState, LastRunTotals, LearnedLimits, PauseCause, Problem, Record,
    Redo, Reroll, RunEvent, RunStart, SavedFile, Settlement, Stage, Step, Totals, VERSION,
};
#[cfg(test)]
pub(crate) use ledger::assert_same_state;
pub use ledger::{Costs, Ledger, LedgerError, Pause, Redone, RunEnd, RunState, ShownFingerprints, SpendBaseline};
pub use merge::{JournalMergeError, MergedJournal};
pub use storage::{
    Compacted, Durable, Journal, JournalError, RECENT, RecordError, ReplayError, Replayed, compact, compacted_until,
    read_snapshot, replay, replay_from, write_snapshot,
};
