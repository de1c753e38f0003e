use std::collections::HashMap;

use crate::commands::intake::{Counted, about};
use crate::job::{Fingerprint, JobId};
use crate::journal::{EditKey, Ledger, LinesError};
use crate::manifest::{Diagnostic, Severity};

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
        const HINT: &str = "a result is known by its job's id: keep the id of a row whatever becomes of the others";
        if self.new.is_empty() {
            return Ok(None);
        }
        let shown = ledger.shown_among(self.new.keys().copied()).collect::<Result<Vec<EditKey>, _>>()?;
        let mut renamed: Vec<_> = shown.iter().filter_map(|key| Some((self.new.get(&key.fingerprint)?, key))).collect();
        renamed.sort_unstable();
        let mut counted = Counted::default();
        for ((line, id), EditKey { job, .. }) in renamed {
            let message = format!("the new job asks for what `{job}` shows already, and is paid for anew");
            counted.note(|| about(Severity::Warning, file, Some((*line, Some(id))), message, HINT));
        }
        Ok(counted.told(|message, others| format!("{message} (and {others} more)")))
    }
}
