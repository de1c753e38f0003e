//! The cells of a record as they stand in the file, quotes and all.

use std::ops::Range;

use memchr::{memchr, memchr3};

/// Where a cell stands in the raw text of its record.
pub(super) struct RawCell {
    pub(super) span: Range<usize>,
    is_quoted: bool,
}

/// A quote that does not do what it was put there for, by its place in the raw text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It opens a cell that nothing closes.
    Unclosed(usize),
    /// The cell that opens at `open` is closed before `behind`, where more text follows.
    TextBehind { open: usize, behind: Range<usize> },
    /// A space stands before it, so that it does not quote.
    SpaceBefore(Range<usize>),
}

impl RawCell {
    /// The place of bytes `part` of the cell's text.
    pub(super) fn part(&self, raw: &str, part: &Range<usize>) -> Range<usize> {
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

/// The cells of one record, and the first fault of a quote.
pub(super) fn raw_cells(raw: &[u8], delimiter: u8) -> (Vec<RawCell>, Option<Fault>) {
    let (mut cells, mut fault) = (Vec::new(), None);
    walk(raw, delimiter, |cell, found| {
        cells.push(cell);
        fault = fault.take().or(found);
    });
    (cells, fault)
}

/// The first fault of a quote.
pub(super) fn fault(raw: &[u8], delimiter: u8) -> Option<Fault> {
    let mut fault = None;
    walk(raw, delimiter, |_, found| fault = fault.take().or(found));
    fault
}

fn walk(raw: &[u8], delimiter: u8, mut each: impl FnMut(RawCell, Option<Fault>)) {
    let mut at = 0;
    loop {
        let start = at;
        let is_quoted = raw.get(at) == Some(&b'"');
        let mut fault = None;
        if is_quoted {
            match closing(raw, at + 1) {
                Some(close) => at = close + 1,
                None => (at, fault) = (raw.len(), Some(Fault::Unclosed(start))),
            }
        }
        let behind = at;
        at += memchr3(delimiter, b'\n', b'\r', &raw[at..]).unwrap_or(raw.len() - at);
        if is_quoted && behind < at {
            let end = raw[behind..at].iter().rposition(|byte| *byte != b' ').map_or(behind, |last| behind + last + 1);
            if end > behind {
                fault = Some(Fault::TextBehind { open: start, behind: behind..end });
            }
        } else if !is_quoted {
            let cell = raw[start..at].trim_ascii();
            if cell.len() > 1 && raw[start] == b' ' && cell.starts_with(b"\"") {
                // A quoted text that holds a separator is closed in a later cell.
                let is_closed = cell.ends_with(b"\"")
                    || raw.ends_with(b"\"")
                    || raw[at..].windows(2).any(|pair| pair == [b'"', delimiter]);
                fault = is_closed.then_some(Fault::SpaceBefore(start..at));
            }
        }
        each(RawCell { span: start..at, is_quoted }, fault);
        if raw.get(at) != Some(&delimiter) {
            return;
        }
        at += 1;
    }
}

/// The quote that closes a cell whose text begins at `from`: two in a row stand for one.
fn closing(raw: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let at = from + memchr(b'"', raw.get(from..)?)?;
        if raw.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        from = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_that_does_not_quote_is_found() {
        let fault = |raw: &str| fault(raw.as_bytes(), b',');
        for good in ["a,\"b \"\"c\"\", d\",e", "a,5\" mug,b", "\"a\" ,b", "\"\"", ",,", "", "\"a\nb\",c", " b, c"] {
            assert_eq!(fault(good), None, "{good}");
        }
        assert_eq!(fault("a,\"b,c\nd"), Some(Fault::Unclosed(2)));
        assert_eq!(fault("a,\"b,c\nd,\"e\",f"), Some(Fault::TextBehind { open: 2, behind: 10..12 }));
        assert_eq!(fault("a, \"b\",c"), Some(Fault::SpaceBefore(2..6)));
        assert_eq!(fault("a, \"b, c\",d"), Some(Fault::SpaceBefore(2..5)));
    }

    #[test]
    fn a_part_of_a_quoted_cell_is_found_behind_doubled_quotes() {
        let raw = "a,\"x\"\"|b\",c";
        let (cells, _) = raw_cells(raw.as_bytes(), b',');
        assert_eq!(&raw[cells[1].part(raw, &(3..4))], "b");
        assert_eq!(&raw[cells[2].span.clone()], "c");
    }
}
