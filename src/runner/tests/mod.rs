//! The runner on paused time, with a scripted API and a store in memory.

mod caps;
mod clock;
mod ledger_errors;
mod limits;
mod missing_pictures;
mod observer;
mod outages;
mod overdue;
mod paid_ids;
mod polls;
mod refusals;

use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::fakes::{FakeDisk, SilentObserver, answer};
use super::*;
use crate::api::outcome::Stop;
use crate::api::{Answer, Exchange, Intended, PredictionId, StatusPath};
use crate::job::{Cents, EditRequest, ErrorClass, JobStatus, Rate, SubmitRate};
use crate::journal::{EditKey, EditState, FileDisk, replay};
use crate::plan::{ColorTarget, Standing, Task};

/// Answers the nth submit, counted from 0, and every poll as scripted.
struct Scripted<P, Q> {
    submits: AtomicU32,
    submit: P,
    poll: Q,
}

impl<P, Q> EditApi for Scripted<P, Q>
where
    P: Fn(u32) -> Exchange + Send + Sync + 'static,
    Q: Fn() -> Exchange + Send + Sync + 'static,
{
    async fn submit(&self, _request: &EditRequest, _intended: &Intended) -> Exchange {
        let number = self.submits.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(200)).await;
        (self.submit)(number)
    }

    async fn poll(&self, _prediction: &PredictionId, _path: Option<&StatusPath>) -> Exchange {
        tokio::time::sleep(Duration::from_millis(50)).await;
        (self.poll)()
    }
}

