use std::io::{self, Write};
use std::sync::Arc;

use jiff::Timestamp;

use crate::append_log::{Lines, ReadAt};
use crate::journal::archive::JournalSource;
use crate::journal::edits::{Edit, LineOffsets};
use crate::journal::format::{CompactedEdit, Record, RunEvent, ScannedLine, Scanner, Step};
use crate::journal::ledger::Ledger;

/// The number of records of a journal before and after its compaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The number of records before.
    pub before: u64,
    /// The number of records after.
    pub after: u64,
}

/// Writes a journal with one record per edit and the same state as `journal`, whose replay gave `ledger`.
///
/// Records about runs are copied unchanged, and come first. A final record has the totals that cannot be derived from
/// the edits: the highest price, and the status counts.
///
/// # Errors
///
/// The journal cannot be read again, or `out` cannot be written.
pub fn compact(journal: &Arc<dyn ReadAt>, ledger: &Ledger, out: &mut impl Write) -> io::Result<Compacted> {
    let mut compacted = Compacted { before: 0, after: 0 };
    let (mut lines, mut scanner) = (Lines::new(journal), Scanner::default());
    while let Some(line) = lines.next()?.filter(|line| line.is_whole) {
        compacted.before += 1;
        let (_, read) = scanner.read(line.bytes).map_err(io::Error::other)?;
        if matches!(&read, ScannedLine::Run(event) if !matches!(event, RunEvent::Compacted(_))) {
            out.write_all(line.bytes)?;
            out.write_all(b"\n")?;
            compacted.after += 1;
        }
    }
    let source = JournalSource::of(Arc::clone(journal));
    ledger.for_each_edit(|key, edit, offsets, shown| {
        let summary = summary(&source, edit, offsets, shown)?;
        let at = edit.finished_at.max(edit.submitted_at).unwrap_or(Timestamp::UNIX_EPOCH);
        compacted.after += 1;
        out.write_all(&Record::Edit(key, Step::Summary(Box::new(summary))).to_line(at)?)
    })?;
    if let Some(at) = ledger.last_at() {
        out.write_all(&Record::Run(RunEvent::Compacted(ledger.totals())).to_line(at)?)?;
        compacted.after += 1;
    }
    Ok(compacted)
}

/// Returns the time at which a journal was last compacted, and its length in bytes after that; `None` if it never was.
/// Lines after that length are newer.
///
/// # Errors
///
/// The journal cannot be read.
pub fn compacted_until(journal: &Arc<dyn ReadAt>) -> io::Result<Option<(Timestamp, u64)>> {
    let (mut lines, mut scanner, mut found) = (Lines::new(journal), Scanner::default(), None);
    while let Some(line) = lines.next()?.filter(|line| line.is_whole) {
        let (at, read) = scanner.read(line.bytes).map_err(io::Error::other)?;
        if matches!(read, ScannedLine::Run(RunEvent::Compacted(_))) {
            found = Some((at, line.offset + line.bytes.len() as u64 + 1));
        }
    }
    Ok(found)
}

/// Returns an edit as one record. Its earlier predictions are read from its lines.
fn summary(source: &JournalSource, edit: &Edit, offsets: &LineOffsets, shown: bool) -> io::Result<CompactedEdit> {
    let mut predictions = Vec::new();
    for step in source.steps(offsets) {
        match step.map_err(io::Error::other)?.2 {
            Step::Accepted { prediction, .. } => predictions.push(prediction),
            Step::Adopted { prediction, replaces, .. } => {
                if replaces.is_some() {
                    predictions.pop();
                }
                predictions.push(prediction);
            }
            Step::Summary(summary) => {
                predictions.extend(summary.earlier.into_iter().chain(summary.prediction));
            }
            _ => {}
        }
    }
    predictions.pop();
    Ok(edit.compacted(shown, predictions))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::replay::tests::replayed_keeping;
    use super::*;
    use crate::job::JobId;
    use crate::journal::assert_same_state;
    use crate::journal::random_journal::{choices, random_journal};

    fn compacted(lines: Vec<u8>, recent: usize) -> (Vec<u8>, Ledger) {
        let ledger = replayed_keeping(lines.clone(), recent).unwrap().ledger;
        let journal: Arc<dyn ReadAt> = Arc::new(lines);
        let mut out = Vec::new();
        compact(&journal, &ledger, &mut out).unwrap();
        (out, ledger)
    }

    fn all_live(mut ledger: Ledger) -> Ledger {
        for job in ["a", "b", "größe", "d-2"] {
            ledger.load(&JobId::new(job).unwrap()).unwrap();
        }
        ledger
    }

    proptest! {
        /// This holds for any history, any number of compactions, and any later records.
        #[test]
        fn a_compacted_journal_has_the_same_state_as_the_original(
            before in choices(), after in choices(), recent in 0..5usize, times in 1..3usize,
        ) {
            let (_, lines) = random_journal(&before);
            let (_, whole) = random_journal(&[before, after].concat());
            let rest = &whole[lines.len()..];
            let mut short = lines;
            for _ in 0..times {
                let (out, ledger) = compacted(short, recent);
                let read = replayed_keeping(out.clone(), recent).unwrap().ledger;
                prop_assert!(read.agrees_with(&ledger));
                assert_same_state(&all_live(read), &all_live(ledger));
                short = out;
            }
            short.extend(rest);
            assert_same_state(
                &all_live(replayed_keeping(short, recent).unwrap().ledger),
                &all_live(replayed_keeping(whole, recent).unwrap().ledger),
            );
        }
    }

    #[test]
    fn an_edit_is_one_readable_record() {
        let steps = [0, 4, 6, 10, 0, 3, 0, 4, 6, 7, 13].map(|step| (0, 0, step));
        let (out, _) = compacted(random_journal(&steps).1, 0);
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
