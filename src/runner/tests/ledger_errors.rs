//! A run that ends because the journal cannot be read again.

use std::fs::File;
use std::sync::mpsc;
use std::thread;

use tokio::runtime::Builder;

use super::*;

/// Answers the first submit at once with two pictures that download slowly, and the second one after a minute.
struct SecondIsSlow(AtomicU32);

impl EditApi for SecondIsSlow {
    async fn submit(&self, _request: &EditRequest, _intended: &Intended) -> Exchange {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => {
                let outputs = r#"["https://assets.example/slow-1.png","https://assets.example/slow-2.png"]"#;
                let body = format!(r#"{{"id":"first","status":"completed","outputs":{outputs},"costCents":7}}"#);
                answer(200, &body)
            }
            number => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                accepted(number)
            }
        }
    }

    async fn poll(&self, _prediction: &PredictionId, _path: Option<&StatusPath>) -> Exchange {
        completed()
    }
}

/// Runs two new jobs and one whose earlier lines are gone from the journal. Returns the error and the journal of that run.
async fn run_without_earlier_lines() -> (Option<RunFailure>, Arc<File>) {
    let earlier = Arc::new(tempfile::tempfile().unwrap());
    let api = Arc::new(Scripted { submits: AtomicU32::new(7), submit: accepted, poll: completed });
    let disk = FileDisk::new(Arc::clone(&earlier));
    simulate(Settings::default(), api, Ledger::default(), disk, std::iter::once(work(7))).await;
    let mut ledger = replay(Arc::clone(&earlier)).unwrap().ledger;
    ledger.archive(work(7).key.job);
    earlier.set_len(0).unwrap();

    let again = Work { key: EditKey { job: work(7).key.job, ..work(9999).key }, ..work(7) };
    let batch = Batch {
        opening: fakes::opening(),
        work: [work(0), work(1), again].into_iter().map(Ok),
        is_job: |_: &str| false,
    };
    let journal = Arc::new(tempfile::tempfile().unwrap());
    let effects = fakes::effects(Arc::new(SecondIsSlow(AtomicU32::new(0))), FileDisk::new(Arc::clone(&journal)));
    let settings = Settings { submits: "1/s".parse().unwrap(), ..Settings::default() };
    let ended = run(settings, effects, ledger, batch, &mut SilentObserver, StopSignal::default()).await;
    (ended.err(), journal)
}

#[test]
fn a_journal_that_cannot_be_read_again_does_not_keep_the_run_from_its_last_answers() {
    let (sender, ended) = mpsc::channel();
    // A run that never yields again would also stop a timeout of its own thread.
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        sender.send(runtime.block_on(run_without_earlier_lines()))
    });
    let (error, journal) = ended.recv_timeout(Duration::from_secs(30)).expect("the run ends");
    assert!(matches!(error, Some(RunFailure { error: RunError::Lines(_), .. })), "{error:?}");
    let ledger = replay(journal).unwrap().ledger;
    let edit = |number| ledger.edit(&work(number).key).unwrap().unwrap();
    let files: Vec<String> = edit(0).files().iter().map(|file| file.name.clone()).collect();
    assert_eq!(files, ["job-0.png", "job-0-2.png"]);
    assert!(edit(1).prediction.is_some(), "the answer that came after a minute is recorded");
}
