use std::fmt::Write;

use crate::cli::Compact;
use crate::exit::Exit;
use crate::run_folder::{Compaction, Lock, RunFolder};
use crate::words::{counted, size};

use super::Failure;
use super::print::{log_unprinted, print};

/// Shortens the journal of a folder that no process is using.
pub(super) fn compact(arguments: &Compact) -> Result<Exit, Failure> {
    let folder = RunFolder::existing(&arguments.dir)?;
    let _lock = Lock::take(&folder)?;
    let mut text = format!("{}: ", folder.journal().display());
    // Writing to a string cannot fail.
    let _ = match Compaction::run(&folder)? {
        Some(Compaction { records, bytes: [before, after], kept }) => writeln!(
            text,
            "{} ({}) became {} ({})\n{} is the original; delete it when you no longer need the details",
            counted(records.before, "record"),
            size(before),
            records.after,
            size(after),
            kept.display(),
        ),
        None => writeln!(text, "already as short as possible"),
    };
    log_unprinted(print(text.as_bytes()));
    Ok(Exit::Complete)
}
