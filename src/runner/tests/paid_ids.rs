//! Runs that end with an error after the journal has failed: the error names every paid prediction that is in no
//! journal.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::api::{Output, RateLimits, Remaining};
use crate::journal::{Disk, Presence, SavedFile};
use crate::outputs::{Destination, OutputError, Slot};
use crate::runner::fakes::{FakePicture, FakeStore};

/// A disk that is full as soon as this is set.
#[derive(Clone, Default)]
struct FullDisk(Arc<AtomicBool>);

impl FullDisk {
    fn fill(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Disk for FullDisk {
    async fn append(&mut self, _bytes: Vec<u8>) -> io::Result<()> {
        self.check()
    }

    async fn sync(&mut self) -> io::Result<()> {
        self.check()
    }
}

/// A results folder in which no picture can be published.
struct FullStore;

impl ResultStore for FullStore {
    type Staged = FakePicture;

    async fn fetch(&self, output: &Output, slot: Slot) -> Result<FakePicture, OutputError> {
        FakeStore.fetch(output, slot).await
    }

    async fn publish(&self, _staged: Vec<(FakePicture, SavedFile)>, _place: Destination) -> Result<(), OutputError> {
        Err(OutputError::Disk { path: "results".into(), cause: io::ErrorKind::StorageFull.into() })
    }

    async fn recover(&self, _files: Vec<SavedFile>, _place: Destination) -> Result<bool, OutputError> {
        Ok(false)
    }

    async fn reinstate(&self, _files: Vec<SavedFile>, _displaced: Vec<SavedFile>) -> Result<bool, OutputError> {
        Ok(false)
    }

    fn presence(&self, _file: &SavedFile) -> Presence {
        Presence::Missing
    }

    async fn replace(&self, _original: SavedFile, _png: Vec<u8>) -> Result<Option<SavedFile>, OutputError> {
        Ok(None)
    }

    async fn restore(&self, _originals: Vec<SavedFile>, _corrected: Vec<SavedFile>) -> Result<bool, OutputError> {
        Ok(true)
    }
}

/// Returns the error of a run of so many jobs.
async fn error_of<S: ResultStore>(jobs: u32, store: S, disk: FullDisk, api: impl EditApi) -> RunFailure {
    let Effects { api, verifier, disk, now, seed, .. } = fakes::effects(Arc::new(api), disk);
    let effects = Effects { api, store: Arc::new(store), verifier, disk, now, seed };
    let batch = Batch { opening: fakes::opening(), work: (0..jobs).map(work).map(Ok), is_job: |_: &str| false };
    let settings = Settings { submits: "50/s".parse().unwrap(), ..Settings::default() };
    run(settings, effects, Ledger::default(), batch, &mut SilentObserver, StopSignal::default()).await.unwrap_err()
}

fn unrecorded(failure: &RunFailure) -> Vec<String> {
    failure.unrecorded.iter().map(|(job, prediction)| format!("{job} {prediction}")).collect()
}

/// Panics at the first submit, and fills the disk before it answers the others.
struct Panicking(AtomicU32, FullDisk);

impl EditApi for Panicking {
    async fn submit(&self, _request: &EditRequest, _intended: &Intended) -> Exchange {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_ne!(number, 0, "the first submit");
        self.1.fill();
        accepted(number)
    }

    async fn poll(&self, _prediction: &PredictionId, _path: Option<&StatusPath>) -> Exchange {
        completed()
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_answer_to_a_submit_whose_executor_is_gone() {
    let (disk, started) = (FullDisk::default(), tokio::time::Instant::now());
    let failure = error_of(3, FakeStore, disk.clone(), Panicking(AtomicU32::new(0), disk)).await;
    assert_eq!(unrecorded(&failure), ["job-1 prediction-1", "job-2 prediction-2"], "{failure}");
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

/// Answers the first submit with a picture, and the second one a minute later, when the disk is full.
struct FullAtTheEnd(AtomicU32, FullDisk);

impl EditApi for FullAtTheEnd {
    async fn submit(&self, _request: &EditRequest, _intended: &Intended) -> Exchange {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        if number == 1 {
            tokio::time::sleep(Duration::from_secs(60)).await;
            self.1.fill();
        }
        accepted(number)
    }

    async fn poll(&self, _prediction: &PredictionId, _path: Option<&StatusPath>) -> Exchange {
        completed()
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_results_folder_names_the_predictions_that_the_journal_lost() {
    let disk = FullDisk::default();
    let failure = error_of(2, FullStore, disk.clone(), FullAtTheEnd(AtomicU32::new(0), disk)).await;
    assert_eq!(unrecorded(&failure), ["job-1 prediction-1"], "{failure}");
    assert!(matches!(failure.error, RunError::Results(_)), "the first error is the one that is reported: {failure}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_also_asks_for_a_pause_is_named_after_the_journal_has_failed() {
    let disk = FullDisk::default();
    let full = disk.clone();
    let submit = move |number| {
        full.fill();
        let remaining = (number == 1).then_some(Remaining { count: 0, reset: Duration::from_secs(60) });
        let limits = remaining.map(|remaining| RateLimits { remaining: Some(remaining), ..RateLimits::default() });
        match accepted(number) {
            Exchange::Answer(answer) => Exchange::Answer(Answer { limits, ..answer }),
            fault @ Exchange::Fault(_) => fault,
        }
    };
    let api = Scripted { submits: AtomicU32::new(0), submit, poll: completed };
    let failure = error_of(2, FakeStore, disk, api).await;
    assert_eq!(unrecorded(&failure), ["job-0 prediction-0", "job-1 prediction-1"], "{failure}");
}
