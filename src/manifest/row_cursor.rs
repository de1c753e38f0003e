use std::io::{self, Read};

use super::diagnostic::Diagnostic;
use super::reading::blocks::{Block, Blocks};
use super::reading::source::Source;
use super::row::{Defaults, Row, RowError};

/// The use of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TablePurpose {
    /// Each is a job: known columns have their meaning.
    Jobs,
    /// Each is a row of a catalog: all columns are the user's own.
    Catalog,
}

/// The rows of a manifest in parts, one after the other: each is made here and may be read elsewhere.
pub(super) type Parts<'m> = Box<dyn Iterator<Item = Result<Box<dyn RowCursor + 'm>, Diagnostic>> + Send + 'm>;

/// One pass over some rows of a manifest of any format.
pub(super) trait RowCursor: Send {
    /// Goes back before the first row.
    fn rewind(&mut self);

    /// Goes to the next row; false at the end. An error ends the pass, and what follows is not read.
    fn advance(&mut self) -> Result<bool, Diagnostic>;

    /// The line where the row begins, from 1.
    fn line(&self) -> u64;

    /// The row as written, and the error of its shape.
    fn row(&self) -> (Row<'_>, Vec<RowError>);

    /// The user's own columns.
    fn columns(&self) -> Vec<(String, String)>;

    /// Returns the diagnostic of an error of the row, with its location.
    fn diagnostic(&self, row_error: RowError) -> Diagnostic;

    /// Returns the values for columns that the row does not have.
    fn defaults(&self) -> &Defaults {
        Defaults::none()
    }

    /// A column that is empty and whose text is missed inside the prompt or the id.
    fn gap(&self) -> Option<&str> {
        None
    }

    /// Whether any cell that the id is made of is so.
    fn has_id_cell(&self, _is: fn(&str) -> bool) -> bool {
        false
    }

    /// Whether the text ends before the row does, by its looks.
    fn is_cut(&self) -> bool {
        false
    }

    /// Returns the hint for several rows with one id.
    fn duplicates_hint(&self) -> String {
        "give each job its own id".to_owned()
    }
}

/// How many entries of a list are read together.
const ENTRIES_PER_PART: usize = 256;

/// The parts of a text in `source`: `pass` begins one over a block of it.
pub(super) fn parts<'m, R: Read + Send + 'm, P: RowCursor + 'm>(
    source: &'m Source,
    blocks: Blocks<R>,
    pass: impl Fn(Block) -> P + Send + 'm,
) -> Parts<'m> {
    Box::new(blocks.map(move |block: io::Result<Block>| -> Result<Box<dyn RowCursor + 'm>, Diagnostic> {
        Ok(Box::new(pass(block.map_err(|error| source.failed(&error))?)))
    }))
}

/// Returns the parts of a list: `pass` begins one over some entries of it, each of which makes `jobs` jobs.
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
