use crate::commands::job_loading::Counted;
use crate::journal::{EditKey, Ledger, LinesError, ShownFingerprints};
use crate::manifest::{Diagnostic, Severity};

/// Jobs that are new by their ids and ask for what is there under other ones.
#[derive(Default)]
pub(super) struct Renamed {
    /// Made when the first new job is met, for there may be none.
    showing: Option<ShownFingerprints>,
    /// Each with the line where it stands.
    jobs: Counted<(EditKey, u64)>,
}

impl Renamed {
    /// Notes a new job and the line where it stands.
    pub(super) fn note(&mut self, key: EditKey, line: u64, ledger: &Ledger) {
        if self.showing.get_or_insert_with(|| ledger.showing()).may_have(key.fingerprint) {
            self.jobs.note(|| (key, line));
        }
    }

    /// What is to be said of them; lines are those of `file`.
    ///
    /// # Errors
    ///
    /// The journal cannot be read again.
    pub(super) fn warning(&self, ledger: &Ledger, file: &str) -> Result<Option<Diagnostic>, LinesError> {
        const HINT: &str = "a result belongs to its job's id: do not change the id of a row";
        let Some(((EditKey { job, fingerprint }, line), more)) = self.jobs.first_and_others() else { return Ok(None) };
        let shown = ledger.shown_as(*fingerprint).collect::<Result<Vec<EditKey>, _>>()?;
        let shown = shown.iter().filter(|shown| shown.fingerprint == *fingerprint).min();
        Ok(shown.map(|shown| {
            let others = if more == 0 { String::new() } else { format!(" (and {more} more)") };
            let message = format!(
                "the new job requests the edit that `{}` shows already, and is paid for again{others}",
                shown.job
            );
            Diagnostic::about_job(Severity::Warning, file, Some((*line, Some(job))), message, HINT)
        }))
    }
}
