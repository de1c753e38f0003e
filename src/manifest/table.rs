use std::fs::File;
use std::io::Read;
use std::ops::Range;

use csv::ByteRecord;

use super::diagnostic::{Diagnostic, Severity, quoted};
use super::dialect;
use super::pass::{Pass, Use};
use super::row::{At, Complaint, Field, Row, Value};
use super::source::Source;
use super::suggest;

/// A table of rows under a header: CSV.
#[derive(Debug)]
pub(super) struct Table {
    delimiter: u8,
    headers: Vec<Header>,
    /// The first byte and the first line behind the header.
    body: (u64, u64),
    /// What was understood of the header and could surprise.
    pub(super) notices: Vec<Diagnostic>,
}

/// A column.
#[derive(Debug)]
struct Header {
    name: String,
    field: Option<Field>,
}

/// One pass over a table.
pub(super) struct Rows<'t> {
    table: &'t Table,
    source: &'t Source,
    reader: csv::Reader<File>,
    record: ByteRecord,
    /// The first byte and the line of the record, and the byte behind it.
    place: (u64, u64, u64),
}

/// Where a cell stands in the raw text of its record, and where its text begins behind a quote.
struct RawCell {
    span: Range<usize>,
    is_quoted: bool,
}

impl Table {
    /// Reads the header of `source`. Errors: everything wrong with it.
    pub(super) fn open(source: &Source, use_as: Use) -> Result<Table, Vec<Diagnostic>> {
        let failed = |error: &std::io::Error| vec![source.failed(error)];
        let mut head = vec![0; 1 << 16];
        let read = source.reader(0).and_then(|file| read_head(file, &mut head)).map_err(|error| failed(&error))?;
        let delimiter = dialect::delimiter(&String::from_utf8_lossy(&head[..read]));
        let file = source.reader(0).map_err(|error| failed(&error))?;
        let mut reader = builder(delimiter).from_reader(file);
        let mut record = ByteRecord::new();
        let found = reader.read_byte_record(&mut record).map_err(|error| failed(&into_io(error)))?;
        let position = reader.position();
        let (end, lines) = (position.byte(), position.line());
        let raw = source.slice(0, end).map_err(|error| failed(&error))?;
        if !found || record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            let hint = "begin with a header line such as id,prompt,images".to_owned();
            return Err(vec![Diagnostic::about_file(&source.name, "the manifest is empty", hint)]);
        }
        let names: Vec<String> = record.iter().map(|name| text(name).trim().to_owned()).collect();
        let fields = match use_as {
            Use::Jobs => dialect::fields(&names),
            Use::Catalog => vec![None; names.len()],
        };
        let headers: Vec<Header> = names.into_iter().zip(fields).map(|(name, field)| Header { name, field }).collect();
        let cells = raw_cells(&raw, delimiter);
        let complaints = header_complaints(&headers, use_as);
        let diagnostics: Vec<Diagnostic> = complaints
            .into_iter()
            .map(|(column, message, hint)| {
                let whole = 0..raw.trim_end().len();
                let span = column.and_then(|column| cells.get(column)).map_or(whole, |cell| cell.span.clone());
                source.error_in(&raw, 1, &span, message, hint)
            })
            .collect();
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        let notices = notices(source, &raw, &cells, &headers, delimiter);
        let table = Table { delimiter, headers, body: (end, lines), notices };
        let mut rows = table.rows(source).map_err(|diagnostic| vec![diagnostic])?;
        if !rows.advance().map_err(|diagnostic| vec![diagnostic])? {
            let hint = "add a line for each picture to edit".to_owned();
            return Err(vec![Diagnostic::about_file(&source.name, "the manifest has a header and no rows", hint)]);
        }
        Ok(table)
    }

    /// The names of its columns.
    pub(super) fn names(&self) -> Vec<String> {
        self.headers.iter().map(|header| header.name.clone()).filter(|name| !name.is_empty()).collect()
    }

    /// Begins a pass.
    pub(super) fn rows<'t>(&'t self, source: &'t Source) -> Result<Rows<'t>, Diagnostic> {
        let file = source.reader(self.body.0).map_err(|error| source.failed(&error))?;
        Ok(Rows {
            table: self,
            source,
            reader: builder(self.delimiter).from_reader(file),
            record: ByteRecord::new(),
            place: (self.body.0, self.body.1, self.body.0),
        })
    }
}

