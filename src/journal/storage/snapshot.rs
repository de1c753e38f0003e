//! A cache of the aggregated state of a journal, so that the next reader does not have to read all of it again.
//!
//! A snapshot is valid only while the journal begins with the bytes that it was made from. Without one, the journal is
//! read from its beginning.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::sync::Arc;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use crate::append_log::ReadAt;
use crate::job::ContentHash;
use crate::journal::ledger::Ledger;

use super::replay::Replayed;

/// The version of the format and of its meaning. A snapshot of another version is not used, and neither is one of another
/// release of the program, which may sum or classify the same records differently.
const FORMAT: u32 = 8;

/// The release of this program.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// The size of the chunks in which a journal is hashed, in bytes.
const PIECE: u64 = 1 << 20;

/// The header of a snapshot: its format, its program, and the identity of its journal.
#[derive(Serialize, Deserialize)]
struct SnapshotHead<'a> {
    format: u32,
    /// The release of the program that wrote it.
    program: Cow<'a, str>,
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
    let head = SnapshotHead {
        format: FORMAT,
        program: PROGRAM.into(),
        length: *length,
        records: *records,
        journal: hash(journal, *length)?,
    };
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
    let SnapshotHead { format, program, length, records, journal: made_of } = serde_json::from_slice(&line)?;
    if format != FORMAT || program != PROGRAM {
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
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::super::replay::tests::{continue_replay, replayed_keeping};
    use super::*;
    use crate::api::PredictionId;
    use crate::color::{Check, Hex, Tolerance, Verdict};
    use crate::job::{Cents, ErrorClass, JobId, Seed, StatusCounts, StopKind};
    use crate::journal::assert_same_state;
    use crate::journal::format::{
        Checked, Corrected, EditKey, LearnedLimits, PauseCause, Record, Redo, Reroll, RunEvent, RunStart, SavedFile,
        Step,
    };
    use crate::journal::random_journal::{choices, random_journal};

    /// Returns the lines of a journal with every kind of record but those of compaction. Its order is fixed: one job
    /// stays live, and one archived edit is too large for an entry.
    fn varied_journal() -> Vec<u8> {
        let key = |job: &str, number: u32| EditKey {
            job: JobId::new(job).unwrap(),
            fingerprint: format!("{number:032x}").parse().unwrap(),
        };
        let intent = |reroll| Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll };
        let accepted = |number: u32| Step::Accepted {
            prediction: PredictionId::new(&format!("p-{number}")).unwrap(),
            cost_cents: Cents(u64::from(number)),
            status_path: None,
        };
        let file = |name: &str| SavedFile {
            name: name.to_owned(),
            bytes: 5,
            blake3: ContentHash::of(b"x"),
            width: 1,
            height: 2,
        };
        let fetched = |names: &[&str]| Step::Fetched { files: names.iter().map(|name| file(name)).collect() };
        let near = Check { verdict: Verdict::Near, ..Check::unmeasurable(Hex([1, 2, 3]), "it is near") };
        let checked = Checked {
            wanted: vec![Hex([1, 2, 3])],
            tolerance: Tolerance::default(),
            check: near.clone(),
            uncorrected: None,
        };
        let message = || "it broke".to_owned();
        let start = RunStart {
            manifest: "catalog.csv".to_owned(),
            program: "0".to_owned(),
            jobs: StatusCounts { total: 5, pending: 5, ..StatusCounts::default() },
            ..RunStart::default()
        };
        let reroll = Some(Reroll { of: key("live", 6).fingerprint, seed: Seed::new(3).unwrap() });
        let mut records = vec![Record::Run(RunEvent::Run(start))];
        let steps = [
            (
                "corrected",
                1,
                vec![intent(None), accepted(9), Step::Generated { outputs: 1 }, fetched(&["corrected.png"])],
            ),
            ("corrected", 1, vec![Step::Completed, Step::Checked(Box::new(checked))]),
            (
                "corrected",
                1,
                vec![Step::Corrected(Box::new(Corrected { files: vec![file("corrected.png")], check: near }))],
            ),
            ("aside", 2, vec![intent(None), accepted(7), fetched(&["aside.jpg"]), Step::Completed, Step::SetAside]),
            (
                "moderated",
                3,
                vec![intent(None), accepted(7), Step::Failed { class: ErrorClass::Moderated, message: message() }],
            ),
            ("released", 4, vec![intent(None), Step::Uncertain { message: message(), taken: None }, Step::Released]),
            (
                "released",
                4,
                vec![intent(None), accepted(7), Step::Failed { class: ErrorClass::Rejected, message: message() }],
            ),
            ("two", 5, vec![intent(None), accepted(8), fetched(&["two.png", "two-2.png"]), Step::Completed]),
            ("uncertain", 8, vec![intent(None), Step::Uncertain { message: message(), taken: None }]),
            ("live", 6, vec![intent(None), Step::Refused { message: message() }, intent(None), accepted(7)]),
            ("live", 6, vec![fetched(&["live.png"]), Step::Completed]),
            ("live", 7, vec![intent(reroll), accepted(7)]),
        ];
        for (job, number, steps) in steps {
            records.extend(steps.into_iter().map(|step| Record::Edit(key(job, number), step)));
        }
        let cause = Some(PauseCause::RateLimited);
        let (reason, stop) = (Some(message()), Some(StopKind::Signal));
        let EditKey { job, fingerprint } = key("live", 6);
        let redo = Redo { job, fingerprint, instead_of: None, seed: Seed::new(4) };
        let learned = LearnedLimits { generation_ms: vec![1500, 2500], ..LearnedLimits::default() };
        records.extend(
            [
                RunEvent::Paused { milliseconds: 500, reason: message(), cause },
                RunEvent::Learned(learned),
                RunEvent::Redo { jobs: vec![redo] },
                RunEvent::Ended { reason, stop },
            ]
            .map(Record::Run),
        );
        let line = |(second, record): (i64, Record)| record.to_line(Timestamp::from_second(second).unwrap()).unwrap();
        (0..).zip(records).flat_map(line).collect()
    }

    #[test]
    fn a_snapshot_keeps_its_meaning_as_long_as_its_format() {
        let journal: Arc<dyn ReadAt> = Arc::new(varied_journal());
        let ledger = Ledger::with_key([7; 16], Arc::clone(&journal));
        let replayed = continue_replay(&journal, Replayed { ledger, ..Replayed::default() }, 0).unwrap();
        assert_eq!((replayed.ledger.live_edits().count(), replayed.ledger.archived_edits()), (2, 6));
        let mut written = Vec::new();
        replayed.ledger.write(&mut written).unwrap();
        let expected = "ffd1e04c0972004570ba7a36ebeb74b39470b65c66ced85cef3526352b87b5ec";
        assert_eq!(
            (FORMAT, ContentHash::of(&written).to_string().as_str()),
            (8, expected),
            "snapshots of the same journal differ from those of this format: raise FORMAT, and change both here"
        );
    }

    #[test]
    fn a_snapshot_of_another_release_or_format_is_not_used() {
        let journal: Arc<dyn ReadAt> = Arc::new(varied_journal());
        let replayed = continue_replay(&journal, Replayed::empty(&journal), 0).unwrap();
        let mut snapshot = Vec::new();
        write_snapshot(&replayed, &journal, &mut snapshot).unwrap();
        assert!(read_snapshot(&snapshot[..], snapshot.len() as u64, &journal).is_ok());
        let own = format!("{{\"format\":{FORMAT},\"program\":\"{PROGRAM}\"");
        assert!(snapshot.starts_with(own.as_bytes()));
        for other in [format!("{{\"format\":{FORMAT},\"program\":\"0.0.1\""), own.replace(&FORMAT.to_string(), "1")] {
            let content = [other.as_bytes(), &snapshot[own.len()..snapshot.len() - blake3::OUT_LEN]].concat();
            let other = [&content[..], blake3::hash(&content).as_bytes()].concat();
            let refused = read_snapshot(&other[..], other.len() as u64, &journal).unwrap_err();
            assert_eq!(refused.to_string(), "it is another program's");
        }
    }

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
