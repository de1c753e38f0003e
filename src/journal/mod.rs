//! The journal: an append-only file of JSON lines that is the truth about a run.
//!
//! [`Record`] is what a line says, [`Ledger`] what all of them add up to, [`Journal`] the writer that makes them
//! durable in groups, and [`replay`] the reader. Nothing is acted upon before the record that announces it is durable.

mod brief;
mod compaction;
mod disk;
mod edit;
mod fields;
mod filter;
mod history;
mod history_comparison;
mod join;
mod join_lines;
mod key;
mod known;
mod ledger;
mod line_offsets;
mod lines;
mod marks;
mod money;
mod read_at;
mod record;
mod replay;
mod scan;
mod settled;
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
pub use fields::{Checked, Corrected, Learned, PauseCause, Reroll, RunStart, SavedFile};
pub use history::History;
pub use join::{JoinError, Joint};
pub use ledger::{Ledger, LedgerError, Pause, RunEnd, Showing};
pub use money::Mark;
pub use read_at::{Chained, ReadAt};
pub use record::{EditKey, Record, RunEvent, Step, VERSION};
pub use replay::{RECENT, ReplayError, Replayed, replay, replay_on};
pub use snapshot::{read_snapshot, write_snapshot};
pub use source::LinesError;
pub use stage::Stage;
pub use state::{EditState, Problem};
pub use summary::{Summary, Totals};
pub use writer::{Durable, Journal, JournalError, RecordError};
