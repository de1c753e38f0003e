//! Predictions of earlier runs that take longer than they may.

use std::sync::Mutex;

use tokio::time::Instant;

use super::*;

/// The time between the start of a run and the start of the next one.
const LATER: Duration = Duration::from_secs(24 * 3600 + 1800);

/// Numbers submits from `first`, notes when each came, and answers polls of lower numbers as scripted.
struct NextNight<P> {
    first: u32,
    submits: Mutex<Vec<Instant>>,
    polls_of_earlier: AtomicU32,
    poll_of_earlier: P,
}

impl<P: Fn() -> Exchange + Send + Sync + 'static> EditApi for NextNight<P> {
    async fn submit(&self, _request: &EditRequest, _intended: &Intended) -> Exchange {
        let mut submits = self.submits.lock().unwrap();
        submits.push(Instant::now());
        accepted(self.first + submits.len() as u32 - 1)
    }

    async fn poll(&self, prediction: &PredictionId, _path: Option<&StatusPath>) -> Exchange {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let number: u32 = prediction.as_str().trim_start_matches("prediction-").parse().unwrap();
        if number >= self.first {
            return completed();
        }
        self.polls_of_earlier.fetch_add(1, Ordering::Relaxed);
        (self.poll_of_earlier)()
    }
}

/// What a run has done.
struct Night {
    ledger: Ledger,
    /// When each submit was received, since the start of the run.
    submits: Vec<Duration>,
    polls_of_earlier: u32,
    took: Duration,
}

fn settings() -> Settings {
    Settings { submits: "2/s".parse().unwrap(), ..Settings::default() }
}

/// Follows the predictions of all `earlier` jobs and submits as many new ones, a day after the last run.
async fn next_night(
    settings: Settings,
    ledger: Ledger,
    earlier: u32,
    poll_of_earlier: impl Fn() -> Exchange + Send + Sync + 'static,
) -> Night {
    night(settings, ledger, earlier, earlier, poll_of_earlier).await
}

/// The same, but the new jobs have the numbers from `first` on.
async fn night(
    settings: Settings,
    ledger: Ledger,
    earlier: u32,
    first: u32,
    poll_of_earlier: impl Fn() -> Exchange + Send + Sync + 'static,
) -> Night {
    let api =
        Arc::new(NextNight { first, submits: Mutex::default(), polls_of_earlier: AtomicU32::new(0), poll_of_earlier });
    let started = Instant::now();
    let now = Arc::new(move || fakes::START + LATER + started.elapsed());
    let effects = Effects { now, ..fakes::effects(Arc::clone(&api), FakeDisk) };
    let follow = (0..earlier).map(|number| Work { task: Task::Follow, ..work(number) });
    let work = follow.chain((first..first + earlier).map(work)).map(Ok);
    let batch = Batch { opening: fakes::opening(), work, is_job: |_: &str| false };
    let RunOutcome { ledger, .. } =
        run(settings, effects, ledger, batch, &mut SilentObserver, StopSignal::default()).await.unwrap();
    let submits = api.submits.lock().unwrap().iter().map(|at| *at - started).collect();
    Night { ledger, submits, polls_of_earlier: api.polls_of_earlier.load(Ordering::Relaxed), took: started.elapsed() }
}

