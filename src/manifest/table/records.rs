use std::io::{self, Read};
use std::ops::Range;

use csv_core::ReadRecordResult;
use memchr::{memchr, memchr2_iter};

/// The longest record that is read, in bytes: beyond it, a quote was never closed.
const LONGEST: usize = 128 << 20;

/// Reads the records of a table one after the other, each with its raw text and its line.
///
/// The grammar is that of the csv crates. What they do not tell is where a record begins behind blank lines, and what
/// it looks like in the file; so the buffer is kept here, and holds the raw text until the next record is read.
pub(super) struct Records<R> {
    input: R,
    core: csv_core::Reader,
    buffer: Vec<u8>,
    /// What of the buffer was read from the input and not parsed yet.
    unread: Range<usize>,
    /// Where the record stands in the buffer.
    raw: Range<usize>,
    /// The cells without their quotes, one behind the other, and where each ends.
    text: String,
    cells: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
    /// The line where the record begins, and the one where the next byte stands.
    line: u64,
    next_line: u64,
    /// Whether the last byte was a carriage return, whose line feed is the same break.
    after_return: bool,
}

impl<R: Read> Records<R> {
    pub(super) fn new(input: R, delimiter: u8) -> Records<R> {
        Records {
            input,
            core: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            buffer: vec![0; 1 << 17],
            unread: 0..0,
            raw: 0..0,
            text: String::new(),
            cells: vec![0; 1 << 10],
            ends: vec![0; 64],
            count: 0,
            line: 1,
            next_line: 1,
            after_return: false,
        }
    }

    /// Goes to the next record that is not blank; false at the end.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        while self.skip_breaks()? {
            self.line = self.next_line;
            self.read()?;
            if self.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The line where the record begins, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The record as it stands in the file, without the end of its line.
    pub(super) fn raw(&self) -> &[u8] {
        let raw = &self.buffer[self.raw.clone()];
        let end = raw.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
        &raw[..end]
    }

    /// Whether there is a quote anywhere in it.
    pub(super) fn has_quotes(&self) -> bool {
        memchr(b'"', &self.buffer[self.raw.clone()]).is_some()
    }

    /// How many cells it has.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Its cells.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends[..self.count]).map(|(start, end)| self.text.get(start..*end).unwrap_or_default())
    }

    /// Passes the ends of lines before the next record; false at the end of the input.
    fn skip_breaks(&mut self) -> io::Result<bool> {
        loop {
            if self.unread.is_empty() && !self.fill(self.unread.start)? {
                return Ok(false);
            }
            match self.buffer[self.unread.start] {
                b'\n' if self.after_return => self.after_return = false,
                b'\n' => self.next_line += 1,
                b'\r' => {
                    self.next_line += 1;
                    self.after_return = true;
                }
                _ => return Ok(true),
            }
            self.unread.start += 1;
        }
    }

    /// Reads one record, which begins at the first unread byte.
    fn read(&mut self) -> io::Result<()> {
        let mut start = self.unread.start;
        let (mut written, mut ends, mut is_over) = (0, 0, false);
        loop {
            let input = if is_over { &[] } else { &self.buffer[self.unread.clone()] };
            let (result, read, wrote, ended) =
                self.core.read_record(input, &mut self.cells[written..], &mut self.ends[ends..]);
            self.unread.start += read;
            (written, ends) = (written + wrote, ends + ended);
            match result {
                ReadRecordResult::InputEmpty => {
                    is_over = !self.fill(start)?;
                    start = 0;
                }
                ReadRecordResult::OutputFull => self.cells.resize(self.cells.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        self.raw = start..self.unread.start;
        self.count = ends;
        self.text.clear();
        let changed = || io::Error::other("it is no longer UTF-8: the file was changed while it was read");
        self.text.push_str(std::str::from_utf8(&self.cells[..written]).map_err(|_| changed())?);
        let raw = &self.buffer[self.raw.clone()];
        for at in memchr2_iter(b'\n', b'\r', raw) {
            let is_second = raw[at] == b'\n' && at > 0 && raw[at - 1] == b'\r';
            self.next_line += u64::from(!is_second);
        }
        self.after_return = raw.ends_with(b"\r");
        Ok(())
    }

    /// Reads more behind the bytes from `keep` on, which move to the front of the buffer; false at the end of the input.
    fn fill(&mut self, keep: usize) -> io::Result<bool> {
        let end = self.unread.end;
        self.buffer.copy_within(keep..end, 0);
        self.unread = self.unread.start - keep..end - keep;
        if self.unread.end == self.buffer.len() {
            if self.buffer.len() >= LONGEST {
                let error = format!("the record on line {} is over 128 MiB: is a quote never closed?", self.line);
                return Err(io::Error::other(error));
            }
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = loop {
            match self.input.read(&mut self.buffer[self.unread.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.unread.end += read;
        Ok(read > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time, so that every record is read across the ends of what was read.
    struct Slow<'t>(&'t [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn all(text: &str) -> Vec<(u64, String, Vec<String>)> {
        let mut records = Records::new(Slow(text.as_bytes()), b',');
        let mut found = Vec::new();
        while records.advance().unwrap() {
            let raw = String::from_utf8(records.raw().to_vec()).unwrap();
            found.push((records.line(), raw, records.iter().map(str::to_owned).collect()));
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
