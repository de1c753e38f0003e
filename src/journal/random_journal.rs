//! Journals of random, valid steps, for property tests of all readers of journals.

use jiff::Timestamp;
use proptest::prelude::*;

use crate::api::PredictionId;
use crate::job::{Cents, ContentHash, ErrorClass, JobId};
use crate::journal::{EditKey, Ledger, Record, SavedFile, Step};

/// Returns the running ledger and the lines of a journal made from `choices`. Each is a job, one of its fingerprints
/// and a step. Invalid steps are left out.
pub(super) fn random_journal(choices: &[(usize, usize, usize)]) -> (Ledger, Vec<u8>) {
    let files = |job: &str, names: &[&str]| {
        let file = |name: &&str| SavedFile {
            name: format!("{job}{name}"),
            bytes: 5,
            blake3: ContentHash::of(b"x"),
            width: 1,
            height: 2,
        };
        names.iter().map(file).collect()
    };
    let (mut ledger, mut lines) = (Ledger::default(), Vec::new());
    for (number, &(job, version, choice)) in choices.iter().enumerate() {
        let name = ["a", "b", "größe", "d-2"][job];
        let key = EditKey { job: JobId::new(name).unwrap(), fingerprint: format!("{version:032x}").parse().unwrap() };
        let at = Timestamp::from_second(number as i64).unwrap();
        let attempt = ledger.live(&key).map_or(0, |edit| edit.attempts) + 1;
        let message = || "it \"broke\"".to_owned();
        let step = match choice {
            0 | 1 => Step::Intent { attempt, reserved_cents: ledger.estimate(), reroll: None },
            2 => Step::Refused { message: message() },
            3 => Step::Uncertain { message: message() },
            4 | 5 => Step::Accepted {
                prediction: PredictionId::new("p").unwrap(),
                cost_cents: Cents(number as u64),
                status_path: None,
            },
            6 => Step::Generated { outputs: 1 },
            7 => Step::Fetched { files: files(name, &[".png"]) },
            8 => Step::Fetched { files: files(name, &[".jpg", "-2.jpg"]) },
            9 => Step::Reinstated,
            10 => Step::Failed { class: ErrorClass::Download, message: message() },
            11 => Step::Failed { class: ErrorClass::Moderated, message: message() },
            12 => Step::Released,
            _ => Step::Completed,
        };
        let can_follow = match ledger.live(&key) {
            Some(edit) => edit.next(&step).is_some(),
            None => matches!(step, Step::Intent { .. }),
        };
        if can_follow {
            let record = Record::Edit(key, step);
            ledger.apply(at, &record).unwrap();
            lines.extend(record.to_line(at).unwrap());
        }
    }
    (ledger, lines)
}

pub(super) fn choices() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
    prop::collection::vec((0..4usize, 0..3usize, 0..15usize), 0..300)
}
