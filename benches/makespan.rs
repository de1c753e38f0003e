//! How close a run comes to the shortest time that its provider allows, on simulated time.
//!
//! `cargo bench --bench makespan` runs 100,000 jobs (or `DYEHOUSE_JOBS`) whose predictions take 15 to 40 s, once where the
//! submit rate is what holds them up and once where it is the cap on predictions in flight, each with and without
//! faults: 5 % of the submits find no connection, and 5 % of the polls are answered with 502. No run can be faster
//! than its bound: the last submit leaves after all before it had their turn, and slots are taken for as long as the
//! provider works. Polls and the time for which answers lie unread stand beside those of asking every second.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at errors")]

use std::collections::HashMap;
use std::io;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dyehouse::api::{Answer, EditApi, Exchange, Fault, Intended, PredictionId, StatusPath};
use dyehouse::color::{Check, Hex};
use dyehouse::job::{
    Backend, ContentHash, EditRequest, Fingerprint, ImageSource, JobId, Rate, StatusCounts, SubmitRate, Switches,
};
use dyehouse::journal::{Disk, EditKey, Ledger, Presence, RunStart, SavedFile};
use dyehouse::outputs::{Destination, OutputError, ResultStore, Slot, Verified};
use dyehouse::plan::{Standing, Task, Work};
use dyehouse::runner::{self, Batch, Effects, Event, Observer, RunTotals, Settings, StopSignal};
use dyehouse::verify::{Correction, Subject, Uncorrected, Verifier};
use futures::future::{BoxFuture, FutureExt};
use tokio::time::Instant;

const SUBMIT_LATENCY: Duration = Duration::from_millis(200);
const POLL_LATENCY: Duration = Duration::from_millis(50);

/// The provider: its predictions, and what it was asked.
struct Provider {
    faults: f64,
    state: Mutex<State>,
}

struct State {
    random: fastrand::Rng,
    done_at: HashMap<String, Instant>,
    seen: Seen,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    submits: u32,
    accepted: u32,
    polls: u64,
    working: Duration,
    last: Duration,
    lag: Duration,
    polls_every_second: u64,
    lag_every_second: f64,
}

fn answer(status: u16, body: &str) -> Exchange {
    Exchange::Answer(Answer { status, body: body.into(), ..Answer::default() })
}

