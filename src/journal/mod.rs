//! The journal: an append-only file of JSON lines that is the truth about a run.
//!
//! [`Record`] is what a line says, [`Ledger`] what all of them add up to, [`Journal`] the writer that makes them
//! durable in groups, and [`replay`] the reader. Nothing is acted upon before the record that announces it is durable.

mod disk;
mod edit;
mod ledger;
mod record;
mod replay;
mod writer;

pub use disk::{Disk, FileDisk};
pub use edit::{Edit, EditState, History, Problem, TransitionError};
pub use ledger::Ledger;
pub use record::{Checked, Corrected, EditKey, PlanCounts, Record, Reroll, RunEvent, SavedFile, Step, VERSION};
pub use replay::{ReplayError, Replayed, replay};
pub use writer::{Durable, Journal, JournalError};
