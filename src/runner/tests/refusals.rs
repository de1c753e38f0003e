//! Providers that refuse a single request, whose answers have no id, or that answer only after the run was stopped.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_request_that_is_forbidden_holds_up_no_other() {
    let submit = |number| if number == 0 || number == 20 { answer(403, "no") } else { accepted(number) };
    let (ending, submits) = ending_of(20, submit, completed).await;
    assert_eq!((ending.stopped.as_ref(), submits), (None, 21), "the first one is tried again at the end");
    assert_eq!(with_status(&ending, JobStatus::Completed), 19);
    assert_eq!(with_status(&ending, JobStatus::Failed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_forbidden_everything_stops_the_run_and_fails_no_job() {
    let (ending, submits) = ending_at("1/s", 20, |_| answer(403, "no"), completed).await;
    assert!(matches!(ending.stopped, Some(StopReason::Api(Stop::Auth(_)))), "{:?}", ending.stopped);
    assert_eq!((submits, with_status(&ending, JobStatus::Failed)), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_sometimes_refuses_the_key_holds_up_no_job() {
    let submit = |number| if number % 7 == 0 { answer(401, "try again") } else { accepted(number) };
    let (ending, submits) = ending_of(60, submit, completed).await;
    assert_eq!((ending.stopped.as_ref(), submits), (None, 70), "each refused one is tried again at the end");
    assert_eq!(with_status(&ending, JobStatus::Completed), 60);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_revoked_stops_the_run_and_fails_no_job() {
    let submit = |number| if number < 5 { accepted(number) } else { answer(401, "no such key") };
    let (ending, submits) = ending_at("1/s", 20, submit, completed).await;
    assert_eq!(ending.stopped, Some(StopReason::Api(Stop::Auth("HTTP 401: no such key".into()))));
    assert_eq!((submits, with_status(&ending, JobStatus::Completed)), (8, 5), "three are refused in a row");
    assert_eq!(with_status(&ending, JobStatus::Failed), 0);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_flagged_stops_the_run_and_fails_no_job() {
    let flagged = r#"{"error":"Your account has been flagged for review. Contact support."}"#;
    let (ending, submits) = ending_at("1/s", 20, |_| answer(403, flagged), completed).await;
    assert!(matches!(ending.stopped, Some(StopReason::Api(Stop::Account(_)))), "{:?}", ending.stopped);
    assert_eq!((submits, with_status(&ending, JobStatus::Failed)), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn prompts_that_are_moderated_fail_and_hold_up_no_other() {
    let moderated = r#"{"error":"flagged by moderation"}"#;
    let is_moderated = |number| number < 2 || (8..14).contains(&number);
    let submit = move |number| if is_moderated(number) { answer(403, moderated) } else { accepted(number) };
    let (ending, submits) = ending_at("1/s", 20, submit, completed).await;
    assert_eq!((ending.stopped.as_ref(), submits), (None, 22), "the first two are tried again at the end");
    assert_eq!(with_status(&ending, JobStatus::Failed), 6);
}

#[tokio::test(start_paused = true)]
async fn no_more_is_paid_for_once_two_answers_have_no_id() {
    let (ending, submits) = ending_at("1/s", 20, |_| answer(200, r#"{"data":{"id":"p"}}"#), completed).await;
    let lack = "HTTP 200 without an id".to_owned();
    assert_eq!(ending.stopped, Some(StopReason::Api(Stop::NoId(lack))), "the body is in the records of the jobs");
    assert_eq!((submits, with_status(&ending, JobStatus::Uncertain)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_an_id_is_uncertain_like_any_other_once_the_api_has_named_ids() {
    let failing = r#"{"error":"internal","code":500}"#;
    let pairs = |number| if number % 10 >= 8 { answer(200, failing) } else { accepted(number) };
    let (ending, submits) = ending_at("5/s", 200, pairs, completed).await;
    assert_eq!((ending.stopped.as_ref(), submits), (None, 200));
    assert_eq!((with_status(&ending, JobStatus::Completed), with_status(&ending, JobStatus::Uncertain)), (160, 40));

    let for_good = |number| if number >= 8 { answer(200, failing) } else { accepted(number) };
    let (ending, submits) = ending_at("5/s", 200, for_good, completed).await;
    assert!(matches!(ending.stopped, Some(StopReason::Failing(_))), "{:?}", ending.stopped);
    assert!((8 + 10..8 + 30).contains(&submits), "{submits} submits");

    let rejected = |number| if number == 0 { answer(400, "a bad prompt") } else { answer(200, failing) };
    let (ending, submits) = ending_at("1/s", 20, rejected, completed).await;
    let lack = "HTTP 200 with an error and without an id".to_owned();
    assert_eq!((ending.stopped, submits), (Some(StopReason::Api(Stop::NoId(lack))), 3), "it has named none");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_does_not_exist_stops_the_run_and_fails_no_job() {
    let (ending, submits) = ending_at("1/s", 20, |_| answer(404, "no such model"), completed).await;
    assert!(matches!(ending.stopped, Some(StopReason::Api(Stop::NoEndpoint(_)))), "{:?}", ending.stopped);
    assert_eq!((submits, with_status(&ending, JobStatus::Failed)), (3, 0));

    let submit = |number| if (2..8).contains(&number) { answer(404, "no such picture") } else { accepted(number) };
    let (ending, submits) = ending_at("1/s", 20, submit, completed).await;
    assert_eq!((ending.stopped.as_ref(), submits), (None, 20), "an endpoint that has answered exists");
    assert_eq!(with_status(&ending, JobStatus::Failed), 6);
}

#[tokio::test(start_paused = true)]
async fn predictions_are_finished_after_a_submit_was_redirected() {
    let submit = |number| if number == 5 { answer(307, "") } else { accepted(number) };
    let (ending, submits) = ending_at("1/s", 20, submit, completed).await;
    assert!(matches!(ending.stopped, Some(StopReason::Api(Stop::Redirected(_)))), "{:?}", ending.stopped);
    assert_eq!((submits, with_status(&ending, JobStatus::Completed)), (6, 5));
}

#[tokio::test(start_paused = true)]
async fn the_hint_of_one_failed_poll_holds_up_no_other_prediction() {
    let polls = AtomicU32::new(0);
    let hinted = || Answer { status: 503, retry_after: Some("900".into()), ..Answer::default() };
    let poll = move || match polls.fetch_add(1, Ordering::Relaxed) {
        0 => Exchange::Answer(hinted()),
        _ => completed(),
    };
    let started = tokio::time::Instant::now();
    let (ending, _) = ending_of(200, accepted, poll).await;
    assert_eq!((ending.stopped.as_ref(), with_status(&ending, JobStatus::Completed)), (None, 200));
    let took = started.elapsed();
    assert!(took < Duration::from_secs(75), "a picture may expire within 15 minutes: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn outputs_of_an_unknown_form_are_polled_again_by_the_next_run_at_no_cost() {
    let unknown = || answer(200, r#"{"status":"completed","outputs":[{"picture":{"id":7}}]}"#);
    let (ending, _) = ending_of(1, accepted, unknown).await;
    let states: Vec<_> = ending.ledger.live_edits().map(|(_, edit)| &edit.state).collect();
    assert_eq!(states, [&EditState::Failed { class: ErrorClass::Download }]);
}

/// A disk that needs a second to sync.
struct SlowDisk;

impl Disk for SlowDisk {
    async fn append(&mut self, _bytes: Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    async fn sync(&mut self) -> io::Result<()> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(())
    }
}

/// Runs `jobs` jobs, and asks the run to stop after this time.
async fn stopped_after(time: Duration, api: Arc<impl EditApi>, disk: impl Disk, jobs: u32) -> RunOutcome {
    let signal = StopSignal::default();
    let stop = signal.clone();
    tokio::spawn(async move {
        tokio::time::sleep(time).await;
        stop.stop();
    });
    let batch = Batch { opening: fakes::opening(), work: (0..jobs).map(work).map(Ok), is_job: |_: &str| false };
    let effects = fakes::effects(api, disk);
    run(Settings::default(), effects, Ledger::default(), batch, &mut SilentObserver, signal).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_submit_that_was_not_sent_yet_is_withdrawn_when_the_run_stops() {
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit: accepted, poll: completed });
    // The intent of the first submit is being synced.
    let ending = stopped_after(Duration::from_millis(500), Arc::clone(&api), SlowDisk, 3).await;
    assert_eq!((api.submits.load(Ordering::Relaxed), ending.ledger.reserved()), (0, Cents::ZERO));
    assert_eq!(ending.stopped, Some(StopReason::Signal));
}

/// An API that answers each submit after this many seconds.
struct Slow(u64);

impl EditApi for Slow {
    async fn submit(&self, _request: &EditRequest, _intended: &Intended) -> Exchange {
        tokio::time::sleep(Duration::from_secs(self.0)).await;
        accepted(0)
    }

    async fn poll(&self, _prediction: &PredictionId, _path: Option<&StatusPath>) -> Exchange {
        answer(200, r#"{"status":"processing"}"#)
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_a_reason_only_if_it_left_something_undone() {
    for tenths in 1..300 {
        let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit: accepted, poll: completed });
        let ending = stopped_after(Duration::from_millis(100 * tenths), api, SlowDisk, 1).await;
        let is_done = with_status(&ending, JobStatus::Completed) == 1;
        assert_eq!(ending.stopped.is_none(), is_done, "stopped after {tenths} tenths of a second");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_waits_for_the_answers_to_its_submits() {
    for (seconds, status) in [(45, JobStatus::Pending), (290, JobStatus::Pending), (9000, JobStatus::Uncertain)] {
        let ending = stopped_after(Duration::from_secs(2), Arc::new(Slow(seconds)), FakeDisk, 1).await;
        assert_eq!(with_status(&ending, status), 1, "an answer after {seconds} s");
    }
}