/// As much of `file` as fits into `head`; the answer is how much that is.
fn read_head(file: File, head: &mut [u8]) -> std::io::Result<usize> {
    let mut file = file.take(head.len() as u64);
    let mut read = 0;
    loop {
        match file.read(&mut head[read..])? {
            0 => return Ok(read),
            more => read += more,
        }
    }
}

/// What was understood of a header and is not what it says to the letter.
fn notices(source: &Source, raw: &str, cells: &[RawCell], headers: &[Header], delimiter: u8) -> Vec<Diagnostic> {
    let note = |diagnostic: Diagnostic| Diagnostic { severity: Severity::Note, ..diagnostic };
    let whole = 0..raw.trim_end().len();
    let separator = match delimiter {
        b';' => Some("cells are separated by `;`"),
        b'\t' => Some("cells are separated by tabs"),
        _ => None,
    };
    let separator = separator.map(|message| note(source.error_in(raw, 1, &whole, message, None)));
    let renamed = headers.iter().zip(cells).filter_map(|(header, cell)| {
        let field = header.field.filter(|field| field.key() != dialect::snake_case(&header.name))?;
        let message = format!("column {} is read as `{}`", quoted(&header.name), field.key());
        Some(note(source.error_in(raw, 1, &cell.span, message, None)))
    });
    separator.into_iter().chain(renamed).collect()
}

fn builder(delimiter: u8) -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(delimiter).has_headers(false).flexible(true).buffer_capacity(1 << 17);
    builder
}

/// What is wrong with a header: the column, the message, the hint.
fn header_complaints(headers: &[Header], use_as: Use) -> Vec<(Option<usize>, String, Option<String>)> {
    let mut complaints = Vec::new();
    for (index, header) in headers.iter().enumerate() {
        let is_same = |earlier: &Header| match header.field {
            Some(field) => earlier.field == Some(field),
            None => !header.name.is_empty() && earlier.name == header.name,
        };
        if let Some(first) = headers[..index].iter().position(is_same) {
            let message = format!("column {} is there twice: it is column {} already", quoted(&header.name), first + 1);
            complaints.push((Some(index), message, Some("rename one of them, or drop it".to_owned())));
        }
    }
    let needed = if use_as == Use::Jobs { &[Field::Prompt, Field::Images][..] } else { &[] };
    for field in needed.iter().copied() {
        if headers.iter().any(|header| header.field == Some(field)) {
            continue;
        }
        let own = headers.iter().filter(|header| header.field.is_none());
        let near = own.map(|header| header.name.as_str()).find(|name| suggest::nearest(name, [field.key()]).is_some());
        let column = near.and_then(|near| headers.iter().position(|header| header.name == near));
        let hint = match near {
            Some(near) => format!("did you mean `{}` by {}?", field.key(), quoted(near)),
            None => "a header looks like this: id,prompt,images".to_owned(),
        };
        complaints.push((column, format!("the header has no column `{}`", field.key()), Some(hint)));
    }
    complaints
}

