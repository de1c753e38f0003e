use std::io::{self, BufRead};

use super::edit::TransitionError;
use super::ledger::Ledger;
use super::record::{LineError, Record};

/// What a journal says, and where its good part ends.
#[derive(Debug, Default)]
pub struct Replayed {
    /// What all records add up to.
    pub ledger: Ledger,
    /// How many records there are.
    pub records: u64,
    /// The length in bytes of the good part; what follows is a line that was torn by a crash.
    pub length: u64,
    /// How many bytes were torn.
    pub torn: u64,
}

/// A journal that cannot be read. Nothing is ever written to such a journal.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A line other than the last is broken.
    #[error("line {line}: {cause}")]
    Broken {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        cause: String,
    },
    /// The journal was written by a newer program.
    #[error("line {line}: {cause}")]
    Newer {
        /// Which line, from 1.
        line: u64,
        /// Which version it has.
        cause: String,
    },
}

/// Reads a journal from its beginning.
///
/// The last line may be torn: a crash or a power loss can leave a part of it, and since nothing is acted upon before
/// its record is durable, a torn record stands for nothing that happened. Anything else that is broken is an error,
/// because a line lost in the middle could be a prediction that was paid for.
pub fn replay(mut journal: impl BufRead) -> Result<Replayed, ReplayError> {
    let mut replayed = Replayed::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = journal.read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            return Ok(replayed);
        }
        if line.pop_if(|last| *last == b'\n').is_none() {
            replayed.torn = read;
            return Ok(replayed);
        }
        let number = replayed.records + 1;
        let broken = |cause: String| ReplayError::Broken { line: number, cause };
        let (at, record) = Record::from_line(&line).map_err(|error| match error {
            LineError::Newer(_) => ReplayError::Newer { line: number, cause: error.to_string() },
            LineError::Malformed(_) => broken(error.to_string()),
        })?;
        replayed.ledger.apply(at, &record).map_err(|error: TransitionError| broken(error.to_string()))?;
        replayed.records = number;
        replayed.length += read;
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::api::PredictionId;
    use crate::job::{Cents, ErrorClass, JobId, JobStatus, Seed};
    use crate::journal::{EditKey, EditState, PlanCounts, Reroll, RunEvent, Step};

    fn key(job: &str) -> EditKey {
        let fingerprint = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
        EditKey { job: JobId::new(job).unwrap(), fingerprint }
    }

    fn intent(attempt: u32) -> Step {
        Step::Intent { attempt, reserved_cents: Cents(7), reroll: None }
    }

    fn accepted(cost: u64) -> Step {
        Step::Accepted { prediction: PredictionId::new("p").unwrap(), cost_cents: Cents(cost) }
    }

    fn lines(steps: &[(&str, Step)]) -> Vec<u8> {
        let jobs = PlanCounts { total: 3, pending: 3, ..PlanCounts::default() };
        let run = RunEvent::Run {
            manifest: "m".into(),
            backend: "embedded".into(),
            program: "0".into(),
            jobs,
            budget_cents: None,
        };
        let steps = steps.iter().map(|(job, step)| Record::Edit(key(job), step.clone()));
        std::iter::once(Record::Run(run))
            .chain(steps)
            .flat_map(|record| record.to_line(Timestamp::UNIX_EPOCH))
            .collect()
    }

    fn ledger(steps: &[(&str, Step)]) -> Ledger {
        replay(lines(steps).as_slice()).unwrap().ledger
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
        let uncertain = Step::Uncertain { message: "reset".into() };
        let ledger = ledger(&[("a", intent(1)), ("a", uncertain), ("a", intent(2)), ("a", accepted(7))]);
        assert_eq!((ledger.spent(), ledger.reserved()), (Cents(7), Cents(7)));
        assert_eq!(ledger.edit(&key("a")).unwrap().held, Cents(7));
        assert_eq!(ledger.edit(&key("a")).unwrap().state, EditState::Processing);
    }

    #[test]
    fn a_refused_submit_costs_nothing() {
        let ledger = ledger(&[("a", intent(1)), ("a", Step::Refused { message: "429".into() })]);
        assert_eq!((ledger.spent(), ledger.reserved()), (Cents::ZERO, Cents::ZERO));
        assert_eq!(ledger.edit(&key("a")).unwrap().status(), JobStatus::Pending);
    }

    #[test]
    fn a_reroll_costs_and_is_neither_counted_nor_shown_until_it_is_brought_back() {
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
        let shown = |ledger: &Ledger| ledger.history(&key("a").job).unwrap().shown().unwrap().fingerprint;
        assert_eq!(ledger.spent(), Cents(14));
        assert_eq!(ledger.counts(), PlanCounts { total: 3, completed: 1, pending: 2, ..PlanCounts::default() });
        assert_eq!(shown(&ledger), of);
        assert_eq!(ledger.history(&key("a").job).unwrap().rerolls(of).count(), 1);
        ledger.apply(Timestamp::UNIX_EPOCH, &rerolled(Step::Reinstated)).unwrap();
        assert_eq!(shown(&ledger), another.fingerprint);
    }

    #[test]
    fn counts_follow_the_jobs() {
        let failed = Step::Failed { class: ErrorClass::Moderated, message: "no".into() };
        let ledger = ledger(&[("a", intent(1)), ("b", intent(1)), ("a", accepted(7)), ("a", failed)]);
        assert_eq!(ledger.counts(), PlanCounts { total: 3, failed: 1, pending: 2, ..PlanCounts::default() });
    }

    #[test]
    fn a_torn_tail_is_cut_wherever_it_was_torn() {
        let whole = lines(&[("a", intent(1)), ("a", accepted(7))]);
        let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        for end in last + 1..whole.len() {
            let replayed = replay(&whole[..end]).unwrap();
            assert_eq!((replayed.length, replayed.torn), (last as u64, (end - last) as u64));
            assert!(matches!(replayed.ledger.edit(&key("a")).unwrap().state, EditState::Submitting { .. }));
        }
    }

    #[test]
    fn a_broken_line_in_the_middle_is_refused_with_its_number() {
        let mut bytes = lines(&[("a", intent(1)), ("a", accepted(7))]);
        let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        bytes[second] = b'#';
        assert!(matches!(replay(bytes.as_slice()), Err(ReplayError::Broken { line: 2, .. })));
    }

    #[test]
    fn a_step_that_cannot_follow_is_refused() {
        let bytes = lines(&[("a", accepted(7))]);
        let error = replay(bytes.as_slice()).unwrap_err();
        assert_eq!(error.to_string(), "line 2: `accepted` of job a cannot follow `nothing under way`");
    }
}
