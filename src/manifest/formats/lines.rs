//! Manifests with one JSON object per line, as other programs write them.

use std::fmt;
use std::io;
use std::ops::Range;

use memchr::memchr;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;

use crate::manifest::diagnostic::{Diagnostic, Severity, quoted};
use crate::manifest::field::Field;
use crate::manifest::reading::blocks::{Block, Blocks, Ends, Start};
use crate::manifest::reading::source::{Passage, Source};
use crate::manifest::row::{At, Items, Row, RowError, Value};
use crate::manifest::row_cursor::{Parts, RowCursor, TablePurpose, parts};
use crate::manifest::suggest;

use super::dialect::{self, snake_case};
use super::invalid_line::{no_object, not_one_object_per_line};
use super::json_spans;
use super::table::header::{self, Column, HeaderProblem};

/// The maximum number of column names that are examined in the first lines.
const MAX_NAMES: usize = 256;

/// A manifest of JSON lines.
#[derive(Debug)]
pub(in crate::manifest) struct Lines {
    /// Whether the objects are jobs, or rows for a template.
    use_as: TablePurpose,
    /// Notices about the names in the first lines: interpretations that could surprise the user.
    pub(in crate::manifest) notices: Vec<Diagnostic>,
}

impl Lines {
    /// Checks that there is at least one line, and examines the column names of the first lines.
    pub(in crate::manifest) fn open(source: &Source, use_as: TablePurpose) -> Result<Lines, Diagnostic> {
        let failed = |error: io::Error| source.failed(&error);
        let mut blocks = Blocks::new(source.reader(0), Ends::Lines, Start::TEXT, 1);
        for block in &mut blocks {
            let mut pass = LineCursor::new(source, use_as, block.map_err(failed)?);
            if pass.advance()? {
                if use_as == TablePurpose::Jobs && pass.wrong.is_some() && is_header(pass.text()) {
                    let hint = "call it .csv".to_owned();
                    let row_error = RowError::new(At::Row, "the file contains a table, not JSON lines", hint);
                    return Err(pass.diagnostic(row_error));
                }
                let notices = if use_as == TablePurpose::Jobs { pass.notices() } else { Vec::new() };
                return Ok(Lines { use_as, notices });
            }
        }
        let hint = "write one JSON object per line, with `prompt` and `images`".to_owned();
        Err(Diagnostic::about_file(&source.name, "the manifest is empty", hint))
    }

    /// Returns the lines in parts, where each line makes `jobs` jobs.
    pub(in crate::manifest) fn parts<'l>(&self, source: &'l Source, jobs: usize) -> Result<Parts<'l>, Diagnostic> {
        let file = source.reader(0);
        let use_as = self.use_as;
        let pass = move |block: Block| LineCursor::new(source, use_as, block);
        Ok(parts(source, Blocks::new(file, Ends::Lines, Start::TEXT, jobs), pass))
    }
}

/// Whether a line is the header of a table of jobs.
fn is_header(line: &str) -> bool {
    let names = line.split(char::from(dialect::of(line).delimiter)).map(|name| name.trim_matches('"').to_owned());
    let fields = dialect::fields(&names.collect::<Vec<_>>());
    header::REQUIRED_FIELDS.iter().all(|field| fields.contains(&Some(*field)))
}

/// A cursor over the lines of a block.
struct LineCursor<'l> {
    source: &'l Source,
    use_as: TablePurpose,
    block: Block,
    /// The offset of the next line in the block.
    next: usize,
    next_line: u64,
    /// The span of the current line in the block, without its line break.
    span: Range<usize>,
    line: u64,
    pairs: Vec<(String, Cell)>,
    /// The columns of the current line. They are kept as long as the lines have the same names.
    columns: Vec<Column>,
    wrong: Option<RowError>,
}

/// The pairs of a JSON object in order, including those with repeated keys.
struct Object(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Object;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Object(pairs))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

/// A value of an object.
enum Cell {
    Null,
    Text(String),
    List(Vec<String>),
    /// A map, or a list that contains more than single values, as JSON text.
    Deep(String),
}

