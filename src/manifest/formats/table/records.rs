use std::ops::Range;

use crate::manifest::reading::blocks::{Block, Start, breaks};
use crate::manifest::reading::source::Passage;
use crate::manifest::whitespace::trim;

use super::cells::{Cell, Fault, MAX_CELLS, Scanned, fault, scan};

/// Reads the records of a block one after the other, each with its raw text and its line.
#[derive(Debug, Default)]
pub(in crate::manifest) struct Records {
    block: Block,
    delimiter: u8,
    /// Where the next record begins, or the end of a blank line before it, and its line.
    at: usize,
    next_line: u64,
    /// Where the record stands in the block, without the end of its line.
    raw: Range<usize>,
    line: u64,
    cells: Vec<Cell>,
    may_be_faulty: bool,
    /// Whether one of the cells may continue on another line.
    has_breaks: bool,
    /// The texts of cells that do not stand in the block as they are.
    anew: String,
}

impl Records {
    pub(in crate::manifest) fn new(block: Block, delimiter: u8) -> Records {
        let mut records = Records { block, delimiter, ..Records::default() };
        records.rewind();
        records
    }

    /// Goes back before the first record.
    pub(super) fn rewind(&mut self) {
        (self.at, self.next_line) = (0, self.block.line);
    }

    /// The record's text in the file.
    pub(super) fn passage(&self) -> Passage<'_> {
        Passage { text: self.raw(), first_line: self.line }
    }

    /// Goes to the next record that is not blank; false at the end.
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

    /// The line where the record begins, from 1.
    pub(in crate::manifest) fn line(&self) -> u64 {
        self.line
    }

    /// The record as written, without the end of its line.
    pub(in crate::manifest) fn raw(&self) -> &str {
        &self.block.text[self.raw.clone()]
    }

    /// Where the next record begins, or blank lines before it.
    pub(super) fn next(&self) -> Start {
        Start { offset: self.block.offset + self.at as u64, line: self.next_line }
    }

    /// The first quote of the record that does not do what it was put there for.
    pub(super) fn fault(&self) -> Option<Fault> {
        if self.may_be_faulty { fault(self.raw(), self.delimiter, &self.cells) } else { None }
    }

    /// How many cells the record has.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether it has more cells than are read.
    pub(super) fn has_too_many_cells(&self) -> bool {
        self.cells.len() > MAX_CELLS
    }

    /// Its cells, by their places.
    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Whether it is the last one of the text and its line has no end.
    pub(super) fn has_no_end(&self) -> bool {
        self.at == self.block.text.len() && !self.block.text.ends_with(['\n', '\r'])
    }

    /// Whether one of its cells may continue on another line.
    pub(super) fn has_breaks(&self) -> bool {
        self.has_breaks
    }

    /// A cell of the record, by its number.
    pub(super) fn cell(&self, number: usize) -> Option<&Cell> {
        self.cells.get(number)
    }

    /// The text of each cell, by its number.
    pub(super) fn texts<'r>(&'r self) -> impl Fn(usize) -> Option<&'r str> {
        let text = &self.block.text[self.raw.start..];
        move |number| Some(self.cells.get(number)?.text(text, &self.anew))
    }

    /// The texts of its cells.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let text = &self.block.text[self.raw.start..];
        self.cells.iter().map(move |cell| cell.text(text, &self.anew))
    }

    /// Passes the ends of lines before the next record; false at the end of the block.
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
    fn a_record_knows_its_line_whatever_ends_the_lines() {
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
    fn a_record_without_visible_effect_is_not_written() {
        let found = all("id,note\n\u{a0},,\n\u{200b},\u{200b}\n\u{a0}a,\n");
        assert_eq!(found.iter().map(|(line, ..)| *line).collect::<Vec<_>>(), [1, 4]);
    }

    proptest::proptest! {
        #[test]
        fn the_cells_are_those_of_the_csv_crate(text in "(a|é|,|\"|\n|\r|\r\n| ){0,60}") {
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
