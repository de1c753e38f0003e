//! Providers that are paid for pictures that never come.

use tokio::time::Instant;

use super::*;

const JOBS: u32 = 200;

/// The rate at which the tests submit, with 32 in flight.
const RATE: &str = "2/s";

/// The submits that may be paid for in vain: ten until it is noticed, those in flight then, and a few probes.
const IN_VAIN: u32 = 10 + 32 + 8;

fn down() -> Exchange {
    answer(200, r#"{"status":"completed","outputs":["https://assets.example/down.png"]}"#)
}

fn busy() -> Exchange {
    answer(200, r#"{"status":"completed","outputs":["https://assets.example/busy.png"]}"#)
}

fn damaged() -> Exchange {
    answer(200, r#"{"status":"completed","outputs":["https://assets.example/expired.png"]}"#)
}

fn failed() -> Exchange {
    answer(200, r#"{"status":"failed","error":"out of memory"}"#)
}

/// Answers polls in one way until this time, and well afterwards.
fn until(end: Duration, answer: fn() -> Exchange) -> impl Fn() -> Exchange + Send + Sync + 'static {
    let started = Instant::now();
    move || if started.elapsed() < end { answer() } else { completed() }
}

#[tokio::test(start_paused = true)]
async fn nothing_more_is_bought_while_no_picture_can_be_downloaded_or_every_prediction_fails() {
    for poll in [down, busy, damaged, failed] {
        let (ending, submits) = ending_at(RATE, JOBS, accepted, poll).await;
        assert!(submits <= IN_VAIN, "{submits}");
        let Some(StopReason::Failing(reason)) = &ending.stopped else { panic!("{:?}", ending.stopped) };
        assert!(reason.starts_with("the last jobs have no pictures: "), "{reason}");
        assert_eq!(with_status(&ending, JobStatus::Completed), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_minutes_of_the_asset_host_loses_no_picture_and_buying_goes_on_once_it_is_over() {
    let started = Instant::now();
    let (ending, submits) = ending_at(RATE, JOBS, accepted, until(Duration::from_secs(300), down)).await;
    assert_eq!((ending.stopped.as_ref(), submits), (None, JOBS));
    assert_eq!(with_status(&ending, JobStatus::Completed), JOBS as usize);
    assert!(started.elapsed() < Duration::from_secs(300 + 60 + 100), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn buying_goes_on_once_predictions_are_completed_again() {
    let (ending, submits) = ending_at(RATE, JOBS, accepted, until(Duration::from_secs(200), failed)).await;
    assert_eq!((ending.stopped.as_ref(), submits), (None, JOBS));
    assert!(with_status(&ending, JobStatus::Failed) <= IN_VAIN as usize);
}

#[tokio::test(start_paused = true)]
async fn each_picture_of_a_prediction_has_the_whole_patience() {
    let started = Instant::now();
    let outputs = move || match started.elapsed().as_secs() {
        ..300 => ["down-1", "2"],
        300..720 => ["1", "down-2"],
        _ => ["1", "2"],
    };
    let poll = move || {
        let [one, other] = outputs().map(|name| format!("https://assets.example/{name}.png"));
        answer(200, &format!(r#"{{"status":"completed","outputs":["{one}","{other}"]}}"#))
    };
    let (ending, _) = ending_at(RATE, 1, accepted, poll).await;
    assert_eq!(with_status(&ending, JobStatus::Completed), 1, "the second one failed for seven minutes");
}

/// An API whose first prediction has a picture that can never be downloaded.
struct FirstIsDown(AtomicU32);

impl EditApi for FirstIsDown {
    async fn submit(&self, _request: &EditRequest, _intended: &Intended) -> Exchange {
        accepted(self.0.fetch_add(1, Ordering::Relaxed))
    }

    async fn poll(&self, prediction: &PredictionId, _path: Option<&StatusPath>) -> Exchange {
        if prediction.as_str() == "prediction-0" { down() } else { completed() }
    }
}

#[tokio::test(start_paused = true)]
async fn one_picture_that_cannot_be_downloaded_holds_up_no_other_and_fails_after_ten_minutes() {
    let settings = Settings { submits: RATE.parse().unwrap(), ..Settings::default() };
    let (api, started) = (Arc::new(FirstIsDown(AtomicU32::new(0))), Instant::now());
    let ending = simulate(settings, api, Ledger::default(), FakeDisk, (0..JOBS).map(work)).await;
    assert_eq!(ending.stopped, None);
    assert_eq!(with_status(&ending, JobStatus::Completed), JOBS as usize - 1);
    assert_eq!(with_status(&ending, JobStatus::Failed), 1);
    let took = started.elapsed();
    assert!((600..700).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_busy_host_of_pictures_is_given_time_and_the_api_is_not_asked_for_the_same_url_again() {
    let (polls, started) = (Arc::new(AtomicU32::new(0)), Instant::now());
    let counted = Arc::clone(&polls);
    let poll = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        busy()
    };
    let (ending, _) = ending_of(1, accepted, poll).await;
    let states: Vec<_> = ending.ledger.live_edits().map(|(_, edit)| &edit.state).collect();
    assert_eq!(states, [&EditState::Failed { class: ErrorClass::Download }], "a later run tries again");
    assert_eq!(polls.load(Ordering::Relaxed), 1);
    assert!((600..700).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}
