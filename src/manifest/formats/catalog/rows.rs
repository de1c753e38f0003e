use std::path::Path;

use crate::manifest::diagnostic::Diagnostic;
use crate::manifest::formats::dialect::snake_case;
use crate::manifest::formats::lines::Lines;
use crate::manifest::formats::table::Table;
use crate::manifest::node::{Kind, Node};
use crate::manifest::reading::lined_text::LinedText;
use crate::manifest::reading::source::Source;
use crate::manifest::row::{At, Row, RowError};
use crate::manifest::row_cursor::{Parts, RowCursor, parts_of_list};

/// The source of a catalog's rows.
#[derive(Debug)]
pub(in crate::manifest) enum RowSource {
    /// A table in a separate file.
    Table(Source, Table),
    /// JSON lines in a separate file.
    Lines(Source, Lines),
    /// A list in the manifest.
    List(Vec<Node>),
    /// Image files, one row each, with the columns `file`, `stem` and `extension`.
    Pictures(Vec<MadeRow>),
    /// A single row without columns: the matrix alone makes jobs.
    One(MadeRow),
}

impl RowSource {
    /// Returns the file that rows are read from, unless it is the manifest.
    pub(in crate::manifest) fn file(&self) -> Option<&str> {
        match self {
            RowSource::Table(source, _) | RowSource::Lines(source, _) => Some(&source.name),
            RowSource::Pictures(_) | RowSource::List(_) | RowSource::One(_) => None,
        }
    }

    /// Returns the columns of the rows, if they are known before the rows are read.
    pub(in crate::manifest) fn columns(&self) -> Option<Vec<String>> {
        match self {
            RowSource::Table(_, table) => Some(table.names()),
            RowSource::Lines(..) => None,
            RowSource::List(items) => {
                let mut names: Vec<String> = Vec::new();
                for (name, _) in items.iter().flat_map(columns_of) {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                Some(names)
            }
            RowSource::Pictures(_) => Some(["file", "stem", "extension"].map(str::to_owned).to_vec()),
            RowSource::One(_) => Some(Vec::new()),
        }
    }

    /// Returns the line near the top of the file that would have a column of this name if it were the header.
    pub(super) fn header_with(&self, name: &str) -> Option<u64> {
        match self {
            RowSource::Table(source, table) => table.header_with(source, name),
            _ => None,
        }
    }

    /// Returns notices about the file: interpretations that could surprise the user.
    pub(in crate::manifest) fn notices(&self) -> Vec<Diagnostic> {
        match self {
            RowSource::Table(source, table) => source.notice.iter().chain(&table.notices).cloned().collect(),
            RowSource::Lines(source, _) => source.notice.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Returns the rows in parts, where each row makes `jobs` jobs. `text` is that of the manifest `source`.
    pub(super) fn parts<'r>(
        &'r self,
        source: &'r Source,
        text: &'r LinedText,
        jobs: usize,
    ) -> Result<Parts<'r>, Diagnostic> {
        Ok(match self {
            RowSource::Table(source, table) => table.parts(source, jobs)?,
            RowSource::Lines(source, lines) => lines.parts(source, jobs)?,
            RowSource::List(items) => parts_of_list(items, jobs, |items| ListRows { source, text, items, next: 0 }),
            RowSource::Pictures(rows) => parts_of_list(rows, jobs, |rows| MadeRows { source, rows, next: 0 }),
            RowSource::One(row) => {
                parts_of_list(std::slice::from_ref(row), jobs, |rows| MadeRows { source, rows, next: 0 })
            }
        })
    }
}

/// A row that is not written in a text, such as that of an image file. Its line is that of a key in the manifest.
#[derive(Debug, Default)]
pub(in crate::manifest) struct MadeRow {
    pub(super) columns: Vec<(String, String)>,
    pub(super) line: u64,
}

impl MadeRow {
    /// Returns the row of the image at `path`, which is relative to the manifest.
    pub(super) fn of_picture(path: &Path, line: u64) -> MadeRow {
        let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let columns = vec![
            ("file".to_owned(), path.to_string_lossy().into_owned()),
            ("stem".to_owned(), text(path.file_stem())),
            ("extension".to_owned(), text(path.extension())),
        ];
        MadeRow { columns, line }
    }
}

/// A cursor over the rows in a list of the manifest.
struct ListRows<'r> {
    source: &'r Source,
    text: &'r LinedText,
    items: &'r [Node],
    next: usize,
}

impl RowCursor for ListRows<'_> {
    fn rewind(&mut self) {
        self.next = 0;
    }

    fn advance(&mut self) -> Result<bool, Diagnostic> {
        self.next += 1;
        Ok(self.next <= self.items.len())
    }

    fn line(&self) -> u64 {
        self.items[self.next - 1].line
    }

    fn row(&self) -> (Row<'_>, Vec<RowError>) {
        (Row::default(), Vec::new())
    }

    fn columns(&self) -> Vec<(String, String)> {
        columns_of(&self.items[self.next - 1])
    }

    fn diagnostic(&self, row_error: RowError) -> Diagnostic {
        let item = &self.items[self.next - 1];
        let span = match (&item.kind, &row_error.at) {
            (Kind::Map(pairs), At::Column(name)) => {
                pairs.iter().find(|(key, _)| snake_case(&key.name) == *name).map(|(_, value)| value.span.clone())
            }
            (Kind::Map(pairs), _) => pairs.first().map(|(key, _)| key.span.clone()),
            _ => None,
        };
        let span = span.unwrap_or(item.span.clone());
        self.source.error_on(self.text, &span, row_error.message, row_error.hint)
    }
}

/// Returns the single values of a map as columns. A list of them is joined by `|`, like several images in a cell.
fn columns_of(item: &Node) -> Vec<(String, String)> {
    let Kind::Map(pairs) = &item.kind else { return Vec::new() };
    pairs
        .iter()
        .filter_map(|(key, value)| {
            let text = match &value.kind {
                Kind::Scalar(text) => text.clone(),
                Kind::Null => String::new(),
                Kind::List(items) => items.iter().filter_map(Node::scalar).collect::<Vec<_>>().join("|"),
                Kind::Map(_) => return None,
            };
            Some((key.name.clone(), text))
        })
        .collect()
}

/// A cursor over rows that are not written in a text.
struct MadeRows<'r> {
    source: &'r Source,
    rows: &'r [MadeRow],
    next: usize,
}

impl MadeRows<'_> {
    fn current(&self) -> &MadeRow {
        &self.rows[self.next - 1]
    }
}

impl RowCursor for MadeRows<'_> {
    fn rewind(&mut self) {
        self.next = 0;
    }

    fn advance(&mut self) -> Result<bool, Diagnostic> {
        self.next += 1;
        Ok(self.next <= self.rows.len())
    }

    fn line(&self) -> u64 {
        self.current().line
    }

    fn row(&self) -> (Row<'_>, Vec<RowError>) {
        (Row::default(), Vec::new())
    }

    fn columns(&self) -> Vec<(String, String)> {
        self.current().columns.clone()
    }

    fn diagnostic(&self, row_error: RowError) -> Diagnostic {
        let MadeRow { columns, line } = self.current();
        let of_file = columns.first().map(|(_, file)| format!(", for {file}")).unwrap_or_default();
        let message = format!("{}{of_file}", row_error.message);
        Diagnostic { line: Some(*line), ..Diagnostic::about_file(&self.source.name, message, row_error.hint) }
    }
}
