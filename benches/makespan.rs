//! Compares the duration of a run with the shortest one that its provider allows, on simulated time.
//!
//! `cargo bench --bench makespan` runs 100,000 jobs (or `DYEHOUSE_JOBS`) whose predictions take 15 to 40 s, once
//! limited by the submit rate and once by the number of predictions in flight, each with and without faults: 5 % of the
//! submits get no connection, and 5 % of the polls are answered with 502. No run can be faster than its lower bound:
//! the last submit has to wait for all others, and each prediction occupies a slot until it is done. The number of
//! polls, and the time until results are noticed, are compared with those of polling every second.
//!
//! Then `--rate auto` has 1000 jobs to find a limit: ten open predictions, or five submits a second without bursts. Or there
//! is none, and one submit in twenty is refused at random.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at errors")]

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dyehouse::api::{Answer, EditApi, Exchange, Fault, Intended, PredictionId, StatusPath};
use dyehouse::job::{EditRequest, Rate, SubmitRate};
use dyehouse::journal::Ledger;
use dyehouse::runner::fakes::{self, FakeDisk, SilentObserver, answer};
use dyehouse::runner::{self, Batch, Settings, StopSignal};
use tokio::time::Instant;

const SUBMIT_LATENCY: Duration = Duration::from_millis(200);
const POLL_LATENCY: Duration = Duration::from_millis(50);

/// The simulated provider: its predictions, and the requests that it received.
struct Provider {
    faults: f64,
    limits: Limits,
    state: Mutex<State>,
}

/// What the provider allows. It answers further submits with 429.
#[derive(Clone, Copy, Default)]
struct Limits {
    open: Option<u32>,
    per_second: Option<u32>,
    /// The share of submits that is refused at random.
    odd: f64,
}

struct State {
    random: fastrand::Rng,
    /// When the next submit is accepted.
    free_at: Instant,
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

impl State {
    fn refuses(&mut self, limits: Limits) -> bool {
        let now = Instant::now();
        let is_full = |most: u32| self.done_at.values().filter(|done_at| **done_at > now).count() >= most as usize;
        if limits.open.is_some_and(is_full) || limits.per_second.is_some() && now < self.free_at {
            return true;
        }
        if limits.odd > 0.0 && self.random.f64() < limits.odd {
            return true;
        }
        self.free_at = now + limits.per_second.map_or(Duration::ZERO, |rate| Duration::from_secs(1) / rate);
        false
    }
}

impl EditApi for Provider {
    async fn submit(&self, _request: &EditRequest, _intended: &Intended) -> Exchange {
        tokio::time::sleep(SUBMIT_LATENCY).await;
        let mut state = self.state.lock().unwrap();
        state.seen.submits += 1;
        if state.random.f64() < self.faults {
            return Exchange::Fault(Fault::NotSent("connection refused".into()));
        }
        if state.refuses(self.limits) {
            return Exchange::Answer(Answer { status: 429, ..Answer::default() });
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

/// Returns the duration of `jobs`, and what the provider observed.
async fn play(jobs: u32, submits: SubmitRate, in_flight: u32, faults: f64, limits: Limits) -> (Duration, Seen) {
    let begun = Instant::now();
    let random = fastrand::Rng::with_seed(7);
    let state = State { random, free_at: begun, done_at: HashMap::new(), seen: Seen::default() };
    let api = Arc::new(Provider { faults, limits, state: Mutex::new(state) });
    let request = Arc::new(fakes::request());
    let number = |number| NonZeroU32::new(number).unwrap();
    let settings = Settings {
        submits,
        polls: Rate::per_second(number(in_flight)),
        in_flight: number(in_flight),
        ..Settings::default()
    };
    let effects = fakes::effects(Arc::clone(&api), FakeDisk);
    let work = (0..jobs).map(move |number| Ok(fakes::submit(number, &request)));
    let batch = Batch { opening: fakes::opening(), work, is_job: |_: &str| false };
    let stop = StopSignal::default();
    let ending = runner::run(settings, effects, Ledger::default(), batch, &mut SilentObserver, stop).await.unwrap();
    assert_eq!((ending.stopped, ending.ledger.counts().completed), (None, u64::from(jobs)));
    let seen = api.state.lock().unwrap().seen;
    (begun.elapsed(), seen)
}

/// Plays on simulated time.
fn simulate(jobs: u32, submits: SubmitRate, in_flight: u32, faults: f64, limits: Limits) -> (Duration, Seen) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(play(jobs, submits, in_flight, faults, limits))
}

/// Prints what `--rate auto` makes of limits that it has to find.
fn find(what: &str, limits: Limits) {
    const JOBS: u32 = 1000;
    let (took, seen) = simulate(JOBS, SubmitRate::Auto, 256, 0.0, limits);
    let by_slots = seen.working / limits.open.unwrap_or(256);
    let by_rate = limits.per_second.map_or(Duration::ZERO, |rate| Duration::from_secs(1) * (JOBS - 1) / rate);
    let bound = by_slots.max(by_rate + SUBMIT_LATENCY + seen.last);
    println!(
        "auto finds {what}: {:>5.0} s of {:>5.0} s: {:.4}   refused {}",
        took.as_secs_f64(),
        bound.as_secs_f64(),
        took.as_secs_f64() / bound.as_secs_f64(),
        seen.submits - seen.accepted,
    );
}

fn main() {
    let jobs = std::env::var("DYEHOUSE_JOBS").map_or(100_000, |jobs| jobs.parse().unwrap());
    println!("{jobs} jobs of 15 to 40 s; polls and lag in the mean of a job, in brackets those of asking every second");
    for (what, rate, in_flight) in [("the rate, 20/s", 20, 1000), ("the slots, 256", 100, 256)] {
        for faults in [0.0, 0.05] {
            let real = std::time::Instant::now();
            let submits = SubmitRate::Fixed(Rate::per_second(NonZeroU32::new(rate).unwrap()));
            let (took, seen) = simulate(jobs, submits, in_flight, faults, Limits::default());
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
    find("ten open predictions", Limits { open: Some(10), ..Limits::default() });
    find("five submits a second", Limits { per_second: Some(5), ..Limits::default() });
    find("no limit behind one refusal in twenty", Limits { odd: 0.05, ..Limits::default() });
}
