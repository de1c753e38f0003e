use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use crate::files;

/// A reader of a text from any offset on, independent of other readers.
#[derive(Debug)]
pub(in crate::manifest) struct Text {
    file: Arc<File>,
    offset: u64,
}

impl Text {
    /// Creates a reader of `file` from byte `offset` on.
    pub(in crate::manifest) fn of(file: &Arc<File>, offset: u64) -> Text {
        Text { file: Arc::clone(file), offset }
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = files::read_at(&self.file, buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// Reads until `buffer` is full or the input ends. Returns the number of bytes that were read.
pub(in crate::manifest) fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    loop {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => return Ok(filled),
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
