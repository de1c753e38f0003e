use std::fmt::Display;
use std::io;

use jiff::Timestamp;

use crate::append_log::{Lines, ReadAt};
use crate::job::JobId;
use crate::journal::format::{Record, Step};

/// The complete lines of a journal, with the data that a merge needs.
pub(in crate::journal) struct MergeLines<'j>(Lines<'j>);

/// A complete line.
pub(in crate::journal) struct MergeLine {
    pub(in crate::journal) at: Timestamp,
    pub(in crate::journal) job: Option<JobId>,
    /// Whether it replaces several lines from before a compaction.
    pub(in crate::journal) is_summary: bool,
    pub(in crate::journal) offset: u64,
    pub(in crate::journal) bytes: Vec<u8>,
}

impl<'j> MergeLines<'j> {
    pub(in crate::journal) fn of(journal: &'j dyn ReadAt) -> MergeLines<'j> {
        MergeLines(Lines::new(journal))
    }

    /// Reads the next line; `None` at the end or before a torn last line.
    pub(in crate::journal) fn next(&mut self) -> io::Result<Option<MergeLine>> {
        let Some(line) = self.0.next()?.filter(|line| line.is_whole) else { return Ok(None) };
        let (at, record) = Record::from_line(line.bytes).map_err(invalid)?;
        let (job, is_summary) = match record {
            Record::Run(_) => (None, false),
            Record::Edit(key, step) => (Some(key.job), matches!(step, Step::Summary(_))),
        };
        let mut bytes = line.bytes.to_vec();
        bytes.push(b'\n');
        Ok(Some(MergeLine { at, job, is_summary, offset: line.offset, bytes }))
    }
}

/// Returns the error for a line that is not a record, or is invalid after the lines before it.
pub(in crate::journal) fn invalid(error: impl Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}
