//! The content of the journal's lines.

mod fields;
mod record;
mod scan;
mod stage;
mod state;
mod summary;

pub(in crate::journal) use fields::stem;
pub use fields::{Checked, Corrected, LearnedLimits, PauseCause, Redo, Reroll, RunStart, SavedFile};
pub use record::{EditKey, Record, RunEvent, Step, VERSION};
pub(in crate::journal) use record::{LineError, to_milliseconds};
pub(in crate::journal) use scan::{EditLine, ScannedLine, Scanner};
pub use stage::Stage;
pub use state::{EditState, Problem, Settlement};
pub use summary::{CompactedEdit, LastRunTotals, Totals};