impl RowCursor for LineCursor<'_> {
    fn rewind(&mut self) {
        (self.next, self.next_line) = (0, self.block.line);
    }

    fn advance(&mut self) -> Result<bool, Diagnostic> {
        if !self.advance_line() {
            return Ok(false);
        }
        self.wrong = None;
        self.pairs.clear();
        match serde_json::from_str::<Object>(self.text()) {
            Ok(Object(pairs)) => {
                let text = &self.block.text[self.span.clone()];
                let cells = pairs.into_iter().enumerate().map(|(index, (name, value))| {
                    let spelt = || json_spans::pairs(text).nth(index).map(|(_, value)| text[value].to_owned());
                    (name, cell(value, spelt))
                });
                self.pairs.extend(cells);
            }
            Err(error) => {
                if let Some(row_error) = not_one_object_per_line(self.text()) {
                    return Err(self.diagnostic(row_error));
                }
                self.wrong = Some(no_object(self.text(), &error));
            }
        }
        self.name_columns();
        Ok(true)
    }

    fn line(&self) -> u64 {
        self.line
    }

    fn row(&self) -> (Row<'_>, Vec<RowError>) {
        let mut row = Row::default();
        let mut row_errors: Vec<RowError> = self.wrong.iter().cloned().collect();
        if !row_errors.is_empty() {
            return (Row::refused(), row_errors);
        }
        for (index, ((name, cell), column)) in self.pairs.iter().zip(&self.columns).enumerate() {
            let field = column.field;
            let is_same = |earlier: &Column| earlier.name == *name || (field.is_some() && earlier.field == field);
            if let Some(earlier) = self.columns[..index].iter().find(|earlier| is_same(earlier)) {
                let message = match earlier.name == *name {
                    true => format!("the key {} exists twice", quoted(name)),
                    false => format!("the key {} exists already, as {}", quoted(name), quoted(&earlier.name)),
                };
                row_errors.push(RowError::new(
                    At::Source(self.value_span(index)),
                    message,
                    "keep one of them".to_owned(),
                ));
                continue;
            }
            let value = match cell {
                Cell::Null => Value::Absent,
                Cell::Text(text) => Value::Text(text),
                Cell::List(items) => Value::List(Items::Texts(items)),
                Cell::Deep(_) if field.is_none() => Value::Absent,
                Cell::Deep(_) => {
                    let message = format!("{} must contain only texts", quoted(name));
                    let at = At::Source(self.value(index));
                    row_errors.push(RowError::new(at, message, "write it as a text".to_owned()));
                    Value::Refused
                }
            };
            if let Some(field) = field {
                row.set(field, value);
            } else if let Some(near) = self.meant(name) {
                Field::from_key(near).into_iter().for_each(|field| row.set(field, Value::Refused));
                let (at, message) = (At::Source(self.value_span(index)), format!("unknown column {}", quoted(name)));
                row_errors.push(RowError::new(at, message, format!("did you mean `{near}`?")));
            }
        }
        (row, row_errors)
    }

    fn columns(&self) -> Vec<(String, String)> {
        let own = self.pairs.iter().zip(&self.columns).filter(|(_, column)| column.field.is_none());
        own.map(|((name, cell), _)| {
            let text = match cell {
                Cell::Null => String::new(),
                Cell::Text(text) | Cell::Deep(text) => text.clone(),
                Cell::List(items) => items.join("|"),
            };
            (name.clone(), text)
        })
        .collect()
    }

    fn diagnostic(&self, row_error: RowError) -> Diagnostic {
        let text = self.text();
        let column = |is_it: &dyn Fn(&Column) -> bool| self.columns.iter().position(is_it);
        let of_field = |field: Field| column(&|column| column.field == Some(field));
        let span = match &row_error.at {
            At::Row | At::OfRow(_) => None,
            At::Source(span) => Some(span.clone()),
            At::Column(name) => column(&|column| snake_case(&column.name) == *name).map(|column| self.value(column)),
            At::Field(field) => of_field(*field).map(|column| self.value(column)),
            At::Part(field, part) => of_field(*field).map(|column| self.part(column, part)),
            At::Item(field, number) => of_field(*field).map(|column| {
                let list = self.value(column);
                let item = json_spans::items(&text[list.clone()]).nth(*number);
                item.map_or(list.clone(), |item| list.start + item.start..list.start + item.end)
            }),
        };
        let span = span.unwrap_or(0..text.len());
        self.source.error_in(Passage { text, first_line: self.line }, &span, row_error.message, row_error.hint)
    }
}

impl<'l> LineCursor<'l> {
    /// Advances to the next line that is not blank. Returns false at the end.
    fn advance_line(&mut self) -> bool {
        loop {
            let rest = &self.block.text[self.next..];
            if rest.is_empty() {
                return false;
            }
            let end = memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            self.span = self.next..self.next + rest[..end].trim_end().len();
            self.next = (self.next + end + 1).min(self.block.text.len());
            (self.line, self.next_line) = (self.next_line, self.next_line + 1);
            if !self.text().trim().is_empty() {
                return true;
            }
        }
    }

