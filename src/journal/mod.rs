//! The journal: an append-only file of JSON lines that is the truth about a run.
//!
//! [`Record`] is what a line says, [`Ledger`] what all of them add up to, [`Journal`] the writer that makes them
//! durable in groups, and [`replay`] the reader. Nothing is acted upon before the record that announces it is durable.

mod archived;
mod bloom_filter;
mod brief;
mod compaction;
mod disk;
mod edit;
mod entry_flags;
mod fields;
mod hash_key;
mod history;
mod history_comparison;
mod join;
mod join_lines;
mod known_predictions;
mod ledger;
mod line_offsets;
mod lines;
mod money;
mod read_at;
mod record;
mod replay;
mod scan;
mod snapshot;
mod source;
mod stage;
mod state;
mod summary;
mod writer;

pub use brief::{Brief, ColorBrief, Presence};
pub use compaction::{Compacted, compact, compacted_until};
pub use disk::{Disk, FileDisk};
pub use edit::{Edit, TransitionError};
pub use fields::{Checked, Corrected, LearnedLimits, PauseCause, Reroll, RunStart, SavedFile};
pub use history::History;
pub use join::{JoinError, MergedJournal};
pub use ledger::{Ledger, LedgerError, Pause, RunEnd, ShownFingerprints};
pub use money::SpendBaseline;
pub use read_at::{Chained, ReadAt};
pub use record::{EditKey, Record, RunEvent, Step, VERSION};
pub use replay::{RECENT, ReplayError, Replayed, replay, replay_from};
pub use snapshot::{read_snapshot, write_snapshot};
pub use source::LinesError;
pub use stage::Stage;
pub use state::{EditState, Problem};
pub use summary::{CompactedEdit, Totals};
pub use writer::{Durable, Journal, JournalError, RecordError};
