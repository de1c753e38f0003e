//! A wall clock that is set back during a run.

use std::sync::atomic::AtomicBool;

use jiff::SignedDuration;

use super::*;
use crate::job::Seed;
use crate::journal::{Record, Reroll, Step};
use crate::outputs::Verified;
use crate::runner::fakes::FakePicture;

/// Returns the ledger after a run two days ago, with a job whose re-roll has timed out, and the key of the re-roll.
fn with_a_stuck_reroll() -> (Ledger, EditKey) {
    let base = work(0).key;
    let reroll = Reroll { of: base.fingerprint, seed: Seed::new(7).unwrap() };
    let key = EditKey { fingerprint: base.fingerprint.rerolled(reroll.seed), ..base.clone() };
    let accepted = |number: u32| {
        let prediction = PredictionId::new(&format!("prediction-{number}")).unwrap();
        Step::Accepted { prediction, cost_cents: Cents(7), status_path: None }
    };
    let steps = [
        (&base, Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: None }),
        (&base, accepted(0)),
        (&base, Step::Generated { outputs: 1 }),
        (&base, Step::Fetched { files: vec![FakePicture.saved_as("job-0.png".to_owned())] }),
        (&base, Step::Completed),
        (&key, Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: Some(reroll) }),
        (&key, accepted(1)),
        (&key, Step::Failed { class: ErrorClass::Timeout, message: "not finished after 24 hours".to_owned() }),
    ];
    let mut ledger = Ledger::default();
    for (key, step) in steps {
        ledger.apply(fakes::START - SignedDuration::from_hours(48), &Record::Edit(key.clone(), step)).unwrap();
    }
    (ledger, key)
}

#[tokio::test(start_paused = true)]
async fn a_reroll_that_is_stuck_is_polled_once_although_the_clock_is_set_back() {
    let (ledger, key) = with_a_stuck_reroll();
    let polls = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&polls);
    let poll = move || {
        count.fetch_add(1, Ordering::Relaxed);
        answer(200, r#"{"status":"processing"}"#)
    };
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit: accepted, poll });
    let effects = fakes::effects(api, FakeDisk);
    let (clock, is_set_back) = (Arc::clone(&effects.now), AtomicBool::new(false));
    // The record that starts the run has the time before the clock is set back.
    let now = Arc::new(move || match is_set_back.swap(true, Ordering::Relaxed) {
        true => clock() - SignedDuration::from_hours(1),
        false => clock(),
    });
    let follow = Work { key, task: Task::Follow, standing: Standing::Alternative, ..work(0) };
    let batch = Batch { opening: fakes::opening(), work: [Ok(follow)].into_iter(), is_job: |_: &str| false };
    let effects = Effects { now, ..effects };
    let ending =
        run(Settings::default(), effects, ledger, batch, &mut SilentObserver, StopSignal::default()).await.unwrap();
    assert_eq!((ending.stopped, polls.load(Ordering::Relaxed)), (None, 1));
}
