//! Splits a text into blocks of whole rows, so that several blocks can be read in parallel.

use std::io::{self, Read};
use std::sync::{Arc, Mutex};

use crate::sync::locked;

use memchr::{memchr_iter, memrchr, memrchr_iter};

use super::quotes::last_record_end;
use super::text::fill;

/// The maximum length of a row, in bytes. A longer row indicates a quote that is never closed.
const MAX_BLOCK: usize = 128 << 20;

/// The size of a block of short rows, in bytes.
const BLOCK_BYTES: usize = 1 << 17;

/// A part of a text that consists of whole rows.
#[derive(Debug, Default)]
pub(in crate::manifest) struct Block {
    pub(in crate::manifest) text: String,
    /// The offset of the block in the text, in bytes.
    pub(in crate::manifest) offset: u64,
    /// The line where the block starts, from 1.
    pub(in crate::manifest) line: u64,
    /// The pool that the buffer of the block returns to.
    pool: BufferPool,
}

/// A pool of buffers for blocks. A new buffer would cost a page fault for each of its pages.
#[derive(Clone, Debug, Default)]
struct BufferPool(Arc<Mutex<Vec<Vec<u8>>>>);

/// What ends a row.
#[derive(Clone, Copy, Debug)]
pub(in crate::manifest) enum Ends {
    /// A line feed.
    Lines,
    /// A line break that is not in quotes, with this delimiter between cells.
    Records(u8),
    /// The line break before a line that starts an entry of a YAML list, indented by this number of spaces.
    Entries(usize),
}

/// The start of the rows.
#[derive(Clone, Copy, Debug)]
pub(in crate::manifest) struct Start {
    /// The offset, in bytes of the text.
    pub(in crate::manifest) offset: u64,
    /// The line, from 1.
    pub(in crate::manifest) line: u64,
}

impl Start {
    /// The start of the text.
    pub(in crate::manifest) const TEXT: Start = Start { offset: 0, line: 1 };
}

/// An iterator over the blocks of a text.
pub(in crate::manifest) struct Blocks<R> {
    input: R,
    ends: Ends,
    next: Start,
    size: usize,
    /// The bytes that were read after the end of the last block.
    rest: Vec<u8>,
    is_over: bool,
    pool: BufferPool,
}

impl<R: Read> Blocks<R> {
    /// Creates an iterator over the blocks of `input`, which is positioned at `start`. The more `jobs` each row makes,
    /// the smaller the blocks are.
    pub(in crate::manifest) fn new(input: R, ends: Ends, start: Start, jobs: usize) -> Blocks<R> {
        Blocks::of_size(input, ends, start, (BLOCK_BYTES / jobs.max(1)).max(BLOCK_BYTES >> 6))
    }

    /// Creates an iterator over blocks of about `size` bytes, if rows are short.
    pub(in crate::manifest) fn of_size(input: R, ends: Ends, start: Start, size: usize) -> Blocks<R> {
        Blocks { input, ends, next: start, size, rest: Vec::new(), is_over: false, pool: BufferPool::default() }
    }

    fn read(&mut self) -> io::Result<Option<Block>> {
        let (mut bytes, mut filled) = (self.pool.take(), self.rest.len());
        bytes.resize(self.size.max(filled), 0);
        bytes[..filled].copy_from_slice(&self.rest);
        self.rest.clear();
        let end = loop {
            if !self.is_over && filled < bytes.len() {
                filled += fill(&mut self.input, &mut bytes[filled..])?;
                self.is_over = filled < bytes.len();
            }
            let read = &bytes[..filled];
            if self.is_over {
                // Old systems end a text with Ctrl-Z, and some pad its last sector.
                break filled - read.iter().rev().take_while(|byte| matches!(byte, 0 | 0x1A)).count();
            }
            if let Some(end) = self.ends.last(read) {
                break end;
            }
            if filled >= MAX_BLOCK {
                return Err(io::Error::other(self.ends.too_long(self.next.line)));
            }
            bytes.resize(filled * 2, 0);
        };
        if end == 0 {
            return Ok(None);
        }
        if !self.is_over {
            self.rest.extend_from_slice(&bytes[end..filled]);
        }
        bytes.truncate(end);
        let changed = |_| io::Error::other("it is no longer UTF-8: the file was changed while it was read");
        let text = String::from_utf8(bytes).map_err(changed)?;
        let Start { offset, line } = self.next;
        self.next = Start { offset: offset + end as u64, line: line + self.ends.breaks(&text) };
        Ok(Some(Block { text, offset, line, pool: self.pool.clone() }))
    }
}

