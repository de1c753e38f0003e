use std::io;
use std::sync::Arc;

use jiff::Timestamp;

use crate::append_log::{Lines, ReadAt};
use crate::job::JobId;
use crate::journal::edits::{Edit, History, LineOffsets, Tracked};
use crate::journal::format::{EditKey, EditLine, ScannedLine, Scanner, Step};

use super::entry::{ArchivedEdit, FingerprintPrefix};

/// The journal that archived edits are read from again.
#[derive(Clone, Debug, Default)]
pub(in crate::journal) struct JournalSource(Option<Arc<dyn ReadAt>>);

/// The reason why the lines of an archived job cannot be read again.
#[derive(Debug, thiserror::Error)]
#[error("read the journal again at byte {offset}: {cause}")]
pub struct LinesError {
    offset: u64,
    cause: io::Error,
}

impl LinesError {
    /// Returns a hint for the user.
    pub fn hint(&self) -> &'static str {
        "make sure that the disk can be read and that no other program writes to the folder, then run again"
    }

    fn invalid(offset: u64, message: &str) -> LinesError {
        LinesError { offset, cause: io::Error::new(io::ErrorKind::InvalidData, message.to_owned()) }
    }
}

impl JournalSource {
    pub(in crate::journal) fn of(journal: Arc<dyn ReadAt>) -> JournalSource {
        JournalSource(Some(journal))
    }

    /// Reads all edits of an archived job again.
    pub(in crate::journal) fn history(&self, job: &JobId, edits: &[ArchivedEdit]) -> Result<History, LinesError> {
        let mut history = History::default();
        for stored in edits {
            let (owner, tracked) = self.edit(stored)?;
            if owner.job != *job {
                return Err(self.is_of_another(stored));
            }
            if stored.is_shown {
                history.shown = Some(owner.fingerprint);
            }
            history.edits.push(tracked);
        }
        Ok(history)
    }

    /// Reads the lines of an archived edit again, and applies them like a replay.
    pub(in crate::journal) fn edit(&self, stored: &ArchivedEdit) -> Result<(EditKey, Tracked), LinesError> {
        let mut read: Option<(EditKey, Edit)> = None;
        for (step, &offset) in self.steps(&stored.offsets).zip(&stored.offsets.0) {
            let (at, key, step) = step?;
            let (owner, edit) = read.get_or_insert_with(|| (key.clone(), Edit::new(key.fingerprint)));
            let is_its_own = *owner == key && FingerprintPrefix::of(key.fingerprint) == stored.edit;
            let next = edit.next(&step).filter(|_| is_its_own);
            let next = next.ok_or_else(|| LinesError::invalid(offset, "the line is no longer what it was"))?;
            edit.apply(at, step, next);
        }
        let (owner, edit) = read.ok_or_else(|| LinesError::invalid(0, "the edit has no lines"))?;
        Ok((owner, Tracked { edit, offsets: stored.offsets.clone() }))
    }

    /// Reads the lines of an edit again.
    pub(in crate::journal) fn steps(
        &self,
        offsets: &LineOffsets,
    ) -> impl Iterator<Item = Result<(Timestamp, EditKey, Step), LinesError>> {
        let mut scanner = Scanner::default();
        offsets.0.iter().map(move |&offset| {
            let invalid = |message: &str| LinesError::invalid(offset, message);
            let JournalSource(Some(journal)) = self else { return Err(invalid("there is no journal")) };
            let line = Lines::one_at(journal, offset).map_err(|cause| LinesError { offset, cause })?;
            match scanner.read(&line).map_err(|error| invalid(&error.to_string()))? {
                (at, ScannedLine::Edit(EditLine { job, fingerprint, step })) => {
                    Ok((at, EditKey { job: job.to_id(), fingerprint }, step))
                }
                (_, ScannedLine::Run(_)) => Err(invalid("the line is about no job")),
            }
        })
    }

    /// Returns the error for an edit whose lines are about another edit.
    pub(in crate::journal) fn is_of_another(&self, stored: &ArchivedEdit) -> LinesError {
        LinesError::invalid(stored.offsets.0.first().copied().unwrap_or(0), "the line is about another edit")
    }
}
