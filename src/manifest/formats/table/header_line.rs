use crate::manifest::diagnostic::Diagnostic;
use crate::manifest::field::Field;
use crate::manifest::formats::dialect::Dialect;
use crate::manifest::reading::source::{Passage, Source};

use super::header::{self, Column, HeaderProblem};
use super::records::Records;
use super::shape::{Misshapen, faulty};

/// The line at the top of a table that should be its header.
pub(super) struct HeaderLine<'t> {
    pub(super) source: &'t Source,
    /// The records of the table. The current one is that line.
    pub(super) records: &'t Records,
    pub(super) columns: &'t [Column],
}

impl HeaderLine<'_> {
    /// Returns a diagnostic about a column, or about the whole line.
    pub(super) fn diagnostic(&self, problem: HeaderProblem) -> Diagnostic {
        let cell = problem.column.and_then(|column| self.records.cell(column));
        let span = cell.map_or(0..self.records.raw().len(), |cell| cell.span.clone());
        self.source.error_in(self.records.passage(), &span, problem.message, problem.hint)
    }

    fn refusal(&self, message: String, hint: String) -> Diagnostic {
        self.diagnostic(HeaderProblem { column: None, message, hint: Some(hint) })
    }

    /// Checks that the line belongs to a table. `separator_line` is the number and the text of a previous line that
    /// names the delimiter.
    ///
    /// # Errors
    /// The file is JSON, a quote is misplaced, or the delimiter is another one.
    pub(super) fn check_text(
        &self,
        dialect: &Dialect,
        separator_line: Option<(u64, String)>,
    ) -> Result<(), Diagnostic> {
        let raw = self.records.raw();
        if raw.starts_with('{') && raw.contains("\":") {
            let hint = "call it .jsonl if each line is an object, and .json if all of it is one".to_owned();
            return Err(self.refusal("the file contains JSON, not a table".to_owned(), hint));
        }
        if let Some(fault) = self.records.fault() {
            let Misshapen { span, message, hint } = faulty(&fault, raw);
            return Err(self.source.error_in(self.records.passage(), &span, message, hint));
        }
        if let (Some((line, text)), [only]) = (separator_line, self.columns)
            && let Some(message) = header::another_separator(&only.name, dialect.delimiter)
        {
            let hint = "remove this line, or correct the separator in it".to_owned();
            let passage = Passage { text: &text, first_line: line };
            return Err(self.source.error_in(passage, &(0..text.len()), message, hint));
        }
        Ok(())
    }

    /// Checks that the line names columns of jobs. `missing` are the required columns that it lacks, and `below` is a
    /// later line that has them all.
    ///
    /// # Errors
    /// The line is not a header.
    pub(super) fn check_names(&self, missing: &[Field], below: Option<u64>) -> Result<(), Diagnostic> {
        let is_any_known = header::is_any_known(self.columns);
        if is_any_known && below.is_none() {
            return Ok(());
        }
        let message = match missing.first().filter(|_| is_any_known) {
            Some(field) => format!("the first line is not a header: it has no column `{}`", field.key()),
            None => "the first line is not a header: none of its columns is known".to_owned(),
        };
        let hint = header::header_hint(self.columns, self.records.raw().starts_with('"'), below);
        Err(self.refusal(message, hint))
    }
}
