use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::commands::Failure;
use crate::job::JobId;
use crate::journal::{FileDisk, Ledger};
use crate::outputs::AsideMoves;
use crate::run_folder::{FolderError, RunFolder};
use crate::runner;

/// Moves the pictures of jobs that are no longer in the manifest to `earlier/`, and returns the jobs. Also moves those
/// that an interrupted prune has left. `removed` is the number of such jobs: if there are none, no job with pictures in
/// `results/` is read from the journal again.
pub(super) async fn prune(
    folder: &RunFolder,
    ledger: &mut Ledger,
    disk: FileDisk,
    removed: u64,
    is_asked_for: impl Fn(&JobId) -> bool,
) -> Result<BTreeSet<JobId>, Failure> {
    let removed = match removed {
        0 => Vec::new(),
        _ => ledger.shown_without(&is_asked_for).map_err(FolderError::from)?,
    };
    let jobs = removed.iter().map(|key| key.job.clone()).collect();
    let mut moves = AsideMoves::in_run(folder.path());
    if !removed.is_empty() {
        let mut shown = Vec::new();
        for key in &removed {
            let edit = ledger.edit(key).map_err(FolderError::from)?;
            shown.push(edit.map(|edit| edit.files().to_vec()).unwrap_or_default());
        }
        runner::set_aside(disk, ledger, removed, Timestamp::now).await?;
        // These go first, because a changed picture is recognized by its path, and no other file may be mistaken for
        // it.
        shown.iter().try_for_each(|files| moves.set_aside(files))?;
    }
    for found in ledger.put_aside() {
        let (job, edit) = found.map_err(FolderError::from)?;
        if !is_asked_for(&job) {
            moves.set_aside(edit.files())?;
        }
    }
    moves.finish()?;
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::api::PredictionId;
    use crate::job::{Cents, ContentHash};
    use crate::journal::{EditKey, ReadAt, Record, SavedFile, Step, replay};

    /// A journal that counts how often it is read.
    #[derive(Debug)]
    struct Counting(Vec<u8>, AtomicUsize);

    impl ReadAt for Counting {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.read_at(buffer, offset)
        }
    }

    /// Returns the lines of a job with a picture.
    fn lines(number: u32) -> Vec<u8> {
        let job = JobId::new(&format!("job-{number}")).unwrap();
        let file = SavedFile {
            name: format!("{job}.png"),
            bytes: 7,
            blake3: ContentHash::of(b"picture"),
            width: 1,
            height: 1,
        };
        let prediction = PredictionId::new(&format!("p-{number}")).unwrap();
        let steps = [
            Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: None },
            Step::Accepted { prediction, cost_cents: Cents(7), status_path: None },
            Step::Generated { outputs: 1 },
            Step::Fetched { files: vec![file] },
            Step::Completed,
        ];
        let key = EditKey { job, fingerprint: format!("{number:032x}").parse().unwrap() };
        let lines = steps.map(|step| Record::Edit(key.clone(), step).to_line(Timestamp::UNIX_EPOCH).unwrap());
        lines.concat()
    }

    #[tokio::test]
    async fn only_jobs_that_may_be_moved_are_read_from_the_journal_again() {
        let jobs = 1000;
        let journal = Arc::new(Counting((0..jobs).flat_map(lines).collect(), AtomicUsize::new(0)));
        let mut ledger = replay(Arc::clone(&journal)).unwrap().ledger;
        assert!(ledger.archived_edits() > 700);
        let (temporary, disk) =
            (tempfile::tempdir().unwrap(), || FileDisk::new(Arc::new(tempfile::tempfile().unwrap())));
        let folder = RunFolder::new(temporary.path());
        let reads = || journal.1.load(Ordering::Relaxed);

        let before = reads();
        let pruned = prune(&folder, &mut ledger, disk(), 0, |_| true).await.unwrap();
        assert_eq!((pruned.len(), reads()), (0, before), "nothing was removed");

        let last = JobId::new("job-0").unwrap();
        let pruned = prune(&folder, &mut ledger, disk(), 1, |job| *job != last).await.unwrap();
        assert_eq!((pruned, ledger.is_shown(&last)), (BTreeSet::from([last.clone()]), false));

        let before = reads();
        let pruned = prune(&folder, &mut ledger, disk(), 0, |job| *job != last).await.unwrap();
        assert_eq!(pruned.len(), 0);
        assert!(reads() < before + 10, "{} reads for one job", reads() - before);
    }
}
