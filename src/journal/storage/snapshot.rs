//! A cache of the aggregated state of a journal, so that the next reader does not have to read all of it again.
//!
//! A snapshot is valid only while the journal begins with the bytes that it was made from. Without one, the journal is
//! read from its beginning.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::sync::Arc;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use crate::append_log::ReadAt;
use crate::job::ContentHash;
use crate::journal::ledger::Ledger;

use super::replay::Replayed;

/// The version of the format. A snapshot of another version is not used.
const FORMAT: u32 = 5;

/// The size of the chunks in which a journal is hashed, in bytes.
const PIECE: u64 = 1 << 20;

/// The header of a snapshot: its format, and the identity of its journal.
#[derive(Serialize, Deserialize)]
struct SnapshotHead {
    format: u32,
    length: u64,
    records: u64,
    journal: ContentHash,
}

/// Writes a snapshot of the part of `journal` that was replayed. It ends with the hash of the preceding bytes.
///
/// # Errors
///
/// The journal cannot be read again, or `out` cannot be written.
pub fn write_snapshot(replayed: &Replayed, journal: &dyn ReadAt, out: impl Write) -> io::Result<()> {
    let Replayed { ledger, records, length, .. } = replayed;
    let hashed = HashingStream { inner: out, hasher: blake3::Hasher::new() };
    let mut out = BufWriter::with_capacity(1 << 17, hashed);
    let head = SnapshotHead { format: FORMAT, length: *length, records: *records, journal: hash(journal, *length)? };
    serde_json::to_writer(&mut out, &head)?;
    out.write_all(b"\n")?;
    ledger.write(&mut out)?;
    let HashingStream { mut inner, hasher } = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    inner.write_all(hasher.finalize().as_bytes())?;
    inner.flush()
}

/// Reads a snapshot of `bytes` bytes, and checks that it belongs to `journal`.
///
/// # Errors
///
/// The snapshot cannot be read, is damaged, or belongs to another journal.
pub fn read_snapshot(input: impl Read + Send, bytes: u64, journal: &Arc<dyn ReadAt>) -> io::Result<Replayed> {
    let hashed = HashingStream { inner: input, hasher: blake3::Hasher::new() };
    let mut content = BufReader::with_capacity(1 << 17, hashed.take(bytes.saturating_sub(blake3::OUT_LEN as u64)));
    let mut line = Vec::new();
    content.read_until(b'\n', &mut line)?;
    let SnapshotHead { format, length, records, journal: made_of } = serde_json::from_slice(&line)?;
    if format != FORMAT {
        return Err(invalid("it is another program's"));
    }
    let (found, ledger) = rayon::join(|| hash(journal, length), || Ledger::read(&mut content, Arc::clone(journal)));
    if found? != made_of {
        return Err(invalid("the journal is not the one that it was made of"));
    }
    let ledger = ledger?;
    io::copy(&mut content, &mut io::sink())?;
    let HashingStream { mut inner, hasher } = content.into_inner().into_inner();
    let mut stored_hash = [0; blake3::OUT_LEN];
    inner.read_exact(&mut stored_hash)?;
    if hasher.finalize() != stored_hash {
        return Err(invalid("it is not what was written"));
    }
    Ok(Replayed { ledger, records, length, torn: 0 })
}

/// Returns the hash of the first `length` bytes of a journal: the hash of the hashes of its chunks, computed on all
/// cores.
fn hash(journal: &dyn ReadAt, length: u64) -> io::Result<ContentHash> {
    let piece = |buffer: &mut Vec<u8>, number: u64| {
        let from = number * PIECE;
        buffer.resize((length - from).min(PIECE) as usize, 0);
        let mut filled = 0;
        while filled < buffer.len() {
            match journal.read_at(&mut buffer[filled..], from + filled as u64) {
                Ok(0) => return Err(invalid("the journal is shorter than it was")),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(*blake3::hash(buffer).as_bytes())
    };
    let pieces = (0..length.div_ceil(PIECE)).into_par_iter().map_init(Vec::new, piece);
    Ok(ContentHash::of(pieces.collect::<io::Result<Vec<_>>>()?.as_flattened()))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// A reader or writer that hashes all bytes that pass through it.
struct HashingStream<T> {
    inner: T,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for HashingStream<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for HashingStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::replay::tests::{continue_replay, replayed_keeping};
    use super::*;
    use crate::job::JobId;
    use crate::journal::assert_same_state;
    use crate::journal::random_journal::{choices, random_journal};

    proptest! {
        /// This holds for any history before and after the snapshot, and any number of archived jobs.
        #[test]
        fn a_snapshot_and_the_lines_after_it_replay_to_the_state_of_all_lines(
            before in choices(), after in choices(), recent in 0..5usize,
        ) {
            let (_, lines) = random_journal(&before);
            let (_, whole) = random_journal(&[before, after].concat());
            let replayed = replayed_keeping(lines.clone(), recent).unwrap();
            let mut snapshot = Vec::new();
            write_snapshot(&replayed, &lines, &mut snapshot).unwrap();
            let journal: Arc<dyn ReadAt> = Arc::new(whole.clone());
            let read = read_snapshot(&snapshot[..], snapshot.len() as u64, &journal).unwrap();
            assert_same_state(&read.ledger, &replayed.ledger);
            prop_assert_eq!((read.records, read.length), (replayed.records, replayed.length));
            let mut resumed = continue_replay(&journal, read, recent).unwrap().ledger;
            let mut at_once = replayed_keeping(whole, recent).unwrap().ledger;
            for ledger in [&mut resumed, &mut at_once] {
                for job in ["a", "b", "größe", "d-2"] {
                    ledger.load(&JobId::new(job).unwrap()).unwrap();
                }
            }
            assert_same_state(&resumed, &at_once);
        }
    }
}
