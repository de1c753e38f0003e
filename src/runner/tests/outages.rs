//! Outages of the whole API, or of its polls: what is learned from them, and how soon a run continues.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;

use tokio::time::Instant;

use super::*;

/// A provider whose submits and polls fail for a while.
struct Provider {
    /// The seconds of the run in which submits are answered 503, and those in which polls are.
    submits_down: Range<u64>,
    polls_down: Range<u64>,
    /// How long predictions take, minimum and maximum, in seconds.
    takes: Range<f64>,
    /// What an answer says about when a prediction was created and completed.
    stamps: &'static str,
    started: Instant,
    state: Mutex<State>,
}

struct State {
    random: fastrand::Rng,
    done_at: HashMap<String, Instant>,
    /// When each submit was sent, in seconds of the run, and whether it was accepted.
    submits: Vec<(f64, bool)>,
    /// How long each result waited for a poll, in seconds, by when its prediction was accepted.
    lags: Vec<(Instant, f64)>,
    accepted_at: HashMap<String, Instant>,
    first_answer: Option<f64>,
    polls: u32,
}

impl Provider {
    fn new(takes: Range<f64>) -> Provider {
        let state = State {
            random: fastrand::Rng::with_seed(5),
            done_at: HashMap::new(),
            submits: Vec::new(),
            lags: Vec::new(),
            accepted_at: HashMap::new(),
            first_answer: None,
            polls: 0,
        };
        Provider {
            submits_down: 0..0,
            polls_down: 0..0,
            takes,
            stamps: "",
            started: Instant::now(),
            state: Mutex::new(state),
        }
    }

    /// Returns the mean time that results of predictions accepted after `second` waited for a poll, in seconds.
    fn lag_after(&self, second: u64) -> f64 {
        let after = self.started + Duration::from_secs(second);
        let state = self.state.lock().unwrap();
        let lags: Vec<f64> = state.lags.iter().filter(|(at, _)| *at >= after).map(|(_, lag)| *lag).collect();
        lags.iter().sum::<f64>() / lags.len() as f64
    }

    fn is_down(&self, down: &Range<u64>) -> bool {
        down.contains(&self.started.elapsed().as_secs())
    }
}

