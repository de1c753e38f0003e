//! The grammar of a record: its cells with their quotes, and the texts of these cells.
//!
//! It matches the csv crate, which does not report where a cell is.

use std::ops::Range;

use memchr::{memchr2, memchr3};

use crate::bytes::{first_index, matching_bytes};
use crate::manifest::reading::quotes::closing;

/// A cell, with its span in the raw text of its record.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) span: Range<usize>,
    text: CellText,
}

/// The location of a cell's text.
#[derive(Clone, Debug)]
enum CellText {
    /// The cell as written.
    Plain,
    /// The text between the quotes.
    Quoted,
    /// A span of the decoded texts, because the cell has quotes in its text, or text after the closing quote.
    Anew(Range<usize>),
}

/// A misplaced quote, by its offset in the raw text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The quote at this offset opens a cell that is never closed.
    Unclosed(usize),
    /// The cell that opens at `open` is closed, but the text at `behind` follows.
    TextBehind { open: usize, behind: Range<usize> },
    /// The cell in this span starts with a space, so its quotes do not count.
    SpaceBefore(Range<usize>),
}

/// The result of scanning a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scanned {
    /// The end of the record, including its line break.
    pub(super) end: usize,
    /// Whether one of the quotes may have a [`Fault`]. Most records are so plain that they cannot have any.
    pub(super) may_be_faulty: bool,
    /// Whether a cell may contain line breaks.
    pub(super) has_breaks: bool,
}

/// The maximum number of cells in a record. Spreadsheets do not have more.
pub(super) const MAX_CELLS: usize = 1 << 14;

/// Scans the record that `text` starts with. Appends its cells to `cells`, and those texts that differ from the file to
/// `anew`.
pub(super) fn scan(text: &str, delimiter: u8, cells: &mut Vec<Cell>, anew: &mut String) -> Scanned {
    let bytes = text.as_bytes();
    let mut scanned = Scanned { end: 0, may_be_faulty: false, has_breaks: false };
    let mut start = 0;
    loop {
        let cell = match bytes.get(start) {
            Some(b'"') => quoted(text, start, delimiter, anew, &mut scanned),
            first => {
                scanned.may_be_faulty |= first == Some(&b' ');
                Cell { span: start..start + end_of_plain(&bytes[start..], delimiter), text: CellText::Plain }
            }
        };
        let end = cell.span.end;
        if cells.len() <= MAX_CELLS {
            cells.push(cell);
        }
        scanned.end = match bytes.get(end) {
            Some(byte) if *byte == delimiter => {
                start = end + 1;
                continue;
            }
            Some(b'\r') if bytes.get(end + 1) == Some(&b'\n') => end + 2,
            Some(_) => end + 1,
            None => end,
        };
        return scanned;
    }
}

/// Scans the cell that starts with the quote at `start`, and updates the flags of `scanned`.
fn quoted(text: &str, start: usize, delimiter: u8, anew: &mut String, scanned: &mut Scanned) -> Cell {
    let bytes = text.as_bytes();
    let closed = closing(bytes, start + 1);
    scanned.has_breaks |= closed.as_ref().is_none_or(|close| close.is_behind_breaks);
    let (close, behind) = closed.as_ref().map_or((bytes.len(), bytes.len()), |close| (close.at, close.at + 1));
    let end = behind + end_of_plain(&bytes[behind..], delimiter);
    if end == behind && closed.is_some_and(|close| !close.is_behind_others) {
        return Cell { span: start..end, text: CellText::Quoted };
    }
    scanned.may_be_faulty = true;
    let from = anew.len();
    push_single(anew, &text[start + 1..close]);
    anew.push_str(&text[behind..end]);
    Cell { span: start..end, text: CellText::Anew(from..anew.len()) }
}

/// Returns the offset of the next delimiter or line break, or the end of the text. Most cells are so short that one of
/// the first eight-byte steps finds it, which is faster than a longer search.
fn end_of_plain(text: &[u8], delimiter: u8) -> usize {
    const FIRST_STEPS: usize = 2;
    for (step, eight) in text.as_chunks().0.iter().take(FIRST_STEPS).enumerate() {
        let ends = matching_bytes(*eight, delimiter) | matching_bytes(*eight, b'\n') | matching_bytes(*eight, b'\r');
        if let Some(end) = first_index(ends) {
            return step * 8 + end;
        }
    }
    let rest = text.get(8 * FIRST_STEPS..).map_or(0, |_| 8 * FIRST_STEPS);
    memchr3(delimiter, b'\n', b'\r', &text[rest..]).map_or(text.len(), |at| rest + at)
}

