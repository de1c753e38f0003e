//! Finds rows whose shape shows that they are not written as intended.

use std::ops::Range;

use memchr::memchr2;

use crate::manifest::diagnostic::quoted;
use crate::manifest::formats::dialect::shown;
use crate::manifest::reading::blocks::breaks;
use crate::manifest::row::image::is_picture_name;
use crate::words::counted;

use super::cells::{Cell, Fault, MAX_CELLS, scan};
use super::records::Records;

/// An error of a row as a whole, and the span of its raw text that shows it.
#[derive(Clone, Debug)]
pub(super) struct Misshapen {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) hint: String,
}

/// The expected shape of a table's rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) delimiter: u8,
    /// The other supported delimiters.
    pub(super) others: [u8; 2],
    /// Whether the block of the rows contains any of the other delimiters.
    pub(super) has_others: bool,
    /// The number of columns.
    pub(super) width: usize,
    /// The column of the images, if it is known.
    pub(super) images: Option<usize>,
    /// The minimum number of cells in a row.
    pub(super) needed: usize,
    /// Whether the first column is a text, so that a `#` before it may comment out the row: `#mug-1`.
    pub(super) begins_with_a_text: bool,
}

const UNCLOSED_HINT: &str =
    "close it behind the cell's text; a quote inside of a cell is written twice: \"a 5\"\" mug\"";

impl Shape {
    /// Returns the error of a record that does not match the header.
    pub(super) fn wrong(&self, records: &Records) -> Option<Misshapen> {
        let raw = records.raw();
        if records.has_too_many_cells() {
            return Some(too_wide(records));
        }
        if let Some(fault) = records.fault() {
            return Some(faulty(&fault, raw));
        }
        if records.has_breaks()
            && let Some(wrong) = self.row_in_quotes(records)
        {
            return Some(wrong);
        }
        if self.begins_with_a_text && raw.starts_with('#') {
            return self.comment(records);
        }
        // Most rows contain no other delimiter and do not begin with a quote.
        let has_others = || memchr2(self.others[0], self.others[1], raw.as_bytes()).is_some();
        let may_be_another = raw.starts_with('"') || (self.has_others && has_others());
        if may_be_another { self.other_separators(records) } else { None }
    }

    /// Returns the error of a row that does not use the delimiter of the header, or that is quoted as a whole.
    fn other_separators(&self, records: &Records) -> Option<Misshapen> {
        let mut cells = records.iter();
        let first = cells.next().unwrap_or_default();
        let second = cells.next();
        // Nearly all rows have enough cells, a second cell that is not empty, and no other delimiter in the first cell.
        let is_usual = records.len() >= self.needed
            && second.is_some_and(|cell| !cell.is_empty())
            && !first.bytes().fold(false, |any, byte| any | self.others.contains(&byte));
        let is_picture = |cell: &str| is_picture_name(cell) && !cell.bytes().any(|byte| self.others.contains(&byte));
        let has_picture = || match self.images {
            Some(column) => records.iter().nth(column).is_some_and(is_picture_name),
            None => records.len() == self.width && records.iter().skip(1).any(is_picture),
        };
        if self.needed < 2 || is_usual || has_picture() {
            return None;
        }
        let cell_count = |delimiter: u8, text: &str| {
            let (mut cells, mut anew) = (Vec::new(), String::new());
            scan(text, delimiter, &mut cells, &mut anew);
            let has_picture = self.images.is_none_or(|column| {
                cells.get(column).is_some_and(|cell: &Cell| is_picture_name(cell.text(text, &anew)))
            });
            if has_picture || cells.len() == self.width { cells.len() } else { 0 }
        };
        let raw = records.raw();
        let is_whole = |count: usize| count >= self.needed && (self.images.is_some() || count == self.width);
        let is_alone = second.is_none_or(str::is_empty) && cells.all(str::is_empty);
        let separator = shown(self.delimiter);
        if is_alone && raw.starts_with('"') && is_whole(cell_count(self.delimiter, first)) {
            let message = "the whole row is one quoted cell, with its separators inside".to_owned();
            let hint = "remove the quotes around the line, and write the doubled ones inside of it once".to_owned();
            return Some(Misshapen { span: 0..raw.len(), message, hint });
        }
        if records.cells().iter().any(Cell::is_quoted) {
            // A row with quoted cells has the right delimiter.
            return None;
        }
        let other = self.others.into_iter().find(|other| is_whole(cell_count(*other, raw)))?;
        let message = format!("the row is separated by {}, and the header by {separator}", shown(other));
        let hint = format!("write {separator} between its cells");
        Some(Misshapen { span: 0..raw.len(), message, hint })
    }

