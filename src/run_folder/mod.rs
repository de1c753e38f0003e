//! The folder of a run: its lock, its journal file and its plan file.

mod compaction;
mod error;
mod folder;
mod journal_checkpoint;
mod journal_file;
mod lock;
mod long_journal;
mod plan_draft;
mod plan_file;
mod plan_stamp;
mod report_stamp;
mod snapshot_file;

pub use compaction::Compaction;
pub use error::FolderError;
pub use folder::RunFolder;
pub use journal_checkpoint::JournalCheckpoint;
pub use journal_file::{JournalDraft, JournalFile};
pub use lock::{Lock, ReportTurn};
pub use long_journal::long_journal;
pub use plan_draft::{DraftLine, PlanDraft};
pub use plan_file::{PlanLine, PlanLines, plan_blocks, plan_lines, read_plan};
pub use plan_stamp::PlanStamp;
pub use report_stamp::ReportStamp;

#[cfg(test)]
mod tests;
