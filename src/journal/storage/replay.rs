use std::io;
use std::sync::Arc;

use crate::append_log::{Lines, ReadAt, line_number};
use crate::journal::format::{LineError, ScannedLine, Scanner};
use crate::journal::ledger::Ledger;

/// The number of final jobs that stay live, because soon following steps, such as a check, need them.
pub const RECENT: usize = 256;

/// The bytes with which some editors begin a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The content of a journal, and the end of its intact part.
#[derive(Debug, Default)]
pub struct Replayed {
    /// The aggregated state of all records.
    pub ledger: Ledger,
    /// The number of records.
    pub records: u64,
    /// The length of the intact part in bytes. It is followed by a torn line, if a crash left one.
    pub length: u64,
    /// The length of the torn line in bytes.
    pub torn: u64,
}

/// The reason why a journal cannot be read. Such a journal is never written to.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A line other than the last is broken.
    #[error("line {line}: {cause}")]
    Broken {
        /// The number of the line, from 1.
        line: u64,
        /// The error of the line.
        cause: String,
    },
    /// An editor has saved the file in another form, without changing its records.
    #[error("line {line}: {cause}")]
    Resaved {
        /// The number of the line, from 1.
        line: u64,
        /// What the editor has added.
        cause: String,
    },
    /// The journal was written by a newer program.
    #[error("line {line}: {cause}")]
    Newer {
        /// The number of the line, from 1.
        line: u64,
        /// The error, with the version.
        cause: String,
    },
}

/// Replays a journal from its beginning.
///
/// The last line may be torn: a crash or a power loss can leave a part of it. Nothing is acted upon before its record
/// is durable, so a torn record has had no effect. Any other broken line is an error, because a lost line in the middle
/// could be a prediction that was paid for.
pub fn replay(journal: impl ReadAt + 'static) -> Result<Replayed, ReplayError> {
    let journal: Arc<dyn ReadAt> = Arc::new(journal);
    replay_from(&journal, Replayed::empty(&journal))
}

/// Continues to replay the same journal after `replayed`.
///
/// # Errors
///
/// The errors of [`replay`].
pub fn replay_from(journal: &Arc<dyn ReadAt>, replayed: Replayed) -> Result<Replayed, ReplayError> {
    replay_keeping(journal, replayed, RECENT)
}

impl Replayed {
    /// Returns the state before the first line of `journal`.
    pub fn empty(journal: &Arc<dyn ReadAt>) -> Replayed {
        Replayed { ledger: Ledger::reading(Arc::clone(journal)), ..Replayed::default() }
    }
}

/// Continues to replay, and archives all but the last `recent` final jobs.
fn replay_keeping(journal: &Arc<dyn ReadAt>, mut replayed: Replayed, recent: usize) -> Result<Replayed, ReplayError> {
    let mut finished = replayed.ledger.final_jobs();
    let (mut lines, mut scanner) = (Lines::behind(journal, replayed.length), Scanner::default());
    loop {
        let Some(line) = lines.next()? else {
            replayed.length = lines.offset();
            break;
        };
        if !line.is_whole {
            replayed.length = line.offset;
            replayed.torn = line.bytes.len() as u64;
            break;
        }
        let broken =
            |cause: String| line_error(journal, line.offset, |number| ReplayError::Broken { line: number, cause });
        let read = scanner.read(line.bytes).map_err(|error| match error {
            LineError::Newer(_) => {
                let cause = error.to_string();
                line_error(journal, line.offset, |number| ReplayError::Newer { line: number, cause })
            }
            LineError::Malformed(_) if line.bytes.starts_with(BYTE_ORDER_MARK) => {
                let cause = "it begins with a byte order mark, which an editor has added".to_owned();
                line_error(journal, line.offset, |number| ReplayError::Resaved { line: number, cause })
            }
            LineError::Malformed(_) => broken(error.to_string()),
        })?;
        match read {
            (at, ScannedLine::Run(event)) => replayed.ledger.apply_run(at, &event),
            (at, ScannedLine::Edit(edit)) => {
                let applied = replayed.ledger.replay(at, edit, line.offset);
                if let Some(job) = applied.map_err(|error| broken(error.to_string()))? {
                    finished.push_back(job);
                }
            }
        }
        if finished.len() > recent
            && let Some(job) = finished.pop_front()
        {
            replayed.ledger.archive(job);
        }
        replayed.records += 1;
    }
    Ok(replayed)
}

