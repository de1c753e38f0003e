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
async fn no_more_is_paid_for_once_two_answers_have_no_id() {
    let (ending, submits) = ending_at("1/s", 20, |_| answer(200, r#"{"data":{"id":"p"}}"#), completed).await;
    assert!(matches!(ending.stopped, Some(StopReason::Api(Stop::NoId(_)))), "{:?}", ending.stopped);
    assert_eq!((submits, with_status(&ending, JobStatus::Uncertain)), (2, 2));
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
async fn a_stopped_run_waits_for_the_answers_to_its_submits() {
    for (seconds, status) in [(45, JobStatus::Pending), (290, JobStatus::Pending), (400, JobStatus::Uncertain)] {
        let signal = StopSignal::default();
        let stop = signal.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            stop.stop();
        });
        let effects = fakes::effects(Arc::new(Slow(seconds)), FakeDisk);
        let batch =
            Batch { opening: fakes::opening(), work: (0..1).map(|number| Ok(work(number))), is_job: |_: &str| false };
        let ending =
            run(Settings::default(), effects, Ledger::default(), batch, &mut SilentObserver, signal).await.unwrap();
        assert_eq!(with_status(&ending, status), 1, "an answer after {seconds} s");
    }
}
