use std::io::{self, Write};
use std::path::PathBuf;

use tempfile::NamedTempFile;

use crate::files::draft_in;

/// The maximum length in bytes of a picture that is kept in memory while it is received.
const MAX_IN_MEMORY: usize = 256 << 10;

/// A picture that is being received: in memory as long as it is small, then in a temporary file.
#[derive(Debug)]
pub(super) struct Incoming {
    folder: PathBuf,
    received: Received,
}

/// The received bytes of a picture.
#[derive(Debug)]
pub(super) enum Received {
    /// A small picture.
    InMemory(Vec<u8>),
    /// A larger picture.
    InFile(NamedTempFile),
}

impl Incoming {
    /// Returns an empty picture. If it needs a temporary file, it is created in `folder`.
    pub(super) fn into_folder(folder: PathBuf) -> Incoming {
        Incoming { folder, received: Received::InMemory(Vec::new()) }
    }

    /// Returns the received bytes.
    pub(super) fn received(self) -> Received {
        self.received
    }
}

impl Write for Incoming {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        match &mut self.received {
            Received::InFile(file) => file.write(chunk),
            Received::InMemory(bytes) if bytes.len() + chunk.len() <= MAX_IN_MEMORY => bytes.write(chunk),
            Received::InMemory(bytes) => {
                let mut file = draft_in(&self.folder)?;
                file.write_all(bytes)?;
                let written = file.write(chunk)?;
                self.received = Received::InFile(file);
                Ok(written)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_any_size_are_complete_and_only_large_ones_use_a_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        for (length, files) in [(0, 0), (MAX_IN_MEMORY, 0), (MAX_IN_MEMORY + 1, 1), (3 * MAX_IN_MEMORY, 1)] {
            let sent: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
            let mut incoming = Incoming::into_folder(folder.path().to_owned());
            sent.chunks(60_000).for_each(|chunk| incoming.write_all(chunk).unwrap());
            let drafts = crate::files::drafts_in(folder.path()).unwrap();
            assert_eq!((drafts.len(), std::fs::read_dir(folder.path()).unwrap().count()), (files, files));
            let received = match incoming.received() {
                Received::InMemory(bytes) => bytes,
                Received::InFile(file) => std::fs::read(file.path()).unwrap(),
            };
            assert!(received == sent, "{length} bytes");
        }
    }
}