impl Pass for Rows<'_> {
    fn advance(&mut self) -> Result<bool, Diagnostic> {
        loop {
            let before = self.reader.position().clone();
            let found = self.reader.read_byte_record(&mut self.record);
            if !found.map_err(|error| self.source.failed(&into_io(error)))? {
                return Ok(false);
            }
            if self.record.iter().all(|cell| cell.trim_ascii().is_empty()) {
                continue;
            }
            let after = self.reader.position();
            let (body_byte, body_line) = self.table.body;
            self.place = (body_byte + before.byte(), body_line + before.line() - 1, body_byte + after.byte());
            // Blank lines before the record are counted in: take them out by what the record itself spans.
            let lines = after.line() - before.line();
            if lines != 1 {
                let inner = self.record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
                self.place.1 += lines.saturating_sub(inner + 1);
            }
            return Ok(true);
        }
    }

    fn line(&self) -> u64 {
        self.place.1
    }

    fn row(&self) -> (Row<'_>, Vec<Complaint>) {
        let mut row = Row::default();
        let mut complaints = Vec::new();
        for (header, cell) in self.table.headers.iter().zip(&self.record) {
            if let (Some(field), false) = (header.field, cell.is_empty()) {
                row.set(field, Value::Text(text(cell)));
            }
        }
        let width = self.table.headers.len();
        if self.record.iter().skip(width).any(|cell| !cell.trim_ascii().is_empty()) {
            let message = format!("the row has {} cells under {width} columns", self.record.len());
            let hint = "a cell with a comma in it needs quotes around it: \"red, then blue\"".to_owned();
            complaints.push(Complaint::new(At::Row, message, hint));
        }
        (row, complaints)
    }

    fn columns(&self) -> Vec<(String, String)> {
        let cells = self.record.iter().map(text).chain(std::iter::repeat(""));
        let own = self.table.headers.iter().zip(cells);
        own.filter(|(header, _)| header.field.is_none() && !header.name.is_empty())
            .map(|(header, cell)| (header.name.clone(), cell.to_owned()))
            .collect()
    }

    fn diagnostic(&self, complaint: Complaint) -> Diagnostic {
        let (from, line, to) = self.place;
        let raw = self.source.slice(from, to).unwrap_or_default();
        let blank = raw.len() - raw.trim_start_matches(['\r', '\n']).len();
        let raw = raw[blank..].trim_end_matches(['\r', '\n']);
        let cells = raw_cells(raw, self.table.delimiter);
        let cell_of = |field| {
            let column = self.table.headers.iter().position(|header| header.field == Some(field));
            column.and_then(|column| cells.get(column))
        };
        let whole = 0..raw.len();
        let span = match &complaint.at {
            At::Row | At::Source(_) => whole,
            At::Field(field) | At::Item(field, _) => cell_of(*field).map_or(whole, |cell| cell.span.clone()),
            At::Part(field, part) => cell_of(*field).map_or(whole, |cell| cell.part(raw, part)),
        };
        self.source.error_in(raw, line, &span, complaint.message, complaint.hint)
    }
}

impl RawCell {
    /// The place of bytes `part` of the cell's text.
    fn part(&self, raw: &str, part: &Range<usize>) -> Range<usize> {
        if !self.is_quoted {
            return self.span.start + part.start..self.span.start + part.end;
        }
        let inner = self.span.start + 1;
        let (mut at, mut decoded, mut start) = (inner, 0, inner);
        let bytes = raw.as_bytes();
        while at < self.span.end && decoded < part.end {
            if decoded == part.start {
                start = at;
            }
            at += if bytes[at] == b'"' && bytes.get(at + 1) == Some(&b'"') { 2 } else { 1 };
            decoded += 1;
        }
        if decoded == part.start {
            start = at;
        }
        start..at
    }
}

/// The places of the cells in the raw text of one record.
fn raw_cells(raw: &str, delimiter: u8) -> Vec<RawCell> {
    let bytes = raw.as_bytes();
    let mut cells = Vec::new();
    let mut at = 0;
    loop {
        let start = at;
        let is_quoted = bytes.get(at) == Some(&b'"');
        if is_quoted {
            at += 1;
            while at < bytes.len() {
                if bytes[at] != b'"' {
                    at += 1;
                } else if bytes.get(at + 1) == Some(&b'"') {
                    at += 2;
                } else {
                    break;
                }
            }
        }
        while at < bytes.len() && bytes[at] != delimiter && !matches!(bytes[at], b'\n' | b'\r') {
            at += 1;
        }
        cells.push(RawCell { span: start..at, is_quoted });
        if bytes.get(at) != Some(&delimiter) {
            return cells;
        }
        at += 1;
    }
}

/// A cell as text; the source was checked to be UTF-8 when it was opened.
fn text(cell: &[u8]) -> &str {
    std::str::from_utf8(cell).unwrap_or("\u{FFFD}")
}

fn into_io(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => std::io::Error::other(format!("{kind:?}")),
    }
}
