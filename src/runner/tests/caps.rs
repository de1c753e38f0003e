//! Providers that limit the predictions in flight, and answer further submits with 429.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;

use tokio::time::Instant;

use super::*;

/// How a provider limits submits.
#[derive(Clone, Copy)]
struct Limits {
    /// How many predictions may be in flight, this many seconds after the run started.
    cap: fn(u64) -> usize,
    /// How many submits are allowed per second, and at once.
    rate: Option<(f64, f64)>,
    /// How many are allowed in any span of this many seconds.
    window: Option<(usize, u64)>,
    /// The `Retry-After` of a 429.
    retry_after: Option<&'static str>,
    /// How long predictions take, minimum and maximum, in seconds.
    takes: (f64, f64),
    /// The share of submits that is refused at random.
    odd: f64,
}

const FREE: Limits =
    Limits { cap: |_| usize::MAX, rate: None, window: None, retry_after: None, takes: (15.0, 40.0), odd: 0.0 };

/// A provider with such limits.
struct Provider {
    limits: Limits,
    started: Instant,
    /// The number of its first prediction.
    first: u32,
    state: Mutex<State>,
}

struct State {
    random: fastrand::Rng,
    done_at: HashMap<String, Instant>,
    accepted: Vec<Instant>,
    refused: u32,
    tokens: (f64, Instant),
    /// The sum of the seconds that predictions were in flight.
    worked: f64,
}

impl State {
    fn takes(&mut self, limits: Limits, started: Instant) -> bool {
        let now = Instant::now();
        if limits.odd > 0.0 && self.random.f64() < limits.odd {
            return false;
        }
        let in_flight = self.done_at.values().filter(|done| **done > now).count();
        if in_flight >= (limits.cap)((now - started).as_secs()) {
            return false;
        }
        if let Some((count, seconds)) = limits.window {
            let since = now.checked_sub(Duration::from_secs(seconds)).unwrap_or(started);
            if self.accepted.iter().filter(|at| **at > since).count() >= count {
                return false;
            }
        }
        if let Some((rate, burst)) = limits.rate {
            let tokens = (self.tokens.0 + (now - self.tokens.1).as_secs_f64() * rate).min(burst);
            self.tokens = (if tokens < 1.0 { tokens } else { tokens - 1.0 }, now);
            return tokens >= 1.0;
        }
        true
    }
}

impl EditApi for Provider {
    async fn submit(&self, _request: &EditRequest, _intended: &Intended) -> Exchange {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut state = self.state.lock().unwrap();
        if !state.takes(self.limits, self.started) {
            state.refused += 1;
            let retry_after = self.limits.retry_after.map(str::to_owned);
            return Exchange::Answer(Answer { status: 429, retry_after, ..Answer::default() });
        }
        let (least, most) = self.limits.takes;
        let seconds = least + (most - least) * state.random.f64();
        state.worked += seconds;
        let number = self.first + state.accepted.len() as u32;
        state.accepted.push(Instant::now());
        state.done_at.insert(format!("prediction-{number}"), Instant::now() + Duration::from_secs_f64(seconds));
        accepted(number)
    }