fn accepted(number: u32) -> Exchange {
    answer(200, &format!(r#"{{"id":"prediction-{number}","status":"processing","costCents":7}}"#))
}

fn completed() -> Exchange {
    answer(200, r#"{"status":"completed","outputs":["https://assets.example/1.png"]}"#)
}

fn work(number: u32) -> Work {
    fakes::submit(number, &Arc::new(fakes::request()))
}

/// Runs `jobs` jobs at 50 per second, 32 in flight; also returns the number of submits.
async fn ending_of(
    jobs: u32,
    submit: impl Fn(u32) -> Exchange + Send + Sync + 'static,
    poll: impl Fn() -> Exchange + Send + Sync + 'static,
) -> (RunOutcome, u32) {
    ending_at("50/s", jobs, submit, poll).await
}

/// The same at another rate.
async fn ending_at(
    rate: &str,
    jobs: u32,
    submit: impl Fn(u32) -> Exchange + Send + Sync + 'static,
    poll: impl Fn() -> Exchange + Send + Sync + 'static,
) -> (RunOutcome, u32) {
    let settings = Settings { submits: rate.parse().unwrap(), ..Settings::default() };
    ending_with(settings, Ledger::default(), 0..jobs, submit, poll).await
}

/// The same with other settings, and after other runs.
async fn ending_with(
    settings: Settings,
    ledger: Ledger,
    jobs: std::ops::Range<u32>,
    submit: impl Fn(u32) -> Exchange + Send + Sync + 'static,
    poll: impl Fn() -> Exchange + Send + Sync + 'static,
) -> (RunOutcome, u32) {
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit, poll });
    let ending = simulate(settings, Arc::clone(&api), ledger, FakeDisk, jobs.map(work)).await;
    (ending, api.submits.load(Ordering::Relaxed))
}

/// Runs `work` with 32 in flight.
async fn simulate(
    settings: Settings,
    api: Arc<impl EditApi>,
    ledger: Ledger,
    disk: impl Disk,
    work: impl Iterator<Item = Work>,
) -> RunOutcome {
    let settings = Settings { in_flight: NonZeroU32::new(32).unwrap(), ..settings };
    simulate_as(settings, api, ledger, disk, work).await
}

/// Runs `work` as the settings say.
async fn simulate_as(
    settings: Settings,
    api: Arc<impl EditApi>,
    ledger: Ledger,
    disk: impl Disk,
    work: impl Iterator<Item = Work>,
) -> RunOutcome {
    simulate_observed(&mut SilentObserver, settings, api, ledger, disk, work).await
}

/// The same with an observer.
async fn simulate_observed(
    observer: &mut dyn Observer,
    settings: Settings,
    api: Arc<impl EditApi>,
    ledger: Ledger,
    disk: impl Disk,
    work: impl Iterator<Item = Work>,
) -> RunOutcome {
    let effects = fakes::effects(api, disk);
    let batch = Batch { opening: fakes::opening(), work: work.map(Ok), is_job: |_: &str| false };
    run(settings, effects, ledger, batch, observer, StopSignal::default()).await.unwrap()
}

fn with_status(ending: &RunOutcome, status: JobStatus) -> usize {
    ending.ledger.live_edits().filter(|(_, edit)| edit.status() == status).count()
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_for_every_job_stops_the_run_early() {
    let started = tokio::time::Instant::now();
    let (ending, submits) = ending_of(500, |_| answer(503, "<html>maintenance</html>"), completed).await;
    assert_eq!(ending.stopped, Some(StopReason::Failing("HTTP 503: <html>maintenance</html>".into())));
    assert!(submits < 40, "{submits} of 500 jobs were sent into the dark");
    assert_eq!(with_status(&ending, JobStatus::Uncertain), submits as usize);
    assert!(started.elapsed() >= Settings::default().give_up_after, "it was asked until the patience ended");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_recovers_gets_the_remaining_jobs() {
    let bad_for_a_while = |number| if number < 22 { answer(500, "") } else { accepted(number) };
    let (ending, submits) = ending_of(100, bad_for_a_while, completed).await;
    assert_eq!((ending.stopped.as_ref(), submits), (None, 100));
    assert_eq!(with_status(&ending, JobStatus::Uncertain), 22);
    assert_eq!(with_status(&ending, JobStatus::Completed), 78);
}

#[tokio::test(start_paused = true)]
async fn a_prediction_id_belongs_to_one_job() {
    let cached = |number| accepted(if number == 2 { 0 } else { number });
    let polls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&polls);
    let poll = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        completed()
    };
    let (ending, submits) = ending_of(5, cached, poll).await;
    assert_eq!((ending.stopped.as_ref(), submits), (None, 5));
    assert_eq!(with_status(&ending, JobStatus::Completed), 4);
    assert_eq!(with_status(&ending, JobStatus::Uncertain), 1, "its pictures would be those of the first job");
    assert_eq!(polls.load(Ordering::Relaxed), 4, "nothing is polled for the job without a prediction of its own");
    assert_eq!((ending.ledger.spent(), ending.ledger.reserved()), (Cents(28), Cents(7)));
}

#[tokio::test(start_paused = true)]
async fn the_outputs_of_another_prediction_are_not_saved() {
    let id = |number| format!("550e8400-e29b-41d4-a716-{number:012}");
    let accepted =
        move |number: u32| answer(200, &format!(r#"{{"id":"{}","status":"processing","costCents":7}}"#, id(number)));
    let of_the_first = move || {
        let url = format!("https://assets.example/outputs/{}/1736942400000-0.png", id(0));
        answer(200, &format!(r#"{{"status":"completed","outputs":["{url}"]}}"#))
    };
    let (ending, _) = ending_of(2, accepted, of_the_first).await;
    assert_eq!(with_status(&ending, JobStatus::Completed), 1, "the first one itself");
    let other = EditState::Failed { class: ErrorClass::Download };
    assert_eq!(ending.ledger.live_edits().filter(|(_, edit)| edit.state == other).count(), 1, "asked for again, free");

    let polls = AtomicU32::new(0);
    let at_first = move || if polls.fetch_add(1, Ordering::Relaxed) < 3 { of_the_first() } else { completed() };
    let (ending, submits) = ending_of(2, accepted, at_first).await;
    assert_eq!((with_status(&ending, JobStatus::Completed), submits), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn submits_stop_if_polls_fail() {
    let (ending, submits) = ending_of(500, accepted, || answer(502, "")).await;
    assert!(matches!(ending.stopped, Some(StopReason::Failing(_))), "{:?}", ending.stopped);
    assert!(submits <= 32, "no more than fit in flight, and all of them can be followed later");
    assert_eq!(with_status(&ending, JobStatus::Pending), submits as usize);
}

#[tokio::test(start_paused = true)]
async fn polls_answered_503_with_a_hint_stop_the_run_and_polls_answered_429_do_not() {
    let started = tokio::time::Instant::now();
    let hinted = || Answer { status: 503, retry_after: Some("30".into()), ..Answer::default() };
    let (ending, _) = ending_of(500, accepted, move || Exchange::Answer(hinted())).await;
    assert!(matches!(ending.stopped, Some(StopReason::Failing(_))), "{:?}", ending.stopped);
    let patience = Settings::default().give_up_after;
    assert!(started.elapsed() >= patience && started.elapsed() < 2 * patience, "{:?}", started.elapsed());

    let started = tokio::time::Instant::now();
    let busy_for_a_while =
        move || if started.elapsed() < patience + Duration::from_secs(60) { answer(429, "") } else { completed() };
    let (ending, submits) = ending_of(3, accepted, busy_for_a_while).await;
    assert_eq!((ending.stopped.as_ref(), submits), (None, 3));
    assert_eq!(with_status(&ending, JobStatus::Completed), 3);
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_if_all_polls_refuse_the_key_but_not_if_some_do() {
    let polls = AtomicU32::new(0);
    let odd =
        move || if polls.fetch_add(1, Ordering::Relaxed).is_multiple_of(5) { answer(403, "") } else { completed() };
    let (ending, _) = ending_of(100, accepted, odd).await;
    assert_eq!((ending.stopped.as_ref(), with_status(&ending, JobStatus::Completed)), (None, 100));

    let started = tokio::time::Instant::now();
    let (ending, submits) = ending_of(100, accepted, || answer(403, "no such key")).await;
    assert_eq!(ending.stopped, Some(StopReason::Api(Stop::Auth("HTTP 403: no such key".into()))));
    assert_eq!(with_status(&ending, JobStatus::Pending), submits as usize, "all can be followed later");
    assert!(started.elapsed() < Duration::from_secs(180), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_expired_output_is_polled_for_again_before_it_is_lost() {
    let expired = || answer(200, r#"{"status":"completed","outputs":["https://assets.example/expired.png"]}"#);
    let polls = AtomicU32::new(0);
    let bad_for_a_while = move || match polls.fetch_add(1, Ordering::Relaxed) {
        0 | 3 => expired(),
        1 => answer(404, "not yet everywhere"),
        2 => answer(503, ""),
        _ => completed(),
    };
    let (ending, submits) = ending_of(1, accepted, bad_for_a_while).await;
    assert_eq!((with_status(&ending, JobStatus::Completed), submits), (1, 1));

    let polls = AtomicU32::new(0);
    let down = move || match polls.fetch_add(1, Ordering::Relaxed) {
        0 => answer(200, r#"{"status":"completed","outputs":["https://assets.example/down.png"]}"#),
        _ => answer(404, "not everywhere"),
    };
    let (ending, _) = ending_of(1, accepted, down).await;
    let states: Vec<_> = ending.ledger.live_edits().map(|(_, edit)| &edit.state).collect();
    assert_eq!(states, [&EditState::Failed { class: ErrorClass::Download }], "a later run asks again");

    let (ending, _) = ending_of(1, accepted, expired).await;
    let states: Vec<_> = ending.ledger.live_edits().map(|(_, edit)| &edit.state).collect();
    assert_eq!(states, [&EditState::Failed { class: ErrorClass::Lost }]);
}

#[tokio::test(start_paused = true)]
async fn only_outputs_that_were_damaged_are_fetched_again() {
    let polls = AtomicU32::new(0);
    let one_at_a_time = move || {
        let [first, second] = match polls.fetch_add(1, Ordering::Relaxed) {
            0 => ["1.png", "expired.png"],
            _ => ["expired.png", "2.png"],
        };
        let [first, second] = [first, second].map(|name| format!("https://assets.example/{name}"));
        answer(200, &format!(r#"{{"status":"completed","outputs":["{first}","{second}"]}}"#))
    };
    let (ending, _) = ending_of(1, accepted, one_at_a_time).await;
    assert_eq!(with_status(&ending, JobStatus::Completed), 1);
    assert_eq!(ending.ledger.live_edits().map(|(_, edit)| edit.files().len()).collect::<Vec<_>>(), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_prediction_is_polled_once_more_before_the_job_is_submitted_again() {
    let unknown = || answer(404, "no such prediction");
    let (lost, _) = ending_of(1, accepted, unknown).await;
    assert_eq!(with_status(&lost, JobStatus::Failed), 1);
    let Task::Submit(request) = work(0).task else { unreachable!() };
    let follow_or_resubmit = Work { task: Task::FollowOrResubmit(request), ..work(0) };
    let later = async |ledger: Ledger, task: &Work, poll: fn() -> Exchange| {
        let started = tokio::time::Instant::now();
        let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit: |_| accepted(1), poll });
        let work = std::iter::once(task.clone());
        let ending = simulate(Settings::default(), Arc::clone(&api), ledger, FakeDisk, work).await;
        (ending, api.submits.load(Ordering::Relaxed), started.elapsed())
    };
    let follow = Work { task: Task::Follow, ..work(0) };
    let (lost, submits, took) = later(lost.ledger, &follow, unknown).await;
    assert_eq!((with_status(&lost, JobStatus::Failed), submits), (1, 0));
    assert!(took < Duration::from_secs(5), "one question is enough: {took:?}");
    let (found, submits, _) = later(lost.ledger, &follow_or_resubmit, completed).await;
    assert_eq!((with_status(&found, JobStatus::Completed), submits), (1, 0), "the provider knows it again");

    let (lost, _) = ending_of(1, accepted, unknown).await;
    let (paid_anew, submits, _) = later(lost.ledger, &follow_or_resubmit, unknown).await;
    assert_eq!((with_status(&paid_anew, JobStatus::Failed), submits), (1, 1));
    assert_eq!(paid_anew.ledger.spent(), Cents(14));
}

#[tokio::test(start_paused = true)]
async fn outputs_that_come_late_are_not_paid_for_again() {
    let polls = AtomicU32::new(0);
    let late = move || match polls.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => answer(200, r#"{"status":"completed","outputs":[]}"#),
        _ => completed(),
    };
    let (ending, submits) = ending_of(1, accepted, late).await;
    assert_eq!((with_status(&ending, JobStatus::Completed), submits), (1, 1));

    let Task::Submit(request) = work(0).task else { unreachable!() };
    let retried = Work { task: Task::FollowOrResubmit(request), ..work(0) };
    let (failed, _) = ending_of(1, accepted, || answer(200, r#"{"status":"failed","error":"out of memory"}"#)).await;
    assert_eq!(with_status(&failed, JobStatus::Failed), 1);
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit: |_| accepted(1), poll: completed });
    let found =
        simulate(Settings::default(), Arc::clone(&api), failed.ledger, FakeDisk, std::iter::once(retried)).await;
    assert_eq!(with_status(&found, JobStatus::Completed), 1);
    assert_eq!(api.submits.load(Ordering::Relaxed), 0, "its picture came after it was called failed");

    let (started, polls) = (tokio::time::Instant::now(), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&polls);
    let never = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        answer(200, r#"{"status":"completed","outputs":[]}"#)
    };
    let (ending, _) = ending_of(1, accepted, never).await;
    let states: Vec<_> = ending.ledger.live_edits().map(|(_, edit)| &edit.state).collect();
    assert_eq!(states, [&EditState::Failed { class: ErrorClass::Provider }]);
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
    assert!(polls.load(Ordering::Relaxed) < 10, "the waits grow");
}

#[tokio::test(start_paused = true)]
async fn color_reviews_of_earlier_results_do_not_delay_submits() {
    let (night_before, _) = ending_of(100, accepted, completed).await;
    let tend = |number| {
        let Work { key, task: Task::Submit(request), .. } = work(number) else { unreachable!() };
        let target = ColorTarget { fingerprint: key.fingerprint, request, colors: vec!["#1E90FF".parse().unwrap()] };
        Work { key, task: Task::ReviewColor, standing: Standing::Current, target: Some(Arc::new(target)) }
    };
    let (started, submitted_by) = (tokio::time::Instant::now(), Arc::new(AtomicU32::new(0)));
    let last = Arc::clone(&submitted_by);
    let submit = move |number| {
        last.store(started.elapsed().as_secs() as u32, Ordering::Relaxed);
        accepted(number + 100)
    };
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit, poll: completed });
    let settings = Settings { submits: "50/s".parse().unwrap(), ..Settings::default() };
    let all = (0..100).map(tend).chain((100..110).map(work));
    let ending = simulate(settings, api, night_before.ledger, FakeDisk, all).await;
    let checked = ending.ledger.live_edits().filter(|(_, edit)| edit.checked.is_some()).count();
    assert_eq!((ending.stopped, checked), (None, 100));
    assert!(submitted_by.load(Ordering::Relaxed) < 10 && started.elapsed() > Duration::from_secs(300));
}

#[tokio::test(start_paused = true)]
async fn a_run_keeps_only_line_positions_of_finished_jobs() {
    let file = Arc::new(tempfile::tempfile().unwrap());
    let ledger = replay(Arc::clone(&file)).unwrap().ledger;
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit: accepted, poll: completed });
    let settings = Settings { submits: "1000/s".parse().unwrap(), free_polls: 2, ..Settings::default() };
    // The first job returns for another edit when it is no longer in memory.
    let again = Work { key: EditKey { job: work(0).key.job, ..work(9999).key }, ..work(0) };
    let all: Vec<Work> = (0..600).map(work).chain([again]).collect();
    let keys: Vec<EditKey> = all.iter().map(|work| work.key.clone()).collect();
    let ended = simulate(settings, api, ledger, FileDisk::new(Arc::clone(&file)), all.into_iter()).await.ledger;
    assert!(ended.live_edits().count() < 350, "{} are live", ended.live_edits().count());
    let replayed = replay(file).unwrap().ledger;
    assert!(replayed.agrees_with(&ended));
    for key in keys {
        let edit = ended.edit(&key).unwrap().unwrap();
        assert!(matches!(edit.state, EditState::Completed { .. }), "{edit:?}");
        assert_eq!(edit, replayed.edit(&key).unwrap().unwrap());
    }
}
