//! Merging of several journals.

mod history_comparison;
mod merge_lines;
mod merged_journal;

pub use merged_journal::{JournalMergeError, MergedJournal};