impl<R: Read> Iterator for Blocks<R> {
    type Item = io::Result<Block>;

    fn next(&mut self) -> Option<io::Result<Block>> {
        let read = self.read();
        // After an error, nothing more can be read.
        self.is_over |= read.is_err();
        read.transpose()
    }
}

impl Block {
    /// Creates a block of this text, as if it were the whole file.
    #[cfg(test)]
    pub(in crate::manifest) fn of(text: &str) -> Block {
        Block { text: text.to_owned(), offset: 0, line: 1, pool: BufferPool::default() }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.pool.put(std::mem::take(&mut self.text).into_bytes());
    }
}

impl BufferPool {
    /// Returns a buffer for a block. It is empty or has old content.
    fn take(&self) -> Vec<u8> {
        locked(&self.0).pop().unwrap_or_default()
    }

    /// Keeps a buffer, unless it is larger than those of short rows.
    fn put(&self, memory: Vec<u8>) {
        if (1..=BLOCK_BYTES).contains(&memory.capacity()) {
            locked(&self.0).push(memory);
        }
    }
}

impl Ends {
    /// Returns the end of the last whole row in `text`, which starts with a row and may end inside one.
    pub(in crate::manifest) fn last(self, text: &[u8]) -> Option<usize> {
        match self {
            Ends::Lines => memrchr(b'\n', text).map(|at| at + 1),
            Ends::Records(delimiter) => last_record_end(text, delimiter),
            Ends::Entries(indent) => {
                let begins = |at: &usize| begins_entry(&text[*at..], indent);
                memrchr_iter(b'\n', text).map(|at| at + 1).find(begins)
            }
        }
    }

    fn breaks(self, text: &str) -> u64 {
        match self {
            Ends::Lines | Ends::Entries(_) => memchr_iter(b'\n', text.as_bytes()).count() as u64,
            Ends::Records(_) => breaks(text),
        }
    }

    fn too_long(self, line: u64) -> String {
        match self {
            Ends::Lines => format!("line {line} is over 128 MiB"),
            Ends::Entries(_) => format!("the entry on line {line} is over 128 MiB"),
            Ends::Records(_) => format!("the record on line {line} is over 128 MiB: is a quote never closed?"),
        }
    }
}

/// Whether a line starts an entry of a YAML list, indented by `indent` spaces.
pub(in crate::manifest) fn begins_entry(line: &[u8], indent: usize) -> bool {
    let dash = line.get(..indent).filter(|spaces| spaces.iter().all(|byte| *byte == b' ')).map(|_| &line[indent..]);
    matches!(dash, Some([b'-'] | [b'-', b' ' | b'\n', ..]))
}

/// Returns the number of line breaks in `text`. Each is a line feed, a carriage return, or both.
pub(in crate::manifest) fn breaks(text: &str) -> u64 {
    let text = text.as_bytes();
    let alone = memchr_iter(b'\r', text).filter(|at| text.get(at + 1) != Some(&b'\n')).count();
    (memchr_iter(b'\n', text).count() + alone) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A reader that returns few bytes at a time.
    struct Slow<'t>(&'t [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let (now, rest) = self.0.split_at(self.0.len().min(buffer.len()).min(3));
            buffer[..now.len()].copy_from_slice(now);
            self.0 = rest;
            Ok(now.len())
        }
    }

    fn blocks(text: &str, ends: Ends, size: usize) -> impl Iterator<Item = Block> {
        let blocks = Blocks { size, ..Blocks::new(Slow(text.as_bytes()), ends, Start::TEXT, 1) };
        blocks.map(Result::unwrap)
    }

    proptest! {
        #[test]
        fn rows_are_the_same_in_blocks_of_any_size(text in "(a|é|,|\"|\n|\r|\r\n| ){0,60}", size in 1usize..40) {
            let rows = |size: usize| {
                let mut rows = Vec::new();
                // Each block is dropped before the next one is read, which then reuses its buffer.
                for block in blocks(&text, Ends::Records(b','), size) {
                    let mut records = crate::manifest::formats::table::Records::new(block, b',');
                    while records.advance() {
                        rows.push((records.line(), records.raw().to_owned()));
                    }
                }
                rows
            };
            let small: Vec<Block> = blocks(&text, Ends::Records(b','), size).collect();
            let offsets: Vec<u64> = small.iter().map(|block| block.offset).collect();
            let lengths = small.iter().scan(0, |at, block| {
                *at += block.text.len() as u64;
                Some(*at - block.text.len() as u64)
            });
            prop_assert_eq!(offsets, lengths.collect::<Vec<_>>());
            prop_assert_eq!(rows(size), rows(1 << 10));
        }
    }
}
