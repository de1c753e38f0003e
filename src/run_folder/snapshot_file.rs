use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::journal::{ReadAt, ReplayError, Replayed, read_snapshot, replay_from, write_snapshot};

use super::folder::RunFolder;

/// The number of bytes of a journal after its snapshot for which a new one is written: reading them takes a tenth of a
/// second.
const WORTH: u64 = 32 << 20;

/// Replays a folder's journal, starting from its snapshot if there is one.
pub(super) fn replay_from_snapshot(folder: &RunFolder, journal: &Arc<dyn ReadAt>) -> Result<Replayed, ReplayError> {
    replay_from(journal, known(folder, journal))
}

/// Replays a folder's journal, and writes a snapshot if that saves the next reader time. The folder must be locked.
pub(super) fn replay_and_keep(folder: &RunFolder, journal: &Arc<dyn ReadAt>) -> Result<Replayed, ReplayError> {
    replay_and_keep_if_worth(folder, journal, WORTH)
}

fn replay_and_keep_if_worth(
    folder: &RunFolder,
    journal: &Arc<dyn ReadAt>,
    worth: u64,
) -> Result<Replayed, ReplayError> {
    let known = known(folder, journal);
    let from = known.length;
    let replayed = replay_from(journal, known)?;
    if replayed.length - from >= worth {
        let path = folder.snapshot();
        let kept = crate::files::replace_cache(&path, |file| write_snapshot(&replayed, journal, file));
        if let Err(error) = kept {
            tracing::debug!(%error, "no snapshot of the journal could be made");
        }
    }
    Ok(replayed)
}

/// Returns the state in the folder's snapshot; the empty state if there is no valid one.
fn known(folder: &RunFolder, journal: &Arc<dyn ReadAt>) -> Replayed {
    let read = || -> io::Result<Replayed> {
        let path = folder.snapshot();
        let found = path.metadata()?;
        // Opening a named pipe would block.
        if !found.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        read_snapshot(File::open(path)?, found.len(), journal)
    };
    read().unwrap_or_else(|error| {
        tracing::debug!(%error, "the journal is read from its beginning");
        Replayed::empty(journal)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::job::{Cents, JobId};
    use crate::journal::{EditKey, Record, Step, assert_same_state, replay};

    fn line(job: usize) -> Vec<u8> {
        let fingerprint = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let key = EditKey { job: JobId::new(&format!("job-{job}")).unwrap(), fingerprint };
        let step = Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: None };
        Record::Edit(key, step).to_line(jiff::Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn a_snapshot_is_written_for_a_long_journal_and_shortens_the_next_replay() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(temporary.path());
        let mut lines = line(1);
        let open = |lines: &[u8]| -> Arc<dyn ReadAt> { Arc::new(lines.to_vec()) };
        replay_and_keep_if_worth(&folder, &open(&lines), 1000).unwrap();
        assert!(!folder.snapshot().exists(), "there is little to read");
        replay_and_keep_if_worth(&folder, &open(&lines), 1).unwrap();
        let first = fs::read(folder.snapshot()).unwrap();
        lines.extend(line(2));
        let journal = open(&lines);
        assert_eq!(known(&folder, &journal).records, 1);
        let replayed = replay_and_keep_if_worth(&folder, &journal, 1000).unwrap();
        assert_same_state(&replayed.ledger, &replay(lines.clone()).unwrap().ledger);
        assert_eq!((replayed.records, replayed.length), (2, lines.len() as u64));
        assert_eq!(fs::read(folder.snapshot()).unwrap(), first);
    }

    #[test]
    fn a_damaged_snapshot_or_one_of_another_journal_is_ignored() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(temporary.path());
        let journal: Arc<dyn ReadAt> = Arc::new([line(1), line(2)].concat());
        replay_and_keep_if_worth(&folder, &journal, 1).unwrap();
        assert_eq!(known(&folder, &journal).records, 2);
        for other in [[line(1), line(3)].concat(), line(1), Vec::new()] {
            let other: Arc<dyn ReadAt> = Arc::new(other);
            assert_eq!(known(&folder, &other).records, 0);
        }
        let good = fs::read(folder.snapshot()).unwrap();
        for at in (0..good.len()).step_by(97) {
            let mut spoiled = good.clone();
            spoiled[at] ^= 1;
            fs::write(folder.snapshot(), spoiled).unwrap();
            assert_eq!(known(&folder, &journal).records, 0, "byte {at}");
            fs::write(folder.snapshot(), &good[..at]).unwrap();
            assert_eq!(known(&folder, &journal).records, 0, "cut at {at}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_at_the_path_of_the_snapshot_does_not_block() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(temporary.path());
        assert!(std::process::Command::new("mkfifo").arg(folder.snapshot()).status().unwrap().success());
        let journal: Arc<dyn ReadAt> = Arc::new(line(1));
        assert_eq!(replay_from_snapshot(&folder, &journal).unwrap().records, 1);
    }
}