/// Appends `inside` with doubled quotes replaced by single ones.
fn push_single(text: &mut String, inside: &str) {
    let mut parts = inside.split("\"\"");
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        text.push('"');
        text.push_str(part);
    }
}

impl Cell {
    /// Returns the text, from the raw text of the record or from the decoded texts.
    #[inline]
    pub(super) fn text<'t>(&self, raw: &'t str, anew: &'t str) -> &'t str {
        match &self.text {
            CellText::Plain => &raw[self.span.clone()],
            CellText::Quoted => &raw[self.span.start + 1..self.span.end - 1],
            CellText::Anew(span) => &anew[span.clone()],
        }
    }

    pub(super) fn is_quoted(&self) -> bool {
        !matches!(self.text, CellText::Plain)
    }

    /// Whether the cell is quoted and contains line breaks.
    pub(super) fn has_breaks(&self, raw: &str) -> bool {
        self.is_quoted() && memchr2(b'\n', b'\r', &raw.as_bytes()[self.span.clone()]).is_some()
    }

    /// Returns the span in the raw text of the bytes `part` of the cell's text.
    pub(super) fn part(&self, raw: &str, part: &Range<usize>) -> Range<usize> {
        if !self.is_quoted() {
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

/// Returns the first misplaced quote in the record `raw`.
pub(super) fn fault(raw: &str, delimiter: u8, cells: &[Cell]) -> Option<Fault> {
    let bytes = raw.as_bytes();
    cells.iter().find_map(|cell| {
        let Range { start, end } = cell.span;
        match cell.text {
            CellText::Quoted => None,
            CellText::Anew(_) => {
                let Some(close) = closing(bytes, start + 1) else { return Some(Fault::Unclosed(start)) };
                let behind = close.at + 1;
                let end = behind + raw.get(behind..end)?.trim_end_matches(' ').len();
                (end > behind).then_some(Fault::TextBehind { open: start, behind: behind..end })
            }
            CellText::Plain => {
                if bytes.get(start) != Some(&b' ') {
                    return None;
                }
                let text = bytes[start..end].trim_ascii();
                if text.len() < 2 || !text.starts_with(b"\"") {
                    return None;
                }
                // A quoted text that contains a delimiter is closed in a later cell.
                let is_closed = text.ends_with(b"\"")
                    || raw.ends_with('"')
                    || bytes[end..].windows(2).any(|pair| pair == [b'"', delimiter]);
                is_closed.then_some(Fault::SpaceBefore(start..end))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(raw: &str) -> Vec<Cell> {
        let mut cells = Vec::new();
        scan(raw, b',', &mut cells, &mut String::new());
        cells
    }

    #[test]
    fn misplaced_quotes_are_found() {
        let fault = |raw: &str| fault(raw, b',', &cells(raw));
        for good in ["a,\"b \"\"c\"\", d\",e", "a,5\" mug,b", "\"a\" ,b", "\"\"", ",,", "", "\"a\nb\",c", " b, c"] {
            assert_eq!(fault(good), None, "{good}");
        }
        assert_eq!(fault("a,\"b,c\nd"), Some(Fault::Unclosed(2)));
        assert_eq!(fault("a,\"b,c\nd,\"e\",f"), Some(Fault::TextBehind { open: 2, behind: 10..12 }));
        assert_eq!(fault("a, \"b\",c"), Some(Fault::SpaceBefore(2..6)));
        assert_eq!(fault("a, \"b, c\",d"), Some(Fault::SpaceBefore(2..5)));
    }

    #[test]
    fn span_in_a_quoted_cell_accounts_for_doubled_quotes() {
        let raw = "a,\"x\"\"|b\",c";
        let cells = cells(raw);
        assert_eq!(&raw[cells[1].part(raw, &(3..4))], "b");
        assert_eq!(&raw[cells[2].span.clone()], "c");
    }
}
