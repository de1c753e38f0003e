//! Tables with rows under a header: CSV, TSV and similar formats.

mod cells;
pub(in crate::manifest) mod header;
mod header_line;
mod records;
mod shape;
mod top;
mod warnings;

use std::io;

use memchr::memchr2;

use crate::manifest::diagnostic::{Diagnostic, Severity};
use crate::manifest::field::Field;
use crate::manifest::reading::blocks::{Block, Blocks, Ends, Start};
use crate::manifest::reading::source::Source;
use crate::manifest::reading::text::fill;
use crate::manifest::row::{At, Row, RowError, Value};
use crate::manifest::row_cursor::{Parts, RowCursor, TablePurpose, parts};
use crate::manifest::whitespace::trim;

use super::dialect::{self, Dialect};

use cells::Cell;
use header::{Column, HeaderProblem, MIN_CATALOG_COLUMNS};
use header_line::HeaderLine;
use shape::{Misshapen, Shape, too_wide};
use top::{MAX_HEADER_RECORDS, Top, header_below};

pub(in crate::manifest) use records::Records;

/// A table whose header has been read.
#[derive(Debug)]
pub(in crate::manifest) struct Table {
    delimiter: u8,
    columns: Vec<Column>,
    /// The known columns, with their numbers.
    fields: Vec<(Field, usize)>,
    /// The start of the rows.
    start: Start,
    /// The required columns that are missing. They are reported once, not for each row.
    missing: Vec<Field>,
    /// Notices about the header: interpretations that could surprise the user.
    pub(in crate::manifest) notices: Vec<Diagnostic>,
    /// Whether rows follow the header.
    pub(in crate::manifest) has_rows: bool,
    /// The errors of the header. Rows can still be checked.
    pub(in crate::manifest) problems: Vec<Diagnostic>,
}

impl Table {
    /// Reads the header of `source`.
    ///
    /// # Errors
    /// The errors that prevent checking rows.
    pub(in crate::manifest) fn open(source: &Source, use_as: TablePurpose) -> Result<Table, Vec<Diagnostic>> {
        let failed = |error: io::Error| vec![source.failed(&error)];
        let empty = |message: &str, hint: &str| vec![Diagnostic::about_file(&source.name, message, hint.to_owned())];
        let refused = |diagnostic: Diagnostic| vec![diagnostic];
        let dialect = read_dialect(source).map_err(failed)?;
        let mut top = Top::open(source, dialect.delimiter);
        let mut separator_line = None;
        for _record in 0..1 + usize::from(dialect.is_named) {
            separator_line = (top.records.line() > 0).then(|| (top.records.line(), top.records.raw().to_owned()));
            if !top.advance().map_err(failed)? {
                return Err(empty("the manifest is empty", "begin with a header line such as id,prompt,images"));
            }
        }
        let records = &top.records;
        if records.has_too_many_cells() {
            let Misshapen { span, message, hint } = too_wide(records);
            return Err(vec![source.error_in(records.passage(), &span, message, hint)]);
        }
        let columns = header::columns(records.iter().map(|name| trim(name).to_owned()).collect(), use_as);
        let line = HeaderLine { source, records, columns: &columns };
        line.check_text(&dialect, separator_line).map_err(refused)?;
        let missing = missing_fields(&columns, use_as);
        if use_as == TablePurpose::Jobs {
            let below = match missing.is_empty() {
                true => None,
                false => header_below(source, dialect.delimiter).map_err(failed)?,
            };
            line.check_names(&missing, below).map_err(refused)?;
        }
        let problems = header::problems(&columns, use_as).into_iter().map(|problem| line.diagnostic(problem)).collect();
        let notices = notices(&line, &dialect, use_as);
        let (delimiter, start) = (dialect.delimiter, records.next());
        let known = columns.iter().enumerate().filter_map(|(number, column)| Some((column.field?, number)));
        let fields = known.collect();
        let mut table = Table { delimiter, columns, fields, start, missing, notices, has_rows: true, problems };
        table.has_rows = top.advance().map_err(failed)?;
        if !table.has_rows && use_as == TablePurpose::Catalog {
            return Err(vec![Table::without_rows(source)]);
        }
        if use_as == TablePurpose::Jobs && table.has_rows {
            table.notices.extend(warnings::warnings(&mut top, &table.columns, source).map_err(failed)?);
        }
        Ok(table)
    }

