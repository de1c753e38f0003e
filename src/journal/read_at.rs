use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::files;

/// Bytes that are read from any place: a journal is read from its beginning, and single lines of it again later.
pub trait ReadAt: Debug + Send + Sync {
    /// Reads what there is from `offset` on into `buffer`; the answer is how many bytes came, and 0 at the end.
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
