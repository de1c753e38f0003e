use crate::commands::job_loading::Counted;
use crate::journal::{EditKey, Ledger, LinesError, ShownFingerprints};
use crate::manifest::{Diagnostic, Severity};

/// Jobs that request edits which exist under other ids: those with new ids, and those whose ids were swapped.
#[derive(Default)]
pub(super) struct Renamed {
    /// The shown fingerprints, read when the first job is added.
    showing: Option<ShownFingerprints>,
    /// The jobs, each with its line if it is known.
    jobs: Counted<(EditKey, Option<u64>)>,
}

impl Renamed {
    /// Adds a job that is submitted.
    pub(super) fn note(&mut self, key: EditKey, line: Option<u64>, ledger: &Ledger) {
        if self.showing.get_or_insert_with(|| ledger.showing()).may_have(key.fingerprint) {
            self.jobs.note(|| (key, line));
        }
    }

    /// Returns the warning about them for `file`, which has their lines.
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
            let name = if line.is_some() { "the job".to_owned() } else { format!("`{job}`") };
            let message =
                format!("{name} requests the edit that `{}` shows already, and is paid for again{others}", shown.job);
            Diagnostic::about_job(Severity::Warning, file, line.map(|line| (line, Some(job))), message, HINT)
        }))
    }
}
