//! Fakes of what a run acts on, for tests and benchmarks. They keep nothing, and never fail by themselves.

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;

use crate::api::{Answer, EditApi, Exchange, Output};
use crate::color::{Check, Hex};
use crate::job::{ContentHash, EditRequest, ImageSource, JobId, Switches};
use crate::journal::{Disk, EditKey, Presence, RunStart, SavedFile};
use crate::outputs::{Destination, OutputError, ResultStore, Slot, Verified};
use crate::plan::{Standing, Task, Work};
use crate::verify::{Correction, Subject, Uncorrected, Verifier};

use super::{Effects, Event, Observer, RunTotals};

/// The wall-clock time at the start of a run.
pub const START: Timestamp = Timestamp::constant(1_700_000_000, 0);

/// Returns the effects of a run that has only an API and a disk. Its wall clock goes with tokio's, which may be paused.
pub fn effects<A: EditApi, D: Disk>(api: Arc<A>, disk: D) -> Effects<A, FakeStore, D> {
    let started = tokio::time::Instant::now();
    let now = Arc::new(move || START + started.elapsed());
    Effects { api, store: Arc::new(FakeStore), verifier: Arc::new(FakeVerifier), disk, now, seed: 1 }
}

/// Returns the record that starts a run.
pub fn opening() -> RunStart {
    RunStart { manifest: "catalog.csv".to_owned(), program: "0".to_owned(), ..RunStart::default() }
}

/// Returns a request.
pub fn request() -> EditRequest {
    EditRequest {
        model: "m".to_owned(),
        prompt: "make it blue".to_owned(),
        images: vec![ImageSource::Url("https://example.com/a.png".to_owned())],
        size: None,
        seed: None,
        switches: Switches::default(),
    }
}

/// Returns the work that submits `request` as the job of a number.
///
/// # Panics
///
/// Never: such ids and fingerprints are valid.
pub fn submit(number: u32, request: &Arc<EditRequest>) -> Work {
    let key = EditKey {
        job: JobId::new(&format!("job-{number}")).expect("a valid id"),
        fingerprint: format!("{number:032x}").parse().expect("a valid fingerprint"),
    };
    Work { key, task: Task::Submit(Arc::clone(request)), standing: Standing::Current, target: None }
}

/// Returns an answer with this body, such as a text or JSON.
pub fn answer(status: u16, body: &(impl Display + ?Sized)) -> Exchange {
    Exchange::Answer(Answer { status, body: body.to_string().into_bytes(), ..Answer::default() })
}

/// A verified picture of one byte.
pub struct FakePicture;

impl Verified for FakePicture {
    fn extension(&self) -> &'static str {
        "png"
    }

    fn saved_as(&self, name: String) -> SavedFile {
        SavedFile { name, bytes: 1, blake3: ContentHash::of(b"1"), width: 1, height: 1 }
    }
}

/// A results folder that has every picture. A URL with `expired`, `down` or `busy` in it leads to none, and the download of
/// one with `slow` takes ten seconds.
pub struct FakeStore;

impl ResultStore for FakeStore {
    type Staged = FakePicture;

    async fn fetch(&self, output: &Output, _slot: Slot) -> Result<FakePicture, OutputError> {
        let Output::Short(output) = output else { return Ok(FakePicture) };
        match output {
            _ if output.contains("expired") => Err(OutputError::Expired("HTTP 403".to_owned())),
            _ if output.contains("down") => {
                Err(OutputError::Unavailable { cause: "HTTP 503, 4 times".to_owned(), retry_after: None })
            }
            _ if output.contains("busy") => {
                Err(OutputError::Busy { cause: "HTTP 429".to_owned(), retry_after: Some(Duration::from_secs(20)) })
            }
            _ if output.contains("slow") => {
                tokio::time::sleep(Duration::from_secs(10)).await;
                Ok(FakePicture)
            }
            _ => Ok(FakePicture),
        }
    }

    async fn publish(&self, _staged: Vec<(FakePicture, SavedFile)>, _place: Destination) -> Result<(), OutputError> {
        Ok(())
    }

    async fn recover(&self, _files: Vec<SavedFile>, _place: Destination) -> Result<bool, OutputError> {
        Ok(false)
    }

    async fn reinstate(&self, _files: Vec<SavedFile>, _displaced: Vec<SavedFile>) -> Result<bool, OutputError> {
        Ok(false)
    }

    fn presence(&self, _file: &SavedFile) -> Presence {
        Presence::Saved
    }

    async fn replace(&self, original: SavedFile, _png: Vec<u8>) -> Result<Option<SavedFile>, OutputError> {
        Ok(Some(original))
    }

    async fn restore(&self, _originals: Vec<SavedFile>, _corrected: Vec<SavedFile>) -> Result<bool, OutputError> {
        Ok(true)
    }
}

/// A disk that is never full and keeps nothing.
pub struct FakeDisk;

impl Disk for FakeDisk {
    async fn append(&mut self, _bytes: Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    async fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A color check that measures nothing, which takes it a minute.
pub struct FakeVerifier;

impl Verifier for FakeVerifier {
    fn check(&self, subject: Subject) -> BoxFuture<'static, Check> {
        let color = subject.target.colors.first().copied().unwrap_or(Hex([0; 3]));
        let minute = tokio::time::sleep(Duration::from_secs(60));
        minute.map(move |()| Check::unmeasurable(color, "it is dark")).boxed()
    }

    fn correct(&self, _subject: Subject) -> BoxFuture<'static, Result<Correction, Uncorrected>> {
        async { Err(Uncorrected::Uncertain) }.boxed()
    }
}

/// An observer that ignores all events.
pub struct SilentObserver;

impl Observer for SilentObserver {
    fn observe(&mut self, _event: &Event<'_>, _totals: &RunTotals) {}
}
