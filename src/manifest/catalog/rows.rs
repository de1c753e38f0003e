use std::path::{Path, PathBuf};

use crate::manifest::diagnostic::Diagnostic;
use crate::manifest::dialect::snake_case;
use crate::manifest::lines::Lines;
use crate::manifest::node::{Kind, Node};
use crate::manifest::pass::Pass;
use crate::manifest::row::{At, Complaint, Row};
use crate::manifest::source::Source;
use crate::manifest::table::Table;

/// Where the rows of a catalog come from.
#[derive(Debug)]
pub(in crate::manifest) enum RowSource {
    /// A table in a file of its own.
    Table(Source, Table),
    /// Lines of JSON in a file of their own.
    Lines(Source, Lines),
    /// A list in the manifest.
    List(Vec<Node>),
    /// Pictures in a folder, a row each, with the columns `file`, `stem` and `extension`.
    Pictures { files: Vec<PathBuf>, line: u64 },
    /// None: the matrix alone makes jobs.
    One(u64),
}

impl RowSource {
    /// The file that rows are read from, if it is another one than the manifest.
    pub(in crate::manifest) fn file(&self) -> Option<&str> {
        match self {
            RowSource::Table(source, _) | RowSource::Lines(source, _) => Some(&source.name),
            RowSource::Pictures { .. } | RowSource::List(_) | RowSource::One(_) => None,
        }
    }

    /// The columns that rows have, where that is known before they are read.
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
            RowSource::Pictures { .. } => Some(["file", "stem", "extension"].map(str::to_owned).to_vec()),
            RowSource::One(_) => Some(Vec::new()),
        }
    }

    /// What was understood of their file and could surprise.
    pub(in crate::manifest) fn notices(&self) -> Vec<Diagnostic> {
        match self {
            RowSource::Table(source, table) => source.notice.iter().chain(&table.notices).cloned().collect(),
            RowSource::Lines(source, _) => source.notice.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Begins a pass over them; `text` is that of the manifest in `source`.
    pub(super) fn pass<'r>(&'r self, source: &'r Source, text: &'r str) -> Result<Box<dyn Pass + 'r>, Diagnostic> {
        Ok(match self {
            RowSource::Table(source, table) => Box::new(table.rows(source)?),
            RowSource::Lines(source, lines) => Box::new(lines.pass(source)?),
            RowSource::List(items) => Box::new(ListRows { source, text, items, next: 0 }),
            RowSource::Pictures { files, line, .. } => {
                let rows = files.iter().map(|path| picture_columns(path)).collect();
                Box::new(MadeRows { source, rows, line: *line, next: 0 })
            }
            RowSource::One(line) => Box::new(MadeRows { source, rows: vec![Vec::new()], line: *line, next: 0 }),
        })
    }
}

/// What templates may say of a picture; its path is relative to the manifest.
fn picture_columns(path: &Path) -> Vec<(String, String)> {
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    vec![
        ("file".to_owned(), path.to_string_lossy().into_owned()),
        ("stem".to_owned(), text(path.file_stem())),
        ("extension".to_owned(), text(path.extension())),
    ]
}

/// Rows in a list of the manifest.
struct ListRows<'r> {
    source: &'r Source,
    text: &'r str,
    items: &'r [Node],
    next: usize,
}

impl Pass for ListRows<'_> {
    fn advance(&mut self) -> Result<bool, Diagnostic> {
        self.next += 1;
        Ok(self.next <= self.items.len())
    }

    fn line(&self) -> u64 {
        self.items[self.next - 1].line
    }

    fn row(&self) -> (Row<'_>, Vec<Complaint>) {
        (Row::default(), Vec::new())
    }

    fn columns(&self) -> Vec<(String, String)> {
        columns_of(&self.items[self.next - 1])
    }

    fn diagnostic(&self, complaint: Complaint) -> Diagnostic {
        let item = &self.items[self.next - 1];
        let span = match (&item.kind, &complaint.at) {
            (Kind::Map(pairs), At::Column(name)) => {
                pairs.iter().find(|(key, _)| snake_case(&key.name) == *name).map(|(_, value)| value.span.clone())
            }
            (Kind::Map(pairs), _) => pairs.first().map(|(key, _)| key.span.clone()),
            _ => None,
        };
        let span = span.unwrap_or(item.span.clone());
        self.source.error_in(self.text, 1, &span, complaint.message, complaint.hint)
    }
}

/// The single values of a map; a list of them is joined as several images are in a cell.
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

/// Rows that stand nowhere in a text.
struct MadeRows<'r> {
    source: &'r Source,
    rows: Vec<Vec<(String, String)>>,
    line: u64,
    next: usize,
}

impl Pass for MadeRows<'_> {
    fn advance(&mut self) -> Result<bool, Diagnostic> {
        self.next += 1;
        Ok(self.next <= self.rows.len())
    }

    fn line(&self) -> u64 {
        self.line
    }

    fn row(&self) -> (Row<'_>, Vec<Complaint>) {
        (Row::default(), Vec::new())
    }

    fn columns(&self) -> Vec<(String, String)> {
        self.rows[self.next - 1].clone()
    }

    fn diagnostic(&self, complaint: Complaint) -> Diagnostic {
        let place = self.rows[self.next - 1].first().map(|(_, file)| format!(", for {file}")).unwrap_or_default();
        let message = format!("{}{place}", complaint.message);
        Diagnostic { line: Some(self.line), ..Diagnostic::about_file(&self.source.name, message, complaint.hint) }
    }
}
