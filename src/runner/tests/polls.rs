//! Providers that refuse polls: those above a rate, or some at any rate.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Mutex;

use tokio::time::Instant;

use super::*;
use crate::job::Rate;

/// The maximum number of predictions in flight.
const IN_FLIGHT: u32 = 30;

/// How long they take: 8 s in the mean, nearly always between 4 and 12 s.
const TAKES: (f64, f64) = (8.0, 2.0);

/// The polls that a provider refuses.
#[derive(Clone, Copy)]
struct Refusals {
    /// How many polls per second are answered, and how many at once.
    rate: Option<(f64, f64)>,
    /// When that limit is removed, in seconds after the run started.
    lifted: f64,
    /// The share that is refused at random.
    random: f64,
    /// The `Retry-After` of a 429.
    retry_after: Option<&'static str>,
}

const NONE: Refusals = Refusals { rate: None, lifted: f64::INFINITY, random: 0.0, retry_after: None };

struct Provider {
    refusals: Refusals,
    started: Instant,
    state: Mutex<State>,
}

struct State {
    random: fastrand::Rng,
    tokens: (f64, Instant),
    done_at: HashMap<String, Instant>,
    takes: Vec<f64>,
    polls: u32,
    refused: u32,
    /// The number of the first prediction.
    first: u32,
}

impl State {
    fn refuses(&mut self, refusals: Refusals, started: Instant) -> bool {
        self.polls += 1;
        let now = Instant::now();
        let is_odd = self.random.f64() < refusals.random;
        let is_too_much = refusals.rate.is_some_and(|(rate, burst)| {
            if (now - started).as_secs_f64() >= refusals.lifted {
                return false;
            }
            let tokens = (self.tokens.0 + (now - self.tokens.1).as_secs_f64() * rate).min(burst);
            self.tokens = (if tokens < 1.0 { tokens } else { tokens - 1.0 }, now);
            tokens < 1.0
        });
        self.refused += u32::from(is_odd || is_too_much);
        is_odd || is_too_much
    }
}

impl EditApi for Provider {
    async fn submit(&self, _request: &EditRequest, _intended: &Intended) -> Exchange {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut state = self.state.lock().unwrap();
        let bell = (0..12).map(|_| state.random.f64()).sum::<f64>() - 6.0;
        let seconds = (TAKES.0 + TAKES.1 * bell).max(1.0);
        let number = state.first + state.takes.len() as u32;
        state.takes.push(seconds);
        state.done_at.insert(format!("prediction-{number}"), Instant::now() + Duration::from_secs_f64(seconds));
        accepted(number)
    }