impl EditApi for Provider {
    async fn submit(&self, _request: &EditRequest, intended: &Intended) -> Exchange {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut state = self.state.lock().unwrap();
        let is_down = self.is_down(&self.submits_down);
        state.submits.push((self.started.elapsed().as_secs_f64(), !is_down));
        if is_down {
            return answer(503, "down");
        }
        let takes = self.takes.start + (self.takes.end - self.takes.start) * state.random.f64();
        let id = format!("p-{}", intended.fingerprint);
        state.done_at.insert(id.clone(), Instant::now() + Duration::from_secs_f64(takes));
        state.accepted_at.insert(id.clone(), Instant::now());
        answer(200, &format!(r#"{{"id":"{id}","status":"processing","costCents":7}}"#))
    }

    async fn poll(&self, prediction: &PredictionId, _path: Option<&StatusPath>) -> Exchange {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut state = self.state.lock().unwrap();
        state.polls += 1;
        if self.is_down(&self.polls_down) {
            return answer(503, "down");
        }
        if self.started.elapsed().as_secs() >= self.polls_down.end {
            let now = self.started.elapsed().as_secs_f64();
            state.first_answer.get_or_insert(now);
        }
        let done_at = state.done_at[prediction.as_str()];
        if done_at > Instant::now() {
            return answer(200, r#"{"status":"processing"}"#);
        }
        let accepted_at = state.accepted_at[prediction.as_str()];
        state.lags.push((accepted_at, done_at.elapsed().as_secs_f64()));
        let outputs = r#""outputs":["https://assets.example/1.png"]"#;
        answer(200, &format!(r#"{{"status":"completed",{outputs}{}}}"#, self.stamps))
    }
}

/// Runs jobs at 5 per second, 20 in flight.
async fn played(api: &Arc<Provider>, ledger: Ledger, jobs: Range<u32>) -> Ledger {
    let number = |number| NonZeroU32::new(number).unwrap();
    let settings = Settings {
        submits: "5/s".parse().unwrap(),
        polls: Rate::per_second(number(20)),
        free_polls: 2,
        in_flight: number(20),
        ..Settings::default()
    };
    let ending = simulate_as(settings, Arc::clone(api), ledger, FakeDisk, jobs.map(work)).await;
    assert_eq!(ending.stopped, None);
    ending.ledger
}

/// The times of the example in the provider's documentation.
const EXAMPLE: &str = r#","createdAt":"2025-01-15T12:00:00.000Z","completedAt":"2025-01-15T12:00:30.000Z""#;

#[tokio::test(start_paused = true)]
async fn an_outage_of_polls_is_no_generation_time_for_the_rest_of_the_run_and_the_next() {
    for stamps in ["", EXAMPLE] {
        let api = Arc::new(Provider { polls_down: 3..63, stamps, ..Provider::new(3.0..9.0) });
        let ledger = played(&api, Ledger::default(), 0..120).await;
        let lag = api.lag_after(63);
        assert!(lag < 1.0, "{lag} s after the outage");
        let longest = *ledger.learned().generation_ms.last().unwrap();
        assert!(longest < 12_000, "{longest} ms at most are learned");

        let next = Arc::new(Provider { stamps, ..Provider::new(3.0..9.0) });
        played(&next, ledger, 120..220).await;
        assert!(next.lag_after(0) < 1.0, "{} s in the next run", next.lag_after(0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_night_that_begins_with_times_that_are_far_too_long_corrects_itself_within_a_few_predictions() {
    let slow = Arc::new(Provider::new(23.0..53.0));
    let ledger = played(&slow, Ledger::default(), 0..60).await;
    assert!(ledger.learned().generation_ms.iter().all(|time| *time > 20_000));

    let fast = Arc::new(Provider { stamps: EXAMPLE, ..Provider::new(3.0..9.0) });
    let ledger = played(&fast, ledger, 60..180).await;
    let (all, later) = (fast.lag_after(0), fast.lag_after(20));
    assert!(all < 2.5 && later < 1.0, "{all} s, and {later} s after the first ones");
    let longest = *ledger.learned().generation_ms.last().unwrap();
    assert!(longest < 12_000, "{longest} ms at most are learned");
}

#[tokio::test(start_paused = true)]
async fn polls_and_not_paid_submits_find_the_end_of_an_outage_and_submits_follow_at_once() {
    for down in [3..19, 3..45, 3..240] {
        let end = down.end as f64;
        let api =
            Arc::new(Provider { submits_down: down.clone(), polls_down: down.clone(), ..Provider::new(3.0..9.0) });
        played(&api, Ledger::default(), 0..120).await;
        let state = api.state.lock().unwrap();
        let failed = state.submits.iter().filter(|(_, is_accepted)| !is_accepted).count();
        assert!(failed <= 11, "{failed} submits were sent into the outage of {down:?}");
        let answered = state.first_answer.unwrap();
        let (next, _) = state.submits.iter().find(|(at, is_accepted)| *is_accepted && *at >= end).unwrap();
        assert!(answered < end + 5.5, "the first poll was answered after {answered} s of {down:?}");
        assert!(*next < answered + 0.5, "the next submit came after {next} s, the answer after {answered} s");
        assert!(state.polls < 5000, "{} polls", state.polls);
    }
}

#[tokio::test(start_paused = true)]
async fn polls_that_fail_now_and_then_make_no_probe_more_frequent() {
    let polls_fail = Mutex::new(fastrand::Rng::with_seed(3));
    let poll = move || match polls_fail.lock().unwrap().f64() < 0.3 {
        true => answer(502, ""),
        false => answer(200, r#"{"status":"processing"}"#),
    };
    let submit = |number| if number < 20 { accepted(number) } else { answer(503, "down") };
    let (ending, submits) = ending_at("5/s", 100, submit, poll).await;
    assert!(matches!(ending.stopped, Some(StopReason::Failing(_))), "{:?}", ending.stopped);
    assert!(submits < 20 + 10 + 12, "{submits} submits");
}
