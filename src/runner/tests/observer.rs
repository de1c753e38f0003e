//! What a run reports to its observer.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_undocumented_status_is_reported_once_and_not_for_each_job() {
    struct Words(Vec<String>);
    impl Observer for Words {
        fn observe(&mut self, event: &Event<'_>, _totals: &RunTotals) {
            if let Event::UnknownStatus { word, .. } = event {
                self.0.push((*word).to_owned());
            }
        }
    }
    let polls = AtomicU32::new(0);
    let poll = move || match polls.fetch_add(1, Ordering::Relaxed) {
        0..40 => answer(200, r#"{"status":"queued"}"#),
        40..60 => answer(200, r#"{"status":"warming up"}"#),
        _ => completed(),
    };
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit: accepted, poll });
    let settings = Settings { submits: "50/s".parse().unwrap(), ..Settings::default() };
    let settings = Settings { in_flight: NonZeroU32::new(32).unwrap(), ..settings };
    let mut words = Words(Vec::new());
    let ending = simulate_observed(&mut words, settings, api, Ledger::default(), FakeDisk, (0..30).map(work)).await;
    assert_eq!(with_status(&ending, JobStatus::Completed), 30);
    assert_eq!(words.0, ["queued", "warming up"]);
}

#[tokio::test(start_paused = true)]
async fn a_price_above_all_before_it_is_reported_once() {
    struct Rises(Vec<(Cents, Cents)>);
    impl Observer for Rises {
        fn observe(&mut self, event: &Event<'_>, _totals: &RunTotals) {
            if let Event::PriceRise { from, to, .. } = event {
                self.0.push((*from, *to));
            }
        }
    }
    let submit = |number| {
        let price = [7, 5, 21, 21, 10, 30][number as usize];
        answer(200, &format!(r#"{{"id":"p-{number}","status":"processing","costCents":{price}}}"#))
    };
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit, poll: completed });
    let mut rises = Rises(Vec::new());
    let settings = Settings { in_flight: NonZeroU32::MIN, ..Settings::default() };
    simulate_observed(&mut rises, settings, api, Ledger::default(), FakeDisk, (0..6).map(work)).await;
    assert_eq!(rises.0, [(Cents(7), Cents(21)), (Cents(21), Cents(30))]);
}

#[tokio::test(start_paused = true)]
async fn a_prediction_left_for_a_later_run_tells_why_its_last_poll_failed() {
    struct Causes(Vec<String>);
    impl Observer for Causes {
        fn observe(&mut self, event: &Event<'_>, _totals: &RunTotals) {
            if let Event::Deferred { cause, .. } = event {
                self.0.push((*cause).to_owned());
            }
        }
    }
    let poll = || answer(200, r#"{"id":"another","status":"completed"}"#);
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit: accepted, poll });
    let mut causes = Causes(Vec::new());
    let settings = Settings { deadline: Some(Duration::from_secs(6)), grace: Duration::ZERO, ..Settings::default() };
    simulate_observed(&mut causes, settings, api, Ledger::default(), FakeDisk, std::iter::once(work(0))).await;
    let [cause] = &causes.0[..] else { panic!("{:?}", causes.0) };
    assert!(
        cause.starts_with("the run was stopped; the last poll failed: an answer about another prediction"),
        "{cause}"
    );
}

#[tokio::test(start_paused = true)]
async fn simultaneous_refusals_are_reported_as_one_pause() {
    struct Pauses(u32);
    impl Observer for Pauses {
        fn observe(&mut self, event: &Event<'_>, _totals: &RunTotals) {
            self.0 += u32::from(matches!(event, Event::Paused { .. }));
        }
    }
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
    let mut pauses = Pauses(0);
    let ending = simulate_observed(&mut pauses, settings, api, Ledger::default(), FakeDisk, (0..20).map(work)).await;
    assert_eq!((with_status(&ending, JobStatus::Completed), pauses.0), (20, 1));
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

/// What the observer is told about open predictions when the run stops.
struct Stops(Option<InFlight>);

impl Observer for Stops {
    fn observe(&mut self, event: &Event<'_>, _totals: &RunTotals) {
        if let Event::Stopping { under_way, .. } = event {
            self.0 = Some(*under_way);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_says_that_predictions_are_open_only_if_some_are() {
    let stops = async |status: u16, accepts: u32| {
        let submit = move |number| if number < accepts { accepted(number) } else { answer(status, "no") };
        let poll = || answer(200, r#"{"status":"processing"}"#);
        let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit, poll });
        let settings = Settings { job_timeout: Duration::from_secs(60), ..Settings::default() };
        let mut stops = Stops(None);
        simulate_observed(&mut stops, settings, api, Ledger::default(), FakeDisk, (0..5).map(work)).await;
        stops.0.unwrap()
    };
    assert_eq!(stops(401, 0).await, InFlight::Nothing, "the refused submit is none");
    assert_eq!(stops(402, 0).await, InFlight::Nothing, "the refused submit is none");
    assert_eq!(stops(401, 2).await, InFlight::Drained);
    assert_eq!(stops(402, 2).await, InFlight::Drained);
}