    fn new(source: &'l Source, use_as: TablePurpose, block: Block) -> LineCursor<'l> {
        LineCursor {
            source,
            use_as,
            next: 0,
            next_line: block.line,
            block,
            span: 0..0,
            line: 0,
            pairs: Vec::new(),
            columns: Vec::new(),
            wrong: None,
        }
    }

    /// Returns the line without whitespace at its end.
    fn text(&self) -> &str {
        &self.block.text[self.span.clone()]
    }

    /// Updates the columns, unless the names are the same as in the previous line.
    fn name_columns(&mut self) {
        let names = || self.pairs.iter().map(|(name, _)| name);
        if !names().eq(self.columns.iter().map(|column| &column.name)) {
            self.columns = header::columns(names().cloned().collect(), self.use_as);
        }
    }

    /// Returns the notices about the names in the current line and all later lines of the block.
    fn notices(&mut self) -> Vec<Diagnostic> {
        let (mut columns, mut diagnostics): (Vec<Column>, Vec<Diagnostic>) = (Vec::new(), Vec::new());
        loop {
            for (index, column) in self.columns.iter().enumerate() {
                if !columns.iter().any(|known| known.name == column.name) && columns.len() < MAX_NAMES {
                    columns.push(Column { name: column.name.clone(), field: column.field });
                    diagnostics.push(self.diagnostic(RowError::new(At::Source(self.value_span(index)), "", None)));
                }
            }
            // Errors of lines are reported when jobs are made.
            if !matches!(self.advance(), Ok(true)) {
                break;
            }
        }
        let notice = |severity, HeaderProblem { column, message, hint }| {
            let value_span = diagnostics.get(column?)?.clone();
            Some(Diagnostic { severity, message, hint, ..value_span })
        };
        let renamed = header::renamed(&columns).into_iter().filter_map(|problem| notice(Severity::Note, problem));
        // A missing required column is an error of each line that lacks it.
        let is_warning = |problem: &HeaderProblem| {
            let name = problem.column.map_or("", |column| columns[column].name.as_str());
            suggest::nearest(name, header::REQUIRED_FIELDS.map(Field::key)).is_none()
        };
        let misspelt = header::misspelt(&columns).into_iter().filter(is_warning);
        let misspelt = misspelt.filter_map(|problem| notice(Severity::Warning, problem));
        renamed.chain(misspelt).collect()
    }

    /// Returns the required column that is missing and that `name` probably means.
    fn meant(&self, name: &str) -> Option<&'static str> {
        let near = suggest::nearest(name, header::REQUIRED_FIELDS.map(Field::key))?;
        let is_there = self.columns.iter().any(|column| column.field.is_some_and(|field| field.key() == near));
        (self.use_as == TablePurpose::Jobs && !is_there).then_some(near)
    }

    /// Returns the span in the line of key number `index`.
    fn value_span(&self, index: usize) -> Range<usize> {
        let text = self.text();
        json_spans::pairs(text).nth(index).map_or(0..text.len(), |(key, _)| key)
    }

    /// Returns the span in the line of value number `index`.
    fn value(&self, index: usize) -> Range<usize> {
        let text = self.text();
        json_spans::pairs(text).nth(index).map_or(0..text.len(), |(_, value)| value)
    }

    /// Returns the span in the line of the bytes `part` of value number `index`.
    fn part(&self, index: usize, part: &Range<usize>) -> Range<usize> {
        let value = self.value(index);
        let Some((_, Cell::Text(text))) = self.pairs.get(index) else { return value };
        match self.text()[value.clone()].find(text.as_str()) {
            Some(inner) => value.start + inner + part.start..value.start + inner + part.end,
            // The value contains escapes.
            None => value,
        }
    }
}

/// Converts a value. `spelt` returns its text in the line.
fn cell(value: Json, spelt: impl Fn() -> Option<String>) -> Cell {
    if let Json::Number(number) = &value
        && number.is_f64()
        && number.to_string().contains('e')
        && let Some(text) = spelt()
    {
        // A long number loses digits when it is parsed, so its text is used.
        return Cell::Text(text);
    }
    let single = |value: Json| match value {
        Json::String(text) => Some(text),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(is_so) => Some(is_so.to_string()),
        _ => None,
    };
    match value {
        Json::Null => Cell::Null,
        Json::Array(items) => {
            let singles: Option<Vec<String>> = items.iter().cloned().map(single).collect();
            singles.map_or_else(|| Cell::Deep(Json::Array(items).to_string()), Cell::List)
        }
        Json::Object(_) => Cell::Deep(value.to_string()),
        other => single(other).map_or(Cell::Null, Cell::Text),
    }
}