    async fn poll(&self, prediction: &PredictionId, _path: Option<&StatusPath>) -> Exchange {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut state = self.state.lock().unwrap();
        if state.refuses(self.refusals, self.started) {
            let retry_after = self.refusals.retry_after.map(str::to_owned);
            return Exchange::Answer(Answer { status: 429, retry_after, ..Answer::default() });
        }
        let is_done = state.done_at[prediction.as_str()] <= Instant::now();
        if is_done { completed() } else { answer(200, r#"{"status":"processing"}"#) }
    }
}

/// The mean results of runs that differ only in their seed.
#[derive(Debug, Default)]
struct Pace {
    /// Their duration, as a share of that with every answer seen immediately.
    makespan: f64,
    /// The number of polls per job.
    polls: f64,
    /// The share of refused polls.
    refused: f64,
}

async fn pace(jobs: u32, refusals: Refusals) -> Pace {
    const RUNS: u32 = 4;
    let mut pace = Pace::default();
    for seed in 1..=RUNS {
        let run = pace_of(jobs, refusals, seed.into()).await;
        pace.makespan += run.makespan / f64::from(RUNS);
        pace.polls += run.polls / f64::from(RUNS);
        pace.refused += run.refused / f64::from(RUNS);
    }
    pace
}

async fn pace_of(jobs: u32, refusals: Refusals, seed: u64) -> Pace {
    let started = Instant::now();
    let state = State {
        random: fastrand::Rng::with_seed(seed),
        tokens: (refusals.rate.map_or(0.0, |(_, burst)| burst), started),
        done_at: HashMap::new(),
        takes: Vec::new(),
        polls: 0,
        refused: 0,
        first: 0,
    };
    let api = Arc::new(Provider { refusals, started, state: Mutex::new(state) });
    let number = |number| NonZeroU32::new(number).unwrap();
    let settings = Settings {
        submits: "20/s".parse().unwrap(),
        polls: Rate::per_second(number(IN_FLIGHT)),
        free_polls: 2,
        in_flight: number(IN_FLIGHT),
        ..Settings::default()
    };
    let ending = simulate_as(settings, Arc::clone(&api), Ledger::default(), FakeDisk, (0..jobs).map(work)).await;
    assert_eq!((ending.stopped.as_ref(), with_status(&ending, JobStatus::Completed)), (None, jobs as usize));
    let state = api.state.lock().unwrap();
    let polls = f64::from(state.polls);
    Pace {
        makespan: started.elapsed().as_secs_f64() / bound(&state.takes),
        polls: polls / f64::from(jobs),
        refused: f64::from(state.refused) / polls,
    }
}

/// How long predictions with these times take in seconds if each slot is free as soon as its prediction has finished.
fn bound(takes: &[f64]) -> f64 {
    let mut free_at: BinaryHeap<Reverse<u64>> = (0..IN_FLIGHT).map(|slot| Reverse(u64::from(slot) * 50_000)).collect();
    let mut last = 0;
    for seconds in takes {
        let Reverse(from) = free_at.pop().unwrap();
        let done = from + 100_000 + (seconds * 1e6) as u64;
        last = last.max(done);
        free_at.push(Reverse(done));
    }
    last as f64 / 1e6
}

#[tokio::test(start_paused = true)]
async fn under_a_limit_of_polls_a_run_takes_not_much_longer_than_its_polls_do() {
    let limit = Refusals { rate: Some((4.0, 4.0)), ..NONE };
    for (refusals, most) in [
        (limit, 1.6),
        (Refusals { rate: Some((4.0, 40.0)), ..limit }, 1.6),
        (Refusals { retry_after: Some("1"), ..limit }, 1.6),
        (Refusals { random: 0.05, ..limit }, 1.7),
        (Refusals { random: 0.2, ..limit }, 1.9),
        (Refusals { rate: Some((8.0, 8.0)), ..limit }, 1.3),
        (Refusals { rate: Some((2.0, 2.0)), ..limit }, 2.4),
    ] {
        let pace = pace(120, refusals).await;
        assert!(pace.makespan < most, "{:?}: {pace:?}", refusals.rate);
    }
}

/// How many seconds a run of `jobs` jobs that are all in flight at once takes with a limit of 4 polls per second,
/// after an earlier run that `ledger` has learned from; and the ledger afterwards.
async fn crowded_run(jobs: std::ops::Range<u32>, ledger: Ledger) -> (f64, f64, Ledger) {
    let started = Instant::now();
    let state = State {
        random: fastrand::Rng::with_seed(3),
        tokens: (2.0, started),
        done_at: HashMap::new(),
        takes: Vec::new(),
        polls: 0,
        refused: 0,
        first: jobs.start,
    };
    let refusals = Refusals { rate: Some((4.0, 2.0)), ..NONE };
    let api = Arc::new(Provider { refusals, started, state: Mutex::new(state) });
    let number = |number| NonZeroU32::new(number).unwrap();
    let settings = Settings {
        submits: "20/s".parse().unwrap(),
        polls: Rate::per_second(number(400)),
        free_polls: 2,
        in_flight: number(400),
        ..Settings::default()
    };
    let count = jobs.len();
    let ending = simulate_as(settings, Arc::clone(&api), ledger, FakeDisk, jobs.map(work)).await;
    assert_eq!(ending.stopped, None);
    let state = api.state.lock().unwrap();
    let refused = f64::from(state.refused) / f64::from(state.polls);
    (started.elapsed().as_secs_f64() / (count as f64 / 4.0), refused, ending.ledger)
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_polls_is_found_at_any_number_in_flight_and_kept_for_the_next_run() {
    let (makespan, refused, ledger) = crowded_run(0..240, Ledger::default()).await;
    assert!(makespan < 1.6, "{makespan} of one poll for each, {refused} of them refused");
    let learned = ledger.learned().polls.unwrap().per_second_f64();
    assert!((3.0..7.0).contains(&learned), "{learned} a second");
    let (next, next_refused, _) = crowded_run(240..480, ledger).await;
    assert!(next < 1.6, "{next} after {makespan}");
    assert!(next_refused < 0.2 && next_refused < refused, "{next_refused} after {refused}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_lifted_holds_up_nothing_for_long() {
    let pace = pace(400, Refusals { rate: Some((4.0, 4.0)), lifted: 40.0, ..NONE }).await;
    assert!(pace.makespan < 1.3, "{pace:?}");
}

#[tokio::test(start_paused = true)]
async fn polls_that_are_refused_at_any_rate_cost_hardly_any_time() {
    for (random, retry_after, most) in [(0.0, None, 1.08), (0.05, None, 1.1), (0.05, Some("1"), 1.2), (0.2, None, 1.2)]
    {
        let pace = pace(400, Refusals { random, retry_after, ..NONE }).await;
        assert!(pace.makespan < most, "{random}, {retry_after:?}: {pace:?}");
    }
}
