use std::collections::HashMap;

use crate::job::{Fingerprint, JobId};
use crate::journal::{EditKey, Ledger, LinesError};
use crate::manifest::{Diagnostic, Severity};

use super::intake::about;

/// Jobs that are new by their ids: what they ask for may be there under other ones.
#[derive(Default)]
pub(super) struct Renamed {
    new: HashMap<Fingerprint, (u64, JobId)>,
}

impl Renamed {
    /// Notes a new job and the line where it stands.
    pub(super) fn note(&mut self, key: EditKey, line: u64) {
        self.new.entry(key.fingerprint).or_insert((line, key.job));
    }

    /// What is to be said of those that ask for what another job's results show; lines are those of `file`.
    ///
    /// # Errors
    ///
    /// The journal cannot be read again.
    pub(super) fn warning(&self, ledger: &Ledger, file: &str) -> Result<Option<Diagnostic>, LinesError> {
        let (mut count, mut first): (u64, Option<(u64, &JobId, JobId)>) = (0, None);
        if !self.new.is_empty() {
            for shown in ledger.shown_among(self.new.keys().copied()) {
                let EditKey { job, fingerprint } = shown?;
                let Some((line, renamed)) = self.new.get(&fingerprint) else { continue };
                count += 1;
                if first.as_ref().is_none_or(|(known, ..)| line < known) {
                    first = Some((*line, renamed, job));
                }
            }
        }
        Ok(first.map(|(line, renamed, job)| {
            const HINT: &str = "a result is known by its job's id: keep the id of a row whatever becomes of the others";
            let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
            let message = format!("the new job asks for what `{job}` shows already, and is paid for anew{more}");
            about(Severity::Warning, file, Some((line, Some(renamed))), message, HINT)
        }))
    }
}