/// Returns the error `of` the line at `offset`, with its number.
fn line_error(journal: &dyn ReadAt, offset: u64, of: impl FnOnce(u64) -> ReplayError) -> ReplayError {
    line_number(journal, offset).map_or_else(ReplayError::Io, of)
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::api::PredictionId;
    use crate::job::{Backend, Cents, ErrorClass, JobId, JobStatus, Seed, StatusCounts};
    use crate::journal::assert_same_state;
    use crate::journal::edits::{Brief, Presence};
    use crate::journal::format::{EditKey, EditState, Record, Reroll, RunEvent, RunStart, Step};
    use crate::journal::random_journal::{choices, random_journal};

    fn key(job: &str) -> EditKey {
        let fingerprint = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
        EditKey { job: JobId::new(job).unwrap(), fingerprint }
    }

    fn intent(attempt: u32) -> Step {
        Step::Intent { attempt, reserved_cents: Cents(7), reroll: None }
    }

    fn accepted(cost: u64) -> Step {
        Step::Accepted { prediction: PredictionId::new("p").unwrap(), cost_cents: Cents(cost), status_path: None }
    }

    fn lines(steps: &[(&str, Step)]) -> Vec<u8> {
        let jobs = StatusCounts { total: 3, pending: 3, ..StatusCounts::default() };
        let run = RunEvent::Run(RunStart {
            manifest: "m".into(),
            backend: Backend::Embedded,
            program: "0".into(),
            jobs,
            ..RunStart::default()
        });
        let steps = steps.iter().map(|(job, step)| Record::Edit(key(job), step.clone()));
        std::iter::once(Record::Run(run))
            .chain(steps)
            .flat_map(|record| record.to_line(Timestamp::UNIX_EPOCH).unwrap())
            .collect()
    }

    pub(in crate::journal::storage) fn continue_replay(
        journal: &Arc<dyn ReadAt>,
        replayed: Replayed,
        recent: usize,
    ) -> Result<Replayed, ReplayError> {
        replay_keeping(journal, replayed, recent)
    }

    pub(in crate::journal::storage) fn replayed_keeping(
        bytes: Vec<u8>,
        recent: usize,
    ) -> Result<Replayed, ReplayError> {
        let journal: Arc<dyn ReadAt> = Arc::new(bytes);
        continue_replay(&journal, Replayed::empty(&journal), recent)
    }

    fn ledger(steps: &[(&str, Step)]) -> Ledger {
        replay(lines(steps)).unwrap().ledger
    }

    #[test]
    fn money_is_reserved_before_a_submit_and_spent_after_its_answer() {
        let ledger = ledger(&[("a", intent(1)), ("b", intent(1)), ("a", accepted(9))]);
        assert_eq!(ledger.spent(), Cents(9));
        assert_eq!(ledger.reserved(), Cents(9), "a price that turned out higher counts for what is on its way");
        assert_eq!(ledger.estimate(), Cents(9));
    }

    #[test]
    fn an_uncertain_submit_keeps_its_money_even_when_it_is_tried_again() {
        let uncertain = Step::Uncertain { message: "reset".into(), taken: None };
        let ledger = ledger(&[("a", intent(1)), ("a", uncertain), ("a", intent(2)), ("a", accepted(7))]);
        assert_eq!((ledger.spent(), ledger.reserved()), (Cents(7), Cents(7)));
        assert_eq!(ledger.live(&key("a")).unwrap().reserved_for_uncertain, Cents(7));
        assert_eq!(ledger.live(&key("a")).unwrap().state, EditState::Processing);
    }

    #[test]
    fn a_refused_submit_costs_nothing() {
        let ledger = ledger(&[("a", intent(1)), ("a", Step::Refused { message: "429".into() })]);
        assert_eq!((ledger.spent(), ledger.reserved()), (Cents::ZERO, Cents::ZERO));
        assert_eq!(ledger.live(&key("a")).unwrap().status(), JobStatus::Pending);
    }

    #[test]
    fn a_reroll_is_charged_but_not_counted_or_shown_until_it_is_reinstated() {
        let of = key("a").fingerprint;
        let another = EditKey { fingerprint: "0f0e0d0c0b0a09080706050403020100".parse().unwrap(), ..key("a") };
        let reroll = Some(Reroll { of, seed: Seed::new(5).unwrap() });
        let saved = |step: Step| Record::Edit(key("a"), step);
        let rerolled = |step: Step| Record::Edit(another.clone(), step);
        let mut ledger = ledger(&[("a", intent(1)), ("a", accepted(7))]);
        let mut apply = |record: Record| ledger.apply(Timestamp::UNIX_EPOCH, &record).unwrap();
        apply(saved(Step::Fetched { files: Vec::new() }));
        apply(saved(Step::Completed));
        apply(rerolled(Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll }));
        apply(rerolled(accepted(7)));
        apply(rerolled(Step::Fetched { files: Vec::new() }));
        apply(rerolled(Step::Completed));
        let shown = |ledger: &Ledger| ledger.live_history(&key("a").job).unwrap().shown().unwrap().fingerprint;
        assert_eq!(ledger.spent(), Cents(14));
        assert_eq!(ledger.counts(), StatusCounts { total: 3, completed: 1, pending: 2, ..StatusCounts::default() });
        assert_eq!(shown(&ledger), of);
        assert_eq!(ledger.live_history(&key("a").job).unwrap().rerolls(of).count(), 1);
        ledger.apply(Timestamp::UNIX_EPOCH, &rerolled(Step::Reinstated)).unwrap();
        assert_eq!(shown(&ledger), another.fingerprint);
    }

    #[test]
    fn counts_are_updated_with_the_jobs() {
        let failed = Step::Failed { class: ErrorClass::Moderated, message: "no".into() };
        let ledger = ledger(&[("a", intent(1)), ("b", intent(1)), ("a", accepted(7)), ("a", failed)]);
        assert_eq!(ledger.counts(), StatusCounts { total: 3, failed: 1, pending: 2, ..StatusCounts::default() });
    }

    #[test]
    fn a_torn_tail_is_truncated_wherever_it_was_torn() {
        let whole = lines(&[("a", intent(1)), ("a", accepted(7))]);
        let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        for end in last + 1..whole.len() {
            let replayed = replay(whole[..end].to_vec()).unwrap();
            assert_eq!((replayed.length, replayed.torn), (last as u64, (end - last) as u64));
            assert!(matches!(replayed.ledger.live(&key("a")).unwrap().state, EditState::Submitting { .. }));
        }
    }

    #[test]
    fn a_broken_line_in_the_middle_is_refused_with_its_number() {
        let mut bytes = lines(&[("a", intent(1)), ("a", accepted(7))]);
        let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        bytes[second] = b'#';
        assert!(matches!(replay(bytes), Err(ReplayError::Broken { line: 2, .. })));
    }

    #[test]
    fn lines_of_white_space_are_skipped_wherever_they_are_and_a_torn_line_after_them_is_truncated() {
        let whole = lines(&[("a", intent(1)), ("a", accepted(7))]);
        let text = String::from_utf8(whole.clone()).unwrap();
        let spaced = text.replace('\n', "\n \t\r\n\n").into_bytes();
        let replayed = replay(spaced.clone()).unwrap();
        assert_same_state(&replayed.ledger, &replay(whole).unwrap().ledger);
        assert_eq!((replayed.records, replayed.length, replayed.torn), (3, spaced.len() as u64, 0));
        for torn in [" ", "{\"v\":1"] {
            let replayed = replay([&spaced[..], torn.as_bytes()].concat()).unwrap();
            assert_eq!((replayed.length, replayed.torn), (spaced.len() as u64, torn.len() as u64));
        }
        let broken = [&spaced[..], b"#\n"].concat();
        assert!(matches!(replay(broken), Err(ReplayError::Broken { line: 10, .. })));
    }

    #[test]
    fn an_invalid_transition_is_refused() {
        let bytes = lines(&[("a", accepted(7))]);
        let error = replay(bytes).unwrap_err();
        assert_eq!(error.to_string(), "line 2: `accepted` of job a cannot follow `nothing under way`");
    }

    fn reservations(ledger: &Ledger) -> BTreeMap<EditKey, Cents> {
        ledger.reservations().map(Result::unwrap).collect()
    }

    proptest! {
        #[test]
        fn archiving_jobs_does_not_change_the_state_of_the_ledger(choices in choices(), recent in 0..5usize) {
            let (running, lines) = random_journal(&choices);
            let mut replayed = replayed_keeping(lines, recent).unwrap().ledger;
            let briefly = |brief: Brief<'_>, job: &JobId| {
                let pictures = RefCell::new(Vec::new());
                brief.presence(job, |name, bytes| { pictures.borrow_mut().push((name.to_owned(), bytes)); Presence::Saved });
                (brief.stage, brief.has_prediction, brief.is_shown, pictures.into_inner())
            };
            for (job, edit) in running.live_edits() {
                let key = EditKey { job: job.clone(), fingerprint: edit.fingerprint };
                let read_again = replayed.edit(&key).unwrap();
                prop_assert_eq!(read_again.as_deref(), Some(edit));
                prop_assert_eq!(briefly(replayed.brief(&key).unwrap(), job), briefly(running.brief(&key).unwrap(), job));
            }
            prop_assert_eq!(replayed.edits().count(), running.edits().count());
            prop_assert_eq!(replayed.unanswered(), running.unanswered());
            prop_assert_eq!(reservations(&replayed), reservations(&running));
            prop_assert_eq!(replayed.live_edits().filter(|(_, edit)| !edit.is_final()).count(), running.live_edits().filter(|(_, edit)| !edit.is_final()).count());
            for job in ["a", "b", "größe", "d-2"] {
                replayed.load(&JobId::new(job).unwrap()).unwrap();
            }
            prop_assert_eq!(replayed.archived_edits(), 0);
            assert_same_state(&replayed, &running);
        }
    }

    #[test]
    fn an_archived_job_continues_from_its_last_state() {
        let failed = Step::Failed { class: ErrorClass::Moderated, message: "no".into() };
        let bytes = lines(&[("a", intent(1)), ("a", accepted(7)), ("a", failed)]);
        let mut ledger = replayed_keeping(bytes, 0).unwrap().ledger;
        assert_eq!((ledger.archived_edits(), ledger.live_edits().count()), (1, 0));
        ledger.apply(Timestamp::UNIX_EPOCH, &Record::Edit(key("a"), intent(2))).unwrap();
        let edit = ledger.live(&key("a")).unwrap();
        assert_eq!((edit.attempts, edit.spent, ledger.spent()), (2, Cents(7), Cents(7)));
        assert_eq!(ledger.archived_edits(), 0);
    }

    #[test]
    fn a_journal_that_changed_since_its_replay_is_an_error() {
        let failed = Step::Failed { class: ErrorClass::Moderated, message: "no".into() };
        let bytes = lines(&[("a", intent(1)), ("a", accepted(7)), ("a", failed)]);
        let mut ledger = replayed_keeping(bytes, 0).unwrap().ledger;
        ledger.reads_from(Arc::new(lines(&[("b", intent(1)), ("b", accepted(7)), ("b", Step::Completed)])));
        assert!(ledger.load(&key("a").job).is_err());
        assert!(ledger.edit(&key("a")).is_err());
        assert_eq!(ledger.status(&key("a")), JobStatus::Failed);
    }
}