impl EditApi for Provider {
    async fn submit(&self, _request: &EditRequest, _intended: &Intended) -> Exchange {
        tokio::time::sleep(SUBMIT_LATENCY).await;
        let mut state = self.state.lock().unwrap();
        state.seen.submits += 1;
        if state.random.f64() < self.faults {
            return Exchange::Fault(Fault::NotSent("connection refused".into()));
        }
        let takes = Duration::from_secs_f64(15.0 + 25.0 * state.random.f64());
        state.seen.accepted += 1;
        state.seen.working += takes;
        state.seen.last = takes;
        state.seen.polls_every_second += takes.as_secs_f64().ceil() as u64;
        state.seen.lag_every_second += takes.as_secs_f64().ceil() - takes.as_secs_f64();
        let id = format!("prediction-{}", state.seen.accepted);
        let body = format!(r#"{{"id":"{id}","status":"processing","costCents":7}}"#);
        state.done_at.insert(id, Instant::now() + takes);
        answer(200, &body)
    }

    async fn poll(&self, prediction: &PredictionId, _path: Option<&StatusPath>) -> Exchange {
        tokio::time::sleep(POLL_LATENCY).await;
        let mut state = self.state.lock().unwrap();
        state.seen.polls += 1;
        if state.random.f64() < self.faults {
            return answer(502, "");
        }
        let done_at = state.done_at[prediction.as_str()];
        if done_at > Instant::now() {
            return answer(200, r#"{"status":"processing"}"#);
        }
        state.seen.lag += done_at.elapsed();
        state.done_at.remove(prediction.as_str());
        answer(200, r#"{"status":"completed","outputs":["https://assets.example/1.png"]}"#)
    }
}

/// A picture, and where it goes: nowhere, at once. The same holds for the journal.
struct Nowhere;

impl Verified for Nowhere {
    fn extension(&self) -> &'static str {
        "png"
    }

    fn saved_as(&self, name: String) -> SavedFile {
        SavedFile { name, bytes: 1, blake3: ContentHash::of(b"1"), width: 1, height: 1 }
    }
}

impl ResultStore for Nowhere {
    type Staged = Nowhere;

    async fn fetch(&self, _output: &str, _slot: &mut Slot) -> Result<Nowhere, OutputError> {
        Ok(Nowhere)
    }

    async fn publish(&self, _staged: Vec<(Nowhere, SavedFile)>, _place: Destination) -> Result<(), OutputError> {
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

/// No job asks for a color here.
impl Verifier for Nowhere {
    fn check(&self, _subject: Subject) -> BoxFuture<'static, Check> {
        async { Check::unmeasurable(Hex([0; 3]), "nobody asked") }.boxed()
    }

    fn correct(&self, _subject: Subject) -> BoxFuture<'static, Result<Correction, Uncorrected>> {
        async { Err(Uncorrected::NoPicture) }.boxed()
    }
}

impl Disk for Nowhere {
    async fn append(&mut self, _bytes: Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    async fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Silent;

impl Observer for Silent {
    fn observe(&mut self, _event: &Event<'_>, _tally: &RunTotals) {}
}

fn work(number: u32, request: &Arc<EditRequest>) -> Work {
    let fingerprint: Fingerprint = format!("{number:032x}").parse().unwrap();
    let key = EditKey { job: JobId::new(&format!("job-{number}")).unwrap(), fingerprint };
    Work { key, task: Task::Submit(Arc::clone(request)), standing: Standing::Current, target: None }
}

/// How long `jobs` took, and what the provider saw.
async fn play(jobs: u32, rate: u32, in_flight: u32, faults: f64) -> (Duration, Seen) {
    let state = State { random: fastrand::Rng::with_seed(7), done_at: HashMap::new(), seen: Seen::default() };
    let api = Arc::new(Provider { faults, state: Mutex::new(state) });
    let request = Arc::new(EditRequest {
        model: "m".into(),
        prompt: "make it blue".into(),
        images: vec![ImageSource::Url("https://example.com/a.png".into())],
        size: None,
        seed: None,
        switches: Switches::default(),
    });
    let number = |number| NonZeroU32::new(number).unwrap();
    let settings = Settings {
        submits: SubmitRate::Fixed(Rate::per_second(number(rate))),
        polls: Rate::per_second(number(in_flight)),
        in_flight: number(in_flight),
        ..Settings::default()
    };
    let begun = Instant::now();
    let start = jiff::Timestamp::UNIX_EPOCH;
    let now = Arc::new(move || start + begun.elapsed());
    let effects = Effects {
        api: Arc::clone(&api),
        store: Arc::new(Nowhere),
        verifier: Arc::new(Nowhere),
        disk: Nowhere,
        now,
        seed: 1,
    };
    let opening = RunStart {
        manifest: "makespan".into(),
        backend: Backend::Vibedream,
        program: "benches/makespan".into(),
        jobs: StatusCounts::default(),
        ..RunStart::default()
    };
    let work = (0..jobs).map(move |number| Ok(work(number, &request)));
    let batch = Batch { opening, work, is_job: |_: &str| false };
    let stop = StopSignal::default();
    let ending = runner::run(settings, effects, Ledger::default(), batch, &mut Silent, stop).await.unwrap();
    assert_eq!((ending.stopped, ending.ledger.counts().completed), (None, u64::from(jobs)));
    let seen = api.state.lock().unwrap().seen;
    (begun.elapsed(), seen)
}

fn main() {
    let jobs = std::env::var("DYEHOUSE_JOBS").map_or(100_000, |jobs| jobs.parse().unwrap());
    println!("{jobs} jobs of 15 to 40 s; polls and lag in the mean of a job, in brackets those of asking every second");
    for (what, rate, in_flight) in [("the rate, 20/s", 20, 1000), ("the slots, 256", 100, 256)] {
        for faults in [0.0, 0.05] {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            let real = std::time::Instant::now();
            let (took, seen) = runtime.unwrap().block_on(play(jobs, rate, in_flight, faults));
            let by_rate =
                Duration::from_secs_f64(f64::from(seen.submits - 1) / f64::from(rate)) + SUBMIT_LATENCY + seen.last;
            let by_slots = (seen.working + SUBMIT_LATENCY * seen.submits) / in_flight;
            let bound = by_rate.max(by_slots);
            let mean = |sum: f64| sum / f64::from(seen.accepted);
            println!(
                "{what} bounds, {:>2.0} % faults: {:>5.0} s of {:>5.0} s: {:.4}   polls {:.1} ({:.1}: {:.2})   lag {:.2} s ({:.2} s)   real {:.1} s",
                faults * 100.0,
                took.as_secs_f64(),
                bound.as_secs_f64(),
                took.as_secs_f64() / bound.as_secs_f64(),
                mean(seen.polls as f64),
                mean(seen.polls_every_second as f64),
                seen.polls as f64 / seen.polls_every_second as f64,
                mean(seen.lag.as_secs_f64()),
                mean(seen.lag_every_second),
                real.elapsed().as_secs_f64(),
            );
        }
    }
}
