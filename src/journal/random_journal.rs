//! Journals of random, valid steps, for property tests of all readers of journals.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;

use crate::api::PredictionId;
use crate::color::{Check, Hex, Tolerance, Verdict};
use crate::job::{Cents, ContentHash, ErrorClass, Fingerprint, JobId, Seed};
use crate::journal::{Checked, Corrected, EditKey, Ledger, Record, Redo, Reroll, RunEvent, SavedFile, Step};

/// Returns the running ledger and the lines of a journal made from `choices`. Each is a job, one of its fingerprints
/// and a step. Invalid steps are left out. Some jobs are made anew. The last edit of every other job is a re-roll of its first.
pub(super) fn random_journal(choices: &[(usize, usize, usize)]) -> (Ledger, Vec<u8>) {
    let (mut ledger, mut lines) = (Ledger::default(), Vec::new());
    for (number, &(job, version, choice)) in choices.iter().enumerate() {
        let name = ["a", "b", "größe", "d-2"][job];
        let key = EditKey { job: JobId::new(name).unwrap(), fingerprint: fingerprint(version) };
        let at = Timestamp::from_second(number as i64).unwrap();
        let attempt = ledger.live(&key).map_or(0, |edit| edit.attempts) + 1;
        let reroll = (job % 2 == 1 && version == 2)
            .then(|| Reroll { of: fingerprint(0), seed: Seed::new(number as u16).unwrap() });
        let message = || "it \"broke\"".to_owned();
        let step = match choice {
            0 | 1 => Step::Intent { attempt, reserved_cents: ledger.estimate(), reroll },
            2 => Step::Refused { message: message() },
            3 => Step::Uncertain { message: message(), taken: None },
            4 | 5 => Step::Accepted {
                prediction: PredictionId::new(&format!("p-{number}")).unwrap(),
                cost_cents: Cents(number as u64),
                status_path: (number % 2 == 1)
                    .then(|| serde_json::from_value(format!("/v2/status/p-{number}").into()).unwrap()),
            },
            6 => Step::Generated { outputs: 1 },
            7 => Step::Fetched { files: files(name, &[".png"]) },
            8 => Step::Fetched { files: files(name, &[".jpg", "-2.jpg"]) },
            9 => Step::Reinstated,
            10 => Step::Failed { class: ErrorClass::Download, message: message() },
            11 => Step::Failed { class: ErrorClass::Moderated, message: message() },
            12 => Step::Released,
            13 | 14 => Step::Completed,
            15 => Step::SetAside,
            16 => Step::Checked(Box::new(Checked {
                wanted: vec![Hex([number as u8, 0, 0])],
                tolerance: Tolerance::default(),
                check: check(number),
                uncorrected: (number % 5 == 0).then(message),
            })),
            17 => {
                let replaces = ledger.live(&key).and_then(|edit| edit.replaceable().cloned());
                Step::Adopted {
                    prediction: PredictionId::new(&format!("p-{number}")).unwrap(),
                    cost_cents: if replaces.is_some() { Cents::ZERO } else { Cents(number as u64) },
                    replaces,
                }
            }
            _ => Step::Corrected(Box::new(Corrected { files: files(name, &[".png"]), check: check(number) })),
        };
        let can_follow = match ledger.live(&key) {
            Some(edit) => edit.next(&step).is_some(),
            None => matches!(step, Step::Intent { .. }),
        };
        let redo = (step == Step::Reinstated).then(|| Redo {
            job: key.job.clone(),
            fingerprint: key.fingerprint,
            instead_of: None,
            seed: Seed::new(number as u16).filter(|_| number % 3 > 0),
        });
        let decided = redo.map(|redo| Record::Run(RunEvent::Redo { jobs: vec![redo] }));
        for record in decided.into_iter().chain(can_follow.then_some(Record::Edit(key, step))) {
            ledger.apply(at, &record).unwrap();
            lines.extend(record.to_line(at).unwrap());
        }
    }
    (ledger, lines)
}

pub(super) fn choices() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
    prop::collection::vec((0..4usize, 0..3usize, 0..19usize), 0..300)
}

fn fingerprint(version: usize) -> Fingerprint {
    format!("{version:032x}").parse().unwrap()
}

fn files(job: &str, names: &[&str]) -> Vec<SavedFile> {
    let file = |name: &&str| SavedFile {
        name: format!("{job}{name}"),
        bytes: 5,
        blake3: ContentHash::of(b"x"),
        width: 1,
        height: 2,
    };
    names.iter().map(file).collect()
}

fn check(number: usize) -> Check {
    let verdict = [Verdict::On, Verdict::Near, Verdict::Off, Verdict::Unmeasurable][number % 4];
    Check { verdict, delta_e: Some(number as f64), ..Check::unmeasurable(Hex([number as u8, 0, 0]), "it is dark") }
}

#[test]
fn random_journals_have_every_step_but_those_of_compaction() {
    // A new step needs a choice of its own, and a number here.
    let number = |step: &Step| match step {
        Step::Intent { .. } => 0,
        Step::Refused { .. } => 1,
        Step::Uncertain { .. } => 2,
        Step::Released => 3,
        Step::Accepted { .. } => 4,
        Step::Generated { .. } => 5,
        Step::Fetched { .. } => 6,
        Step::Completed => 7,
        Step::Checked(_) => 8,
        Step::Corrected(_) => 9,
        Step::Reinstated => 10,
        Step::SetAside => 11,
        Step::Failed { .. } => 12,
        Step::Adopted { .. } => 13,
        Step::Summary(_) => usize::MAX,
    };
    let choices = [0, 2, 0, 3, 12, 17, 17, 10, 0, 4, 6, 7, 13, 16, 18, 9, 15, 10].map(|choice| (1, 2, choice));
    let (ledger, lines) = random_journal(&choices);
    let records = lines.split_inclusive(|byte| *byte == b'\n').map(|line| Record::from_line(line).unwrap().1);
    let steps: BTreeSet<usize> = records
        .map(|record| match record {
            Record::Edit(_, step) => number(&step),
            Record::Run(RunEvent::Redo { .. }) => 14,
            Record::Run(_) => usize::MAX,
        })
        .collect();
    assert_eq!(steps, (0..15).collect());
    assert!(ledger.live_edits().all(|(_, edit)| edit.reroll.is_some()));
}