    async fn poll(&self, prediction: &PredictionId, _path: Option<&StatusPath>) -> Exchange {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let done_at = self.state.lock().unwrap().done_at[prediction.as_str()];
        if done_at > Instant::now() { answer(200, r#"{"status":"processing"}"#) } else { completed() }
    }
}

/// The results of a run.
#[derive(Debug)]
struct Went {
    /// The mean number of predictions in flight, start and end included.
    in_flight: f64,
    /// Refused submits in a hundred.
    refused: f64,
}

/// Runs jobs with `--rate auto` and many more in flight than the provider allows.
async fn under(limits: Limits, jobs: u32, seed: u64) -> Went {
    after(Ledger::default(), limits, 0..jobs, seed).await.0
}

/// The same with the limits that `ledger` has learned, and those learned afterwards.
async fn after(ledger: Ledger, limits: Limits, jobs: Range<u32>, seed: u64) -> (Went, Ledger) {
    let started = Instant::now();
    let state = State {
        random: fastrand::Rng::with_seed(seed),
        done_at: HashMap::new(),
        accepted: Vec::new(),
        refused: 0,
        tokens: (limits.rate.map_or(0.0, |(_, burst)| burst), started),
        worked: 0.0,
    };
    let api = Arc::new(Provider { limits, started, first: jobs.start, state: Mutex::new(state) });
    let settings = Settings {
        submits: SubmitRate::Auto,
        in_flight: NonZeroU32::new(256).unwrap(),
        polls: Rate::per_second(NonZeroU32::new(256).unwrap()),
        free_polls: 2,
        ..Settings::default()
    };
    let ending = simulate_as(settings, Arc::clone(&api), ledger, FakeDisk, jobs.clone().map(work)).await;
    assert_eq!(ending.stopped, None);
    let (state, seconds) = (api.state.lock().unwrap(), started.elapsed().as_secs_f64());
    assert_eq!(state.accepted.len(), jobs.len());
    let submits = f64::from(state.refused) + jobs.len() as f64;
    let went = Went { in_flight: state.worked / seconds, refused: 100.0 * f64::from(state.refused) / submits };
    (went, ending.ledger)
}

#[tokio::test(start_paused = true)]
async fn a_cap_on_predictions_is_found_and_filled() {
    for (cap, retry_after, share) in [
        (8, None, 0.93),
        (8, Some("10"), 0.93),
        (8, Some("30"), 0.8),
        (3, None, 0.93),
        (1, None, 0.93),
        (24, None, 0.93),
        (24, Some("5"), 0.93),
        (50, None, 0.93),
    ] {
        let caps: fn(u64) -> usize = match cap {
            50 => |_| 50,
            24 => |_| 24,
            8 => |_| 8,
            3 => |_| 3,
            _ => |_| 1,
        };
        let went = under(Limits { cap: caps, retry_after, ..FREE }, 40 * cap.max(8), 1).await;
        assert!(went.in_flight > share * f64::from(cap) && went.refused < 5.0, "{cap} {retry_after:?}: {went:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_run_starts_with_the_cap_that_was_found() {
    let limits = Limits { cap: |_| 8, ..FREE };
    let (_, known) = after(Ledger::default(), limits, 0..200, 1).await;
    assert_eq!(known.learned().in_flight, Some(8));
    let (went, known) = after(known, limits, 200..260, 2).await;
    assert!(went.in_flight > 6.5 && went.refused < 3.0, "{went:?}");
    assert_eq!(known.learned().in_flight, Some(8));
    let (went, known) = after(known, FREE, 260..1260, 3).await;
    assert!(went.in_flight > 30.0 && went.refused == 0.0, "{went:?}");
    assert!(known.learned().in_flight > Some(16), "{:?}", known.learned());
}

#[tokio::test(start_paused = true)]
async fn a_cap_that_moves_is_followed_both_ways() {
    let lower: fn(u64) -> usize = |seconds| if seconds < 400 { 8 } else { 4 };
    let went = under(Limits { cap: lower, ..FREE }, 300, 0).await;
    assert!(went.in_flight > 4.0 && went.refused < 10.0, "{went:?}");
    let higher: fn(u64) -> usize = |seconds| if seconds < 400 { 8 } else { 16 };
    let went = under(Limits { cap: higher, ..FREE }, 600, 0).await;
    assert!(went.in_flight > 11.0 && went.refused < 5.0, "{went:?}");
}

#[tokio::test(start_paused = true)]
async fn limits_of_the_rate_are_not_taken_for_caps() {
    for (name, limits, most, jobs) in [
        ("1/s", Limits { rate: Some((1.0, 1.0)), ..FREE }, 27.5, 600),
        ("10 in 60 s", Limits { window: Some((10, 60)), ..FREE }, 4.58, 150),
        ("2/s of short ones", Limits { rate: Some((2.0, 2.0)), takes: (5.0, 10.0), ..FREE }, 15.0, 600),
    ] {
        let went = under(limits, jobs, 2).await;
        assert!(went.in_flight > 0.8 * most && went.refused < 6.0, "{name}: {went:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cap_is_filled_with_short_predictions_and_if_the_provider_asks_for_waits() {
    let ten = Limits { cap: |_| 10, takes: (2.0, 6.0), ..FREE };
    for (name, limits, share) in [
        ("2 s", Limits { takes: (2.0, 2.0), ..ten }, 0.7),
        ("2 to 6 s", ten, 0.75),
        ("waits of 5 s", Limits { retry_after: Some("5"), ..ten }, 0.65),
    ] {
        let went = under(limits, 200, 1).await;
        assert!(went.in_flight > share * 10.0 && went.refused < 6.0, "{name}: {went:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_the_rate_beside_a_cap_is_found_too() {
    let ten = Limits { cap: |_| 10, takes: (8.0, 8.0), ..FREE };
    let forty = Limits { cap: |_| 40, takes: (2.0, 6.0), ..FREE };
    for (name, limits, most) in [
        ("2/s", Limits { rate: Some((2.0, 5.0)), ..ten }, 10.0),
        ("120 in 60 s", Limits { window: Some((120, 60)), ..forty }, 8.0),
    ] {
        let went = under(limits, 400, 3).await;
        assert!(went.in_flight > 0.75 * most && went.refused < 8.0, "{name}: {went:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_at_random_are_taken_for_no_limit_and_hide_none() {
    let one_in_twenty = Limits { odd: 0.05, ..FREE };
    for (name, limits, most, jobs) in [
        ("without a limit", one_in_twenty, 183.0, 1000),
        ("5/s", Limits { rate: Some((5.0, 5.0)), takes: (5.0, 10.0), ..one_in_twenty }, 37.5, 600),
        ("ten in flight", Limits { cap: |_| 10, takes: (5.0, 10.0), ..one_in_twenty }, 10.0, 200),
    ] {
        for seed in 1..=3 {
            let went = under(limits, jobs, seed).await;
            assert!(went.in_flight > 0.6 * most && went.refused < 15.0, "{name}: {went:?}");
        }
    }
}
