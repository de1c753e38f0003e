use std::io::{self, Read};

use super::diagnostic::Diagnostic;
use super::reading::blocks::{Block, Blocks};
use super::reading::source::Source;
use super::row::{Defaults, Row, RowError};

/// What rows are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TablePurpose {
    /// Each row is a job, and known columns have their built-in meaning.
    Jobs,
    /// Each row belongs to a catalog, and all columns are the user's own.
    Catalog,
}

/// The rows of a manifest in parts, in order. A part can be read on another thread than the one that creates it.
pub(super) type Parts<'m> = Box<dyn Iterator<Item = Result<Box<dyn RowCursor + 'm>, Diagnostic>> + Send + 'm>;

/// A cursor over some rows of a manifest, in any format.
pub(super) trait RowCursor: Send {
    /// Moves back before the first row.
    fn rewind(&mut self);

    /// Advances to the next row. Returns false at the end. After an error, nothing more is read.
    fn advance(&mut self) -> Result<bool, Diagnostic>;

    /// Returns the line where the row starts, from 1.
    fn line(&self) -> u64;

    /// Returns the row as written, and the errors of its shape.
    fn row(&self) -> (Row<'_>, Vec<RowError>);

    /// Returns the user's own columns.
    fn columns(&self) -> Vec<(String, String)>;

    /// Returns the diagnostic of an error of the row, with its location.
    fn diagnostic(&self, row_error: RowError) -> Diagnostic;

    /// Returns the values for columns that the row does not have.
    fn defaults(&self) -> &Defaults {
        Defaults::none()
    }

    /// Returns the name of an empty column that leaves a gap in the prompt or the id.
    fn gap(&self) -> Option<&str> {
        None
    }

    /// Whether `is` holds for any cell that the id is made of.
    fn has_id_cell(&self, _is: fn(&str) -> bool) -> bool {
        false
    }

    /// Whether the file seems to be truncated inside the row.
    fn is_cut(&self) -> bool {
        false
    }

    /// Returns the hint for several rows with the same id.
    fn duplicates_hint(&self) -> String {
        "give each job its own id".to_owned()
    }
}

/// The number of entries of a list per part, if each makes one job.
const ENTRIES_PER_PART: usize = 256;

/// Splits the text of `source` into parts. `pass` creates a cursor over a block.
pub(super) fn parts<'m, R: Read + Send + 'm, P: RowCursor + 'm>(
    source: &'m Source,
    blocks: Blocks<R>,
    pass: impl Fn(Block) -> P + Send + 'm,
) -> Parts<'m> {
    Box::new(blocks.map(move |block: io::Result<Block>| -> Result<Box<dyn RowCursor + 'm>, Diagnostic> {
        Ok(Box::new(pass(block.map_err(|error| source.failed(&error))?)))
    }))
}

/// Splits a list into parts. `pass` creates a cursor over some of its entries, each of which makes `jobs` jobs.
pub(super) fn parts_of_list<'m, T: Sync, P: RowCursor + 'm>(
    list: &'m [T],
    jobs: usize,
    pass: impl Fn(&'m [T]) -> P + Send + 'm,
) -> Parts<'m> {
    let entries = (ENTRIES_PER_PART / jobs.max(1)).max(1);
    Box::new(
        list.chunks(entries)
            .map(move |some| -> Result<Box<dyn RowCursor + 'm>, Diagnostic> { Ok(Box::new(pass(some))) }),
    )
}
