//! What a run reports to its observer.

use super::*;

/// What a function picks from each event of a run.
struct Picked<T> {
    pick: fn(&Event<'_>) -> Option<T>,
    picked: Vec<T>,
}

impl<T> Picked<T> {
    fn new(pick: fn(&Event<'_>) -> Option<T>) -> Picked<T> {
        Picked { pick, picked: Vec::new() }
    }
}

impl<T: Send> Observer for Picked<T> {
    fn observe(&mut self, event: &Event<'_>, _totals: &RunTotals) {
        self.picked.extend((self.pick)(event));
    }
}

#[tokio::test(start_paused = true)]
async fn an_undocumented_status_is_reported_once_and_not_for_each_job() {
    let polls = AtomicU32::new(0);
    let poll = move || match polls.fetch_add(1, Ordering::Relaxed) {
        0..40 => answer(200, r#"{"status":"queued"}"#),
        40..60 => answer(200, r#"{"status":"warming up"}"#),
        _ => completed(),
    };
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit: accepted, poll });
    let settings = Settings { submits: "50/s".parse().unwrap(), ..Settings::default() };
    let settings = Settings { in_flight: NonZeroU32::new(32).unwrap(), ..settings };
    let mut words = Picked::new(|event| match event {
        Event::UnknownStatus { word, .. } => Some((*word).to_owned()),
        _ => None,
    });
    let ending = simulate_observed(&mut words, settings, api, Ledger::default(), FakeDisk, (0..30).map(work)).await;
    assert_eq!(with_status(&ending, JobStatus::Completed), 30);
    assert_eq!(words.picked, ["queued", "warming up"]);
}

#[tokio::test(start_paused = true)]
async fn a_price_above_all_before_it_is_reported_once() {
    let submit = |number| {
        let price = [7, 5, 21, 21, 10, 30][number as usize];
        answer(200, &format!(r#"{{"id":"p-{number}","status":"processing","costCents":{price}}}"#))
    };
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit, poll: completed });
    let mut rises = Picked::new(|event| match event {
        Event::PriceRise { from, to, .. } => Some((*from, *to)),
        _ => None,
    });
    let settings = Settings { in_flight: NonZeroU32::MIN, ..Settings::default() };
    simulate_observed(&mut rises, settings, api, Ledger::default(), FakeDisk, (0..6).map(work)).await;
    assert_eq!(rises.picked, [(Cents(7), Cents(21)), (Cents(21), Cents(30))]);
}

#[tokio::test(start_paused = true)]
async fn a_prediction_left_for_a_later_run_tells_why_its_last_poll_failed() {
    let poll = || answer(200, r#"{"id":"another","status":"completed"}"#);
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit: accepted, poll });
    let mut causes = Picked::new(|event| match event {
        Event::Deferred { cause, .. } => Some((*cause).to_owned()),
        _ => None,
    });
    let settings = Settings { deadline: Some(Duration::from_secs(6)), grace: Duration::ZERO, ..Settings::default() };
    simulate_observed(&mut causes, settings, api, Ledger::default(), FakeDisk, std::iter::once(work(0))).await;
    let [cause] = &causes.picked[..] else { panic!("{:?}", causes.picked) };
    assert!(
        cause.starts_with("the run was stopped; the last poll failed: an answer about another prediction"),
        "{cause}"
    );
}

#[tokio::test(start_paused = true)]
async fn simultaneous_refusals_are_reported_as_one_pause() {
    let submit = |number| match number {
        1..9 => Exchange::Answer(Answer { status: 429, retry_after: Some("5".into()), ..Answer::default() }),
        _ => accepted(number),
    };
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit, poll: completed });
    let settings = Settings {
        submits: "50/s".parse().unwrap(),
        burst: NonZeroU32::new(9).unwrap(),
        in_flight: NonZeroU32::new(32).unwrap(),
        ..Settings::default()
    };
    let mut pauses = Picked::new(|event| matches!(event, Event::Paused { .. }).then_some(()));
    let ending = simulate_observed(&mut pauses, settings, api, Ledger::default(), FakeDisk, (0..20).map(work)).await;
    assert_eq!((with_status(&ending, JobStatus::Completed), pauses.picked.len()), (20, 1));
}

#[tokio::test(start_paused = true)]
async fn a_picture_that_is_gone_here_and_at_the_provider_is_reported() {
    let (ending, _) = ending_of(1, accepted, completed).await;
    let gone = || answer(404, "no such prediction");
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit: accepted, poll: gone });
    let follow = Work { task: Task::Follow, ..work(0) };
    let ending = simulate(Settings::default(), api, ending.ledger, FakeDisk, std::iter::once(follow)).await;
    let (_, edit) = ending.ledger.live_edits().next().unwrap();
    let message = edit.problem.as_ref().unwrap().message.clone();
    assert!(message.contains("was removed or damaged here, and cannot be downloaded again"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_says_that_predictions_are_open_only_if_some_are() {
    let stops = async |status: u16, accepts: u32| {
        let submit = move |number| if number < accepts { accepted(number) } else { answer(status, "no") };
        let poll = || answer(200, r#"{"status":"processing"}"#);
        let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit, poll });
        let settings = Settings { job_timeout: Duration::from_secs(60), ..Settings::default() };
        let mut stops = Picked::new(|event| match event {
            Event::Stopping { under_way, .. } => Some(*under_way),
            _ => None,
        });
        simulate_observed(&mut stops, settings, api, Ledger::default(), FakeDisk, (0..5).map(work)).await;
        stops.picked.pop().unwrap()
    };
    assert_eq!(stops(401, 0).await, InFlight::Nothing, "the refused submit is none");
    assert_eq!(stops(402, 0).await, InFlight::Nothing, "the refused submit is none");
    assert_eq!(stops(401, 2).await, InFlight::Drained);
    assert_eq!(stops(402, 2).await, InFlight::Drained);
}
