use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::files;

/// A source of bytes with random access. A log is read sequentially, and single lines of it may be read again later.
pub trait ReadAt: Debug + Send + Sync {
    /// Reads bytes from `offset` into `buffer`. Returns their number, which is 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        files::read_at(self, buffer, offset)
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Arc<T> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        T::read_at(self, buffer, offset)
    }
}

/// The first bytes of one source, followed by the rest of another.
#[derive(Clone, Debug)]
pub struct Chained {
    /// The first source.
    pub first: Arc<dyn ReadAt>,
    /// The length of its part, in bytes.
    pub length: u64,
    /// The second source.
    pub then: Arc<dyn ReadAt>,
    /// The offset in the second source at which its part begins.
    pub from: u64,
}

impl ReadAt for Chained {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let remaining = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        if remaining == 0 {
            return self.then.read_at(buffer, offset - self.length + self.from);
        }
        let max_length = buffer.len().min(remaining);
        self.first.read_at(&mut buffer[..max_length], offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chained_sources_read_as_one() {
        let bytes = |text: &str| Arc::new(text.as_bytes().to_vec()) as Arc<dyn ReadAt>;
        let chained = Chained { first: bytes("one two and more"), length: 7, then: bytes("no three"), from: 2 };
        let read = |offset, max_length| {
            let mut buffer = vec![0; max_length];
            let length = chained.read_at(&mut buffer, offset).unwrap();
            String::from_utf8(buffer[..length].to_vec()).unwrap()
        };
        assert_eq!([read(0, 3), read(4, 9), read(7, 9), read(9, 3), read(13, 3)], ["one", "two", " three", "hre", ""]);
    }
}