    /// Returns the error of a row that is commented out by a `#`. Numbers and colors may also begin with it.
    fn comment(&self, records: &Records) -> Option<Misshapen> {
        let first = records.iter().next()?;
        let name = first.strip_prefix('#')?;
        let word = name.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
        let is_color = matches!(word.len(), 3 | 6) && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        if is_color || is_number || name.starts_with('#') || name.ends_with(['!', '?']) || name.starts_with("N/") {
            return None;
        }
        let end = records.cell(0).map_or(1, |cell| cell.span.end);
        let message = format!("{} looks like a comment, and CSV has none", quoted(first));
        let hint = "remove the line, or do not begin its first cell with `#`".to_owned();
        Some(Misshapen { span: 0..end, message, hint })
    }

    /// Returns the error of a quote that is closed so late that the cell contains whole rows.
    fn row_in_quotes(&self, records: &Records) -> Option<Misshapen> {
        let raw = records.raw();
        let broken = records.cells().iter().filter(|cell| cell.has_breaks(raw));
        broken.map(|cell| cell.span.clone()).find_map(|cell| {
            let from = raw[..cell.start].rfind(['\n', '\r']).map_or(0, |at| at + 1);
            let to = raw[cell.end..].find(['\n', '\r']).map_or(raw.len(), |at| cell.end + at);
            let mut lines = raw[from..to].split(['\n', '\r']).scan(from, |at, line| {
                let start = std::mem::replace(at, *at + line.len() + 1);
                Some((start, line))
            });
            let (_, first) = lines.next()?;
            let pictures = self.pictures(first, if self.images.is_some() { self.needed } else { self.width })?;
            let width = self.width.min(first.split(char::from(self.delimiter)).count());
            let is_like_first = |column: &usize| self.images.is_some() || pictures.contains(column);
            let is_row = |line: &str| self.pictures(line, width).is_some_and(|found| found.iter().any(is_like_first));
            let (at, _) = lines.find(|(_, line)| is_row(line))?;
            let line = records.line() + breaks(&raw[..at]);
            let message = format!("the quote that opens here includes line {line}, which looks like a row");
            Some(Misshapen { span: cell.start..cell.start + 1, message, hint: UNCLOSED_HINT.to_owned() })
        })
    }

    /// Returns the columns in which a line has images if it is a row of at least `width` cells without quotes.
    fn pictures(&self, line: &str, width: usize) -> Option<Vec<usize>> {
        let cells = line.split(char::from(self.delimiter)).enumerate();
        let may_be_there = |column: usize| self.images.is_none_or(|images| column >= images);
        let pictures = cells.clone().filter(|(column, cell)| may_be_there(*column) && is_picture_name(cell));
        let pictures: Vec<usize> = pictures.map(|(column, _)| column).collect();
        (cells.count() >= width && !pictures.is_empty()).then_some(pictures)
    }
}

/// Returns the error of a record with too many cells.
pub(super) fn too_wide(records: &Records) -> Misshapen {
    let message = format!("there are more than {MAX_CELLS} cells here, which is more than any spreadsheet has");
    let hint = "remove the separators of empty cells".to_owned();
    Misshapen { span: 0..records.raw().len(), message, hint }
}

/// Returns the error of a misplaced quote.
pub(super) fn faulty(fault: &Fault, raw: &str) -> Misshapen {
    let lines = |text: &str| text.lines().count().saturating_sub(1);
    match fault {
        Fault::Unclosed(open) => {
            let swallowed = match lines(&raw[*open..]) {
                0 => String::new(),
                1 => ", and includes the next line".to_owned(),
                more => format!(", and includes {more} more lines"),
            };
            let message = format!("the quote that opens here is never closed{swallowed}");
            Misshapen { span: *open..*open + 1, message, hint: UNCLOSED_HINT.to_owned() }
        }
        Fault::TextBehind { open, behind } => {
            let (text, hint) = (quoted(raw[behind.clone()].trim()), UNCLOSED_HINT.to_owned());
            match lines(&raw[*open..behind.end]) {
                0 => {
                    let message = format!("{text} follows the quote that closes the cell");
                    Misshapen { span: behind.clone(), message, hint }
                }
                lines => {
                    let lines = counted(lines as u64, "line");
                    let message = format!("the quote that opens here is closed {lines} further down, before {text}");
                    Misshapen { span: *open..*open + 1, message, hint }
                }
            }
        }
        Fault::SpaceBefore(span) => Misshapen {
            span: span.clone(),
            message: "a quote after a space does not quote".to_owned(),
            hint: "remove the space between the separator and the quote".to_owned(),
        },
    }
}