    /// Returns the error of a table without rows.
    pub(in crate::manifest) fn without_rows(source: &Source) -> Diagnostic {
        let hint = "add a line for each picture to edit".to_owned();
        Diagnostic::about_file(&source.name, "the manifest has a header and no rows", hint)
    }

    /// Returns the names of the columns.
    pub(in crate::manifest) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).filter(|name| !name.is_empty()).collect()
    }

    /// Returns the line near the top that would have a column of this name if it were the header. Of several lines it
    /// is the last one, because some forms start with a line of human-readable names.
    pub(in crate::manifest) fn header_with(&self, source: &Source, name: &str) -> Option<u64> {
        let mut top = Top::open(source, self.delimiter);
        let is_there = || {
            let is_record = top.advance().ok()?;
            is_record.then(|| (top.records.line(), top.records.iter().any(|cell| dialect::snake_case(cell) == name)))
        };
        let lines = std::iter::from_fn(is_there).take(MAX_HEADER_RECORDS);
        lines.filter(|(_, has_it)| *has_it).map(|(line, _)| line).last()
    }

    /// Returns the rows in parts, where each row makes `jobs` jobs.
    pub(in crate::manifest) fn parts<'t>(&'t self, source: &'t Source, jobs: usize) -> Result<Parts<'t>, Diagnostic> {
        let file = source.reader(self.start.offset);
        let blocks = Blocks::new(file, Ends::Records(self.delimiter), self.start, jobs);
        Ok(parts(source, blocks, |block| Rows {
            table: self,
            source,
            shape: self.shape(&block),
            records: Records::new(block, self.delimiter),
            wrong: None,
        }))
    }

    fn shape(&self, block: &Block) -> Shape {
        let position = |field: Field| self.columns.iter().position(|column| column.field == Some(field));
        let (width, images) = (self.columns.len(), position(Field::Images));
        let needed = header::REQUIRED_FIELDS.into_iter().filter_map(position).max().map_or(1, |last| last + 1);
        let others @ [one, other] = dialect::others(self.delimiter);
        Shape {
            delimiter: self.delimiter,
            others,
            has_others: memchr2(one, other, block.text.as_bytes()).is_some(),
            width,
            images,
            // In a catalog, it is unknown which cells matter.
            needed: if images.is_none() && width >= MIN_CATALOG_COLUMNS { width } else { needed },
            begins_with_a_text: [Field::Id, Field::Prompt, Field::Images].map(position).contains(&Some(0)),
        }
    }
}

fn read_dialect(source: &Source) -> io::Result<Dialect> {
    let mut head = vec![0; 1 << 16];
    let read = fill(&mut source.reader(0), &mut head)?;
    Ok(dialect::of(&String::from_utf8_lossy(&head[..read])))
}

/// Returns the required columns that are not among `columns`.
fn missing_fields(columns: &[Column], use_as: TablePurpose) -> Vec<Field> {
    let is_missing = |field: &Field| columns.iter().all(|column| column.field != Some(*field));
    match use_as {
        TablePurpose::Jobs => header::REQUIRED_FIELDS.into_iter().filter(is_missing).collect(),
        TablePurpose::Catalog => Vec::new(),
    }
}

/// Returns the interpretations of the header that could surprise the user.
fn notices(line: &HeaderLine<'_>, dialect: &Dialect, use_as: TablePurpose) -> Vec<Diagnostic> {
    let note = |severity, problem| Diagnostic { severity, ..line.diagnostic(problem) };
    let separator = match dialect.delimiter {
        b';' => Some("cells are separated by `;`"),
        b'\t' => Some("cells are separated by tabs"),
        _ => None,
    };
    let separator = separator.filter(|_| !dialect.is_named);
    let separator = separator.map(|message| HeaderProblem { column: None, message: message.to_owned(), hint: None });
    let renamed = header::renamed(line.columns);
    let (misspelt, unused_ids) = match use_as {
        TablePurpose::Jobs => (header::misspelt(line.columns), header::unused_ids(line.columns)),
        TablePurpose::Catalog => (Vec::new(), None),
    };
    let notes = separator.into_iter().chain(renamed).chain(unused_ids);
    let notes = notes.map(|problem| note(Severity::Note, problem));
    notes.chain(misspelt.into_iter().map(|problem| note(Severity::Warning, problem))).collect()
}

/// A cursor over the rows of a block.
struct Rows<'t> {
    table: &'t Table,
    source: &'t Source,
    records: Records,
    shape: Shape,
    /// Why the row does not match the header.
    wrong: Option<Misshapen>,
}

