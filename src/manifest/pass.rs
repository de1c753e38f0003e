use super::diagnostic::Diagnostic;
use super::row::{Complaint, Defaults, Row};

/// What rows are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Each is a job: known columns have their meaning.
    Jobs,
    /// Each is a row of a catalog: all columns are the user's own.
    Catalog,
}

/// One pass over the rows of a manifest, of whatever kind it is.
pub(super) trait Pass {
    /// Goes to the next row; false at the end. An error ends the pass.
    fn advance(&mut self) -> Result<bool, Diagnostic>;

    /// The line where the row begins, from 1.
    fn line(&self) -> u64;

    /// The row as it stands, and what is wrong with its shape.
    fn row(&self) -> (Row<'_>, Vec<Complaint>);

    /// The user's own columns.
    fn columns(&self) -> Vec<(String, String)>;

    /// The place of a complaint about the row.
    fn diagnostic(&self, complaint: Complaint) -> Diagnostic;

    /// What holds for rows that say nothing else.
    fn defaults(&self) -> Option<&Defaults> {
        None
    }

    /// What to do where several rows have one id.
    fn way_out_of_duplicates(&self) -> String {
        "give each job an id of its own".to_owned()
    }
}
