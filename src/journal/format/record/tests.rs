use super::*;
use crate::color::{Check, Hex, Tolerance};
use crate::job::{Backend, ContentHash, Rate, Seed, StatusCounts};
use crate::journal::format::{EditState, LastRunTotals, Problem, Settlement};

fn key() -> EditKey {
    EditKey { job: JobId::new("mug-ocean").unwrap(), fingerprint: "000102030405060708090a0b0c0d0e0f".parse().unwrap() }
}

fn at() -> Timestamp {
    "2026-11-23T20:00:00.123Z".parse().unwrap()
}

#[test]
fn a_line_is_readable_json() {
    let record = Record::Edit(key(), Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: None });
    insta::assert_snapshot!(String::from_utf8(record.to_line(at()).unwrap()).unwrap().trim_end(), @r#"{"v":1,"at":"2026-11-23T20:00:00.123Z","job":"mug-ocean","fingerprint":"000102030405060708090a0b0c0d0e0f","type":"intent","attempt":1,"reserved_cents":7}"#);
}

/// Returns a record of each kind.
pub(in crate::journal) fn one_of_each() -> Vec<Record> {
    let file =
        SavedFile { name: "mug-ocean.png".into(), bytes: 12, blake3: ContentHash::of(b"x"), width: 3, height: 4 };
    let check = Check {
        shown: Some(Hex([32, 140, 250])),
        delta_e: Some(1.37),
        reason: Some("because".into()),
        ..Check::unmeasurable(Hex([30, 144, 255]), "")
    };
    let checked = Checked {
        wanted: vec![Hex([30, 144, 255]), Hex([0; 3])],
        tolerance: Tolerance::default(),
        check: check.clone(),
        uncorrected: Some("the region is uncertain".into()),
    };
    let reroll = Reroll { of: key().fingerprint, seed: Seed::new(77).unwrap() };
    let jobs = StatusCounts { total: 4, completed: 1, failed: 1, uncertain: 1, pending: 1 };
    let run = RunEvent::Run(RunStart {
        manifest: "catalog.yaml".into(),
        backend: Backend::Embedded,
        program: "0.1.0".into(),
        jobs,
        budget_cents: Some(Cents(100)),
        partition: Some("2/8".parse().unwrap()),
        resume: Some("dyehouse run catalog.yaml --budget 1".into()),
        ..RunStart::default()
    });
    let summary = CompactedEdit {
        state: EditState::Completed { files: vec![file.clone()] },
        shown: true,
        attempts: 3,
        prediction: PredictionId::new("p-3").ok(),
        status_path: None,
        earlier: vec![PredictionId::new("p-1").unwrap()],
        spent: Cents(14),
        reserved_for_uncertain: Cents(7),
        uncertain_submits: 1,
        submitted_at: Some(at()),
        finished_at: Some(at()),
        problem: Some(Problem { class: Some(ErrorClass::Download), message: "gone".into(), taken: None }),
        removed: Vec::new(),
        reroll: Some(reroll),
        settlement: Some(Settlement::Adopted),
        checked: Some(Box::new(checked.clone())),
        corrected: Some(Box::new(Corrected { files: vec![file.clone()], check: check.clone() })),
    };
    let steps = [
        Step::Intent { attempt: 2, reserved_cents: Cents(7), reroll: None },
        Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: Some(reroll) },
        Step::Refused { message: "no route \"x\"\n".into() },
        Step::Uncertain { message: "503".into(), taken: None },
        Step::Uncertain { message: "given twice".into(), taken: Some(PredictionId::new("p-1").unwrap()) },
        Step::Released,
        Step::Accepted { prediction: PredictionId::new("p-1").unwrap(), cost_cents: Cents(9), status_path: None },
        Step::Accepted {
            prediction: PredictionId::new("p-2").unwrap(),
            cost_cents: Cents(9),
            status_path: Some(serde_json::from_str(r#""/v2/status/p-2""#).unwrap()),
        },
        Step::Adopted { prediction: PredictionId::new("p-1").unwrap(), cost_cents: Cents(9), replaces: None },
        Step::Adopted {
            prediction: PredictionId::new("p-2").unwrap(),
            cost_cents: Cents::ZERO,
            replaces: PredictionId::new("p-1").ok(),
        },
        Step::Generated { outputs: 1 },
        Step::Fetched { files: vec![file.clone()] },
        Step::Completed,
        Step::Checked(Box::new(checked)),
        Step::Corrected(Box::new(Corrected { files: vec![file], check })),
        Step::Reinstated,
        Step::SetAside,
        Step::Failed { class: ErrorClass::Lost, message: "gone".into() },
        Step::Summary(Box::new(summary.clone())),
        Step::Summary(Box::new(CompactedEdit {
            state: EditState::Submitting { reserved: Cents(7) },
            checked: None,
            corrected: None,
            problem: None,
            reroll: None,
            ..summary.clone()
        })),
        Step::Summary(Box::new(CompactedEdit {
            attempts: 1,
            earlier: Vec::new(),
            reserved_for_uncertain: Cents::ZERO,
            uncertain_submits: 0,
            checked: None,
            corrected: None,
            problem: None,
            reroll: None,
            settlement: None,
            ..summary
        })),
    ];
    let mut records: Vec<Record> = steps.into_iter().map(|step| Record::Edit(key(), step)).collect();
    records.push(Record::Run(run));
    records.push(Record::Run(RunEvent::Paused {
        milliseconds: 5,
        reason: "429".into(),
        cause: Some(PauseCause::RateLimited),
    }));
    let submits = Some(Rate::from_per_second(2.5));
    let polls = Some(Rate::from_per_second(4.0));
    let unrefused = Some(Rate::from_per_second(2.0));
    let generation_ms = vec![15_000, 40_000];
    let learned =
        LearnedLimits { submits, unrefused, in_flight: Some(8), odd_refusals: Some(50), polls, generation_ms };
    records.push(Record::Run(RunEvent::Learned(learned)));
    let EditKey { job, fingerprint } = key();
    let redo = Redo { job, fingerprint, instead_of: Seed::new(3), seed: Seed::new(4) };
    records.push(Record::Run(RunEvent::Redo { jobs: vec![redo] }));
    let last_run = Some(LastRunTotals { submits: 3, spent_cents: Cents(14) });
    let (first_submit_at, last_submit_at) = (Some(at()), Some(at()));
    let totals =
        Totals { jobs, estimate_cents: Cents(9), first_submit_at, last_submit_at, last_finish_at: None, last_run };
    records.push(Record::Run(RunEvent::Compacted(totals)));
    records.push(Record::Run(RunEvent::Ended { reason: None, stop: None }));
    records
}

#[test]
fn every_record_round_trips_through_its_line() {
    for record in one_of_each() {
        let line = record.to_line(at()).unwrap();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "one record is one line");
        let (time, read) = Record::from_line(line.trim_ascii_end()).unwrap();
        assert_eq!((time, read), (at(), record));
    }
}

#[test]
fn records_that_older_programs_do_not_know_have_a_newer_version() {
    let version = |step| Record::Edit(key(), step).to_line(at()).unwrap()[..6].to_vec();
    let check = Check::unmeasurable(Hex([0; 3]), "too small");
    assert_eq!(version(Step::Completed), b"{\"v\":1");
    let learned = Record::Run(RunEvent::Learned(LearnedLimits::default())).to_line(at()).unwrap();
    assert!(learned.starts_with(b"{\"v\":2"));
    assert_eq!(version(Step::Corrected(Box::new(Corrected { files: Vec::new(), check }))), b"{\"v\":2");
}

#[test]
fn a_newer_version_is_refused() {
    let line = br#"{"v":9,"at":"2026-11-23T20:00:00Z","type":"ended"}"#;
    assert!(matches!(Record::from_line(line), Err(LineError::Newer(9))));
}

#[test]
fn an_id_that_could_leave_the_folder_is_no_record() {
    let line = br#"{"v":1,"at":"2026-11-23T20:00:00Z","type":"completed","job":"../x","fingerprint":"000102030405060708090a0b0c0d0e0f"}"#;
    assert!(matches!(Record::from_line(line), Err(LineError::Malformed(_))));
}
