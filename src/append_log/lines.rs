use std::io;
use std::ops::Range;

use super::read_at::ReadAt;

/// The size of a read in bytes.
const BLOCK: usize = 1 << 18;

/// Reads the lines of a log sequentially.
#[derive(Debug)]
pub(crate) struct Lines<'s> {
    source: &'s dyn ReadAt,
    buffer: Vec<u8>,
    unread: Range<usize>,
    offset: u64,
}

/// A line and its offset.
#[derive(Debug)]
pub(crate) struct Line<'b> {
    pub(crate) offset: u64,
    /// The line without its line feed.
    pub(crate) bytes: &'b [u8],
    /// Whether it ended with a line feed. Only the last line may lack it.
    pub(crate) is_whole: bool,
}

impl<'s> Lines<'s> {
    /// Reads `source` from the beginning, in blocks of `BLOCK` bytes.
    pub(crate) fn new(source: &'s dyn ReadAt) -> Lines<'s> {
        Lines::behind(source, 0)
    }

    /// Reads `source` from `offset`, which must be the beginning of a line.
    pub(crate) fn behind(source: &'s dyn ReadAt, offset: u64) -> Lines<'s> {
        Lines { source, buffer: vec![0; BLOCK], unread: 0..0, offset }
    }

    /// Reads the single line that begins at `offset`.
    pub(crate) fn one_at(source: &dyn ReadAt, offset: u64) -> io::Result<Vec<u8>> {
        let mut lines = Lines { source, buffer: vec![0; 1024], unread: 0..0, offset };
        match lines.next()? {
            Some(line) if line.is_whole => Ok(line.bytes.to_vec()),
            _ => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        }
    }

    /// Reads the next line; `None` at the end. Skips lines of white space, which editors add.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            let (length, is_whole) = self.find_end()?;
            if length == 0 && !is_whole {
                return Ok(None);
            }
            let (found, offset) = (self.unread.start..self.unread.start + length, self.offset);
            let taken = length + usize::from(is_whole);
            self.unread.start += taken;
            self.offset += taken as u64;
            if is_whole && self.buffer[found.clone()].trim_ascii().is_empty() {
                continue;
            }
            return Ok(Some(Line { offset, bytes: &self.buffer[found], is_whole }));
        }
    }

    /// Returns the offset of the first byte that was not returned or skipped.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads until the end of the next line. Returns its length without the line feed, and whether it has one.
    fn find_end(&mut self) -> io::Result<(usize, bool)> {
        let mut searched = 0;
        loop {
            let unread = &self.buffer[self.unread.clone()];
            if let Some(found) = memchr::memchr(b'\n', &unread[searched..]) {
                return Ok((searched + found, true));
            }
            searched = unread.len();
            if self.fill()? == 0 {
                return Ok((searched, false));
            }
        }
    }

    /// Moves the unread bytes to the front of the buffer and reads more after them. The buffer doubles if a line fills
    /// it.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        if self.unread.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = loop {
            let from = self.offset + self.unread.len() as u64;
            match self.source.read_at(&mut self.buffer[self.unread.end..], from) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.unread.end += read;
        Ok(read)
    }
}

/// Returns the number of the line at `offset`, from 1. Empty lines count, because editors count them.
pub(crate) fn line_number(source: &dyn ReadAt, offset: u64) -> io::Result<u64> {
    let (mut number, mut at, mut buffer) = (1, 0, vec![0; 1 << 16]);
    while at < offset {
        let wanted = buffer.len().min(usize::try_from(offset - at).unwrap_or(buffer.len()));
        let read = source.read_at(&mut buffer[..wanted], at)?;
        if read == 0 {
            break;
        }
        number += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
        at += read as u64;
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_complete_wherever_blocks_end() {
        let text = format!("a\n{}\n\nlast", "x".repeat(BLOCK + 7)).into_bytes();
        let mut lines = Lines::new(&text);
        let mut read = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            read.push((line.offset, line.bytes.len(), line.is_whole));
        }
        let long = BLOCK as u64 + 7;
        assert_eq!(read, [(0, 1, true), (2, BLOCK + 7, true), (4 + long, 4, false)], "an empty line is skipped");
        assert_eq!(Lines::one_at(&text, 2).unwrap().len(), BLOCK + 7);
        assert!(Lines::one_at(&text, 4 + long).is_err(), "a line without its end may be a part");
    }
}