fn processing() -> Exchange {
    answer(200, r#"{"status":"processing"}"#)
}

/// The ledger after a run in which the predictions of six jobs have timed out.
async fn after_timeouts() -> Ledger {
    let (ending, submits) = ending_with(settings(), Ledger::default(), 0..6, accepted, processing).await;
    assert_eq!((with_status(&ending, JobStatus::Failed), submits), (6, 6));
    ending.ledger
}

/// The ledger after a run that has left the predictions of six jobs open.
async fn after_a_deadline() -> Ledger {
    let settings = Settings { deadline: Some(Duration::from_secs(60)), grace: Duration::ZERO, ..settings() };
    let (ending, submits) = ending_with(settings, Ledger::default(), 0..6, accepted, processing).await;
    assert_eq!((with_status(&ending, JobStatus::Pending), submits), (6, 6));
    ending.ledger
}

fn count(ledger: &Ledger, status: JobStatus) -> usize {
    ledger.live_edits().filter(|(_, edit)| edit.status() == status).count()
}

#[tokio::test(start_paused = true)]
async fn predictions_that_timed_out_before_are_polled_once_and_delay_no_submit() {
    let night = next_night(settings(), after_timeouts().await, 6, processing).await;
    assert!(night.submits[0] < Duration::from_secs(1), "{:?}", night.submits);
    assert_eq!((night.submits.len(), night.polls_of_earlier), (6, 6));
    assert!(night.took < Duration::from_secs(10), "{:?}", night.took);
    assert_eq!((count(&night.ledger, JobStatus::Completed), count(&night.ledger, JobStatus::Failed)), (6, 6));
    let (_, edit) = night.ledger.live_edits().find(|(_, edit)| edit.status() == JobStatus::Failed).unwrap();
    assert_eq!(edit.problem.as_ref().unwrap().message, "not finished after 24 hours");
}

#[tokio::test(start_paused = true)]
async fn predictions_that_timed_out_before_get_the_rest_of_a_longer_time_limit() {
    let longer = Settings { job_timeout: LATER + Duration::from_secs(60), ..settings() };
    let started = Instant::now();
    let slow = move || if started.elapsed() < Duration::from_secs(1840) { processing() } else { completed() };
    let night = next_night(longer, after_timeouts().await, 6, slow).await;
    assert_eq!(count(&night.ledger, JobStatus::Completed), 12);
}

#[tokio::test(start_paused = true)]
async fn predictions_that_a_run_left_open_a_day_ago_are_followed_without_delaying_submits() {
    let started = Instant::now();
    let slow = move || if started.elapsed() < Duration::from_secs(300) { processing() } else { completed() };
    let night = next_night(settings(), after_a_deadline().await, 6, slow).await;
    assert!(night.submits[0] < Duration::from_secs(1), "{:?}", night.submits);
    assert_eq!(count(&night.ledger, JobStatus::Completed), 12);

    let night = next_night(settings(), after_a_deadline().await, 6, processing).await;
    assert!(night.submits.len() == 6 && night.submits[5] < Duration::from_secs(5), "{:?}", night.submits);
    assert_eq!((count(&night.ledger, JobStatus::Completed), count(&night.ledger, JobStatus::Failed)), (6, 6));
}

#[tokio::test(start_paused = true)]
async fn old_predictions_whose_polls_fail_delay_no_submit_and_are_not_given_up_sooner() {
    for answer in [|| answer(404, "no such prediction"), || answer(500, "")] as [fn() -> Exchange; 2] {
        for ledger in [after_timeouts().await, after_a_deadline().await] {
            let night = next_night(settings(), ledger, 6, answer).await;
            assert!(night.submits.len() == 6 && night.submits[0] < Duration::from_secs(1), "{:?}", night.submits);
            assert!(night.took > Duration::from_secs(60), "{:?}", night.took);
        }
    }
    let started = Instant::now();
    let down_for_a_while =
        move || if started.elapsed() < Duration::from_secs(90) { answer(502, "") } else { completed() };
    let night = next_night(settings(), after_a_deadline().await, 6, down_for_a_while).await;
    assert_eq!(count(&night.ledger, JobStatus::Completed), 12);
}

#[tokio::test(start_paused = true)]
async fn a_prediction_that_times_out_tells_what_its_last_poll_has_shown() {
    let message = async |poll: fn() -> Exchange| {
        let settings = Settings { job_timeout: Duration::from_secs(600), ..Settings::default() };
        let (ending, _) = ending_with(settings, Ledger::default(), 0..1, accepted, poll).await;
        let (_, edit) = ending.ledger.live_edits().next().unwrap();
        edit.problem.as_ref().unwrap().message.clone()
    };
    assert_eq!(message(processing).await, "not finished after 10 minutes");
    assert_eq!(message(|| answer(302, "")).await, "not finished after 10 minutes; the last poll failed: HTTP 302");
    assert_eq!(
        message(|| answer(200, r#"{"status":"succeeded"}"#)).await,
        "not finished after 10 minutes; the provider says `succeeded`, a status that it does not document"
    );
}

#[tokio::test(start_paused = true)]
async fn an_old_prediction_whose_polls_are_called_wrong_is_lost_and_what_it_cost_is_kept() {
    let denied = || answer(400, r#"{"error":"invalid prediction id"}"#);
    for ledger in [after_timeouts().await, after_a_deadline().await] {
        let spent = ledger.spent();
        let night = next_night(settings(), ledger, 6, denied).await;
        let failed: Vec<_> = night
            .ledger
            .live_edits()
            .filter(|(_, edit)| edit.status() == JobStatus::Failed)
            .map(|(_, edit)| edit)
            .collect();
        assert_eq!((failed.len(), count(&night.ledger, JobStatus::Completed)), (6, 6));
        for edit in failed {
            assert_eq!(edit.state, EditState::Failed { class: ErrorClass::Lost });
            let message = &edit.problem.as_ref().unwrap().message;
            assert_eq!(message, "the provider does not know the prediction (HTTP 400: invalid prediction id)");
        }
        assert_eq!(night.ledger.spent(), spent + Cents(6 * 7));
        let next = self::night(settings(), night.ledger, 6, 12, denied).await;
        assert_eq!(
            (next.polls_of_earlier, next.submits.len()),
            (6, 6),
            "one poll is enough, and nothing is paid again"
        );
    }
    let (ending, _) = ending_of(1, accepted, denied).await;
    assert_eq!(with_status(&ending, JobStatus::Failed), 0, "a young one is left for a later run");
}
