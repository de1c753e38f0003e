use std::ops::Range;

use crate::manifest::reading::blocks::{Block, Start, breaks};
use crate::manifest::reading::source::Passage;
use crate::manifest::whitespace::trim;

use super::cells::{Cell, Fault, MAX_CELLS, Scanned, fault, scan};

/// A reader of the records of a block, which provides the raw text and the line of each.
#[derive(Debug, Default)]
pub(in crate::manifest) struct Records {
    block: Block,
    delimiter: u8,
    /// The offset and the line of the next record, or of a blank line before it.
    at: usize,
    next_line: u64,
    /// The span of the record in the block, without its line break.
    raw: Range<usize>,
    line: u64,
    cells: Vec<Cell>,
    may_be_faulty: bool,
    /// Whether a cell may contain line breaks.
    has_breaks: bool,
    /// The texts of cells that differ from the block.
    anew: String,
}

impl Records {
    pub(in crate::manifest) fn new(block: Block, delimiter: u8) -> Records {
        let mut records = Records { block, delimiter, ..Records::default() };
        records.rewind();
        records
    }

    /// Moves back before the first record.
    pub(super) fn rewind(&mut self) {
        (self.at, self.next_line) = (0, self.block.line);
    }

    /// Returns the record's text and line.
    pub(super) fn passage(&self) -> Passage<'_> {
        Passage { text: self.raw(), first_line: self.line }
    }

    /// Advances to the next record that is not blank. Returns false at the end.
    pub(in crate::manifest) fn advance(&mut self) -> bool {
        while self.skip_breaks() {
            self.line = self.next_line;
            self.read();
            if self.has_too_many_cells() || self.iter().any(|cell| !trim(cell).is_empty()) {
                return true;
            }
        }
        false
    }

    /// Returns the line where the record starts, from 1.
    pub(in crate::manifest) fn line(&self) -> u64 {
        self.line
    }

    /// Returns the record as written, without its line break.
    pub(in crate::manifest) fn raw(&self) -> &str {
        &self.block.text[self.raw.clone()]
    }

    /// Returns the start of the next record, or of blank lines before it.
    pub(super) fn next(&self) -> Start {
        Start { offset: self.block.offset + self.at as u64, line: self.next_line }
    }

    /// Returns the first misplaced quote of the record.
    pub(super) fn fault(&self) -> Option<Fault> {
        if self.may_be_faulty { fault(self.raw(), self.delimiter, &self.cells) } else { None }
    }

    /// Returns the number of cells in the record.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether the record has more than [`MAX_CELLS`] cells.
    pub(super) fn has_too_many_cells(&self) -> bool {
        self.cells.len() > MAX_CELLS
    }

    /// Returns the cells of the record, with their spans.
    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Whether the record is the last one of the text and has no line break.
    pub(super) fn has_no_end(&self) -> bool {
        self.at == self.block.text.len() && !self.block.text.ends_with(['\n', '\r'])
    }

    /// Whether a cell of the record may contain line breaks.
    pub(super) fn has_breaks(&self) -> bool {
        self.has_breaks
    }

    /// Returns cell `number` of the record.
    pub(super) fn cell(&self, number: usize) -> Option<&Cell> {
        self.cells.get(number)
    }

    /// Returns a function that returns the text of a cell by its number.
    pub(super) fn texts<'r>(&'r self) -> impl Fn(usize) -> Option<&'r str> {
        let text = &self.block.text[self.raw.start..];
        move |number| Some(self.cells.get(number)?.text(text, &self.anew))
    }

    /// Returns the texts of the record's cells.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let text = &self.block.text[self.raw.start..];
        self.cells.iter().map(move |cell| cell.text(text, &self.anew))
    }

    /// Skips line breaks before the next record. Returns false at the end of the block.
    fn skip_breaks(&mut self) -> bool {
        let text = self.block.text.as_bytes();
        while let Some(byte @ (b'\n' | b'\r')) = text.get(self.at) {
            let is_first_of_two = *byte == b'\r' && text.get(self.at + 1) == Some(&b'\n');
            self.at += if is_first_of_two { 2 } else { 1 };
            self.next_line += 1;
        }
        self.at < text.len()
    }

    /// Reads one record.
    fn read(&mut self) {
        self.cells.clear();
        self.anew.clear();
        let text = &self.block.text[self.at..];
        let scanned = scan(text, self.delimiter, &mut self.cells, &mut self.anew);
        let Scanned { end, may_be_faulty, has_breaks } = scanned;
        (self.may_be_faulty, self.has_breaks) = (may_be_faulty, has_breaks);
        self.next_line += if has_breaks || end == text.len() { breaks(&text[..end]) } else { 1 };
        let is_text = |byte: &u8| !matches!(byte, b'\n' | b'\r');
        let length = text.as_bytes()[..end].iter().rposition(is_text).map_or(0, |last| last + 1);
        self.raw = self.at..self.at + length;
        self.at += end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(u64, String, Vec<String>)> {
        let mut records = Records::new(Block::of(text), b',');
        let mut found = Vec::new();
        while records.advance() {
            found.push((records.line(), records.raw().to_owned(), records.iter().map(str::to_owned).collect()));
        }
        found
    }

    #[test]
    fn records_have_the_right_line_for_every_kind_of_line_break() {
        let text = "\n\nid,note\na,\"two\n\nlines\"\n\n,\nb,\"say \"\"yes\"\"\"\nc,";
        for (name, end) in [("unix", "\n"), ("windows", "\r\n"), ("old macintosh", "\r")] {
            let found = all(&text.replace('\n', end));
            let lines: Vec<u64> = found.iter().map(|(line, ..)| *line).collect();
            assert_eq!(lines, [3, 4, 9, 10], "{name}");
            assert_eq!(found[1].2, ["a".to_owned(), format!("two{end}{end}lines")], "{name}");
            assert_eq!(found[2].1, "b,\"say \"\"yes\"\"\"", "{name}");
            assert_eq!(found[3].2, ["c", ""], "{name}");
        }
    }

    #[test]
    fn records_of_invisible_characters_are_skipped() {
        let found = all("id,note\n\u{a0},,\n\u{200b},\u{200b}\n\u{a0}a,\n");
        assert_eq!(found.iter().map(|(line, ..)| *line).collect::<Vec<_>>(), [1, 4]);
    }

    proptest::proptest! {
        #[test]
        fn cells_match_the_csv_crate(text in "(a|é|,|\"|\n|\r|\r\n| ){0,60}") {
            let mut reader = csv::ReaderBuilder::new();
            let mut reader = reader.has_headers(false).flexible(true).from_reader(text.as_bytes());
            let theirs: Vec<Vec<String>> = reader
                .records()
                .map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
                .filter(|cells| cells.iter().any(|cell| !cell.trim_ascii().is_empty()))
                .collect();
            let ours: Vec<Vec<String>> = all(&text).into_iter().map(|(_, _, cells)| cells).collect();
            proptest::prop_assert_eq!(ours, theirs);
        }
    }
}
