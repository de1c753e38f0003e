use std::collections::HashMap;

use crate::job::JobId;
use crate::journal::Ledger;
use crate::manifest::{Diagnostic, Problems, Severity, nearest};
use crate::run_folder::{FolderError, RunFolder, plan_lines};

use super::Failure;
use super::manifest_scope::ManifestScope;

/// The rows of a report's `failed.csv`, by their ids, with their lines. One whose id the run does not know is a slip,
/// such as `12` for `0012`, and would be paid for as a new job.
pub(super) struct PartialRows(HashMap<JobId, u64>);

impl PartialRows {
    /// Starts without rows; `None` if the manifest is not a part of a run.
    pub(super) fn of(scope: &ManifestScope) -> Option<PartialRows> {
        (*scope == ManifestScope::Part).then(|| PartialRows(HashMap::new()))
    }

    pub(super) fn note(&mut self, job: &JobId, line: u64) {
        self.0.insert(job.clone(), line);
    }

    /// Refuses rows that neither the plan of `folder` nor its journal knows. `file` is the manifest.
    ///
    /// # Errors
    ///
    /// There are such rows, or the plan cannot be read.
    pub(super) fn check(mut self, folder: &RunFolder, ledger: &Ledger, file: &str) -> Result<(), Failure> {
        self.0.retain(|job, _| !ledger.knows(job));
        if self.0.is_empty() || !folder.plan().exists() {
            return Ok(());
        }
        let ids = plan_lines(folder)?.map(|line| Ok(line?.key()?.job));
        let ids: Vec<JobId> = ids.collect::<Result<_, FolderError>>()?;
        for id in &ids {
            self.0.remove(id);
        }
        if self.0.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<(&JobId, &u64)> = self.0.iter().collect();
        rows.sort_by_key(|(_, line)| **line);
        let problem = |(job, line): (&JobId, &u64)| {
            let message = format!("the run has no job `{job}`");
            let hint = match similar(job, &ids) {
                Some(id) => format!("did you mean `{id}`? Format the column as text, because spreadsheets change ids"),
                None => "add new rows to the manifest of the run, and run that".to_owned(),
            };
            Diagnostic::about_job(Severity::Error, file, Some((*line, Some(job))), message, &hint)
        };
        let problems: Vec<Diagnostic> = rows.into_iter().map(problem).collect();
        Err(Failure::Manifest(Problems::from(problems)))
    }
}

/// Returns the id that differs only in leading zeros, or else the one that is spelled nearly the same.
fn similar<'a>(job: &JobId, ids: &'a [JobId]) -> Option<&'a str> {
    let bare = |id: &'a str| id.trim_start_matches('0');
    let typed = job.as_str().trim_start_matches('0');
    let mut texts = ids.iter().map(JobId::as_str);
    texts.clone().find(|id| bare(id) == typed).or_else(|| nearest(job.as_str(), &mut texts))
}