impl Rows<'_> {
    /// Whether the row repeats the header.
    fn is_header_again(&self) -> bool {
        let mut cells = self.table.columns.iter().zip(self.records.iter());
        cells.all(|(column, cell)| trim(cell).eq_ignore_ascii_case(&column.name))
            && self.records.len() >= self.table.columns.len()
    }

    fn values(&self) -> Row<'_> {
        let (mut row, text) = (Row::default(), self.records.texts());
        for (field, column) in &self.table.fields {
            if let Some(cell) = text(*column).filter(|cell| !cell.is_empty()) {
                row.set(*field, Value::Text(cell));
            }
        }
        self.table.missing.iter().for_each(|field| row.set(*field, Value::Refused));
        row
    }

    /// Returns a row with more cells than there are columns, and its error. Only its id is kept, because an unquoted
    /// delimiter has shifted the cells after it.
    fn torn(&self) -> (Row<'_>, Vec<RowError>) {
        let (cells, width) = (self.records.len(), self.table.columns.len());
        let message = format!("the row has {cells} cells under {width} columns");
        let separator = dialect::shown_once(self.table.delimiter);
        let hint = if self.records.raw().contains(['\u{201C}', '\u{201D}', '\u{201E}']) {
            "typographic quotes do not quote a cell: write `\"` in their place".to_owned()
        } else {
            format!(
                "a cell with {separator} in it needs quotes around it, as in \"red{} then blue\"",
                self.table.delimiter as char
            )
        };
        let mut row = Row::refused();
        self.values().id().into_iter().for_each(|id| row.set(Field::Id, Value::Text(id)));
        (row, vec![RowError::new(At::Row, message, hint)])
    }
}

impl RowCursor for Rows<'_> {
    fn rewind(&mut self) {
        self.records.rewind();
    }

    fn advance(&mut self) -> Result<bool, Diagnostic> {
        let is_row = self.records.advance();
        self.wrong = if is_row { self.shape.wrong(&self.records) } else { None };
        Ok(is_row)
    }

    fn line(&self) -> u64 {
        self.records.line()
    }

    fn row(&self) -> (Row<'_>, Vec<RowError>) {
        if let Some(Misshapen { span, message, hint }) = self.wrong.clone() {
            return (Row::refused(), vec![RowError::new(At::Source(span), message, hint)]);
        }
        if self.is_header_again() {
            let hint = "files were put together, each with its header: remove this line".to_owned();
            return (Row::refused(), vec![RowError::new(At::Row, "the header is repeated here", hint)]);
        }
        let width = self.table.columns.len();
        if self.records.len() > width && self.records.iter().skip(width).any(|cell| !trim(cell).is_empty()) {
            return self.torn();
        }
        (self.values(), Vec::new())
    }

    fn is_cut(&self) -> bool {
        self.records.len() < self.table.columns.len() && self.records.has_no_end()
    }

    fn columns(&self) -> Vec<(String, String)> {
        let cells = self.records.iter().chain(std::iter::repeat(""));
        let own = self.table.columns.iter().zip(cells);
        own.filter(|(column, _)| column.field.is_none() && !column.name.is_empty())
            .map(|(column, cell)| (column.name.clone(), cell.to_owned()))
            .collect()
    }

    fn diagnostic(&self, row_error: RowError) -> Diagnostic {
        let raw = self.records.raw();
        let cell_at = |is_it: &dyn Fn(&Column) -> bool| -> Option<Option<&Cell>> {
            Some(self.records.cell(self.table.columns.iter().position(is_it)?))
        };
        // A row that is too short lacks the cell at its end.
        let span_of = |cell: Option<&Cell>| cell.map_or(raw.len()..raw.len(), |cell| cell.span.clone());
        let of_field = |field: Field| cell_at(&|column: &Column| column.field == Some(field));
        let whole = 0..raw.len();
        let span = match &row_error.at {
            At::Row | At::OfRow(_) => whole,
            At::Source(span) => span.clone(),
            At::Field(field) | At::Item(field, _) => of_field(*field).map_or(whole, span_of),
            At::Column(name) => {
                cell_at(&|column: &Column| dialect::snake_case(&column.name) == *name).map_or(whole, span_of)
            }
            At::Part(field, part) => of_field(*field).flatten().map_or(whole, |cell| cell.part(raw, part)),
        };
        self.source.error_in(self.records.passage(), &span, row_error.message, row_error.hint)
    }
}
