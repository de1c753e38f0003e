use std::fs;
use std::io::Write;

use crate::job::{ContentHash, StatusCounts};
use crate::journal::RunStart;

use super::error::FolderError;
use super::folder::RunFolder;

/// The files that every report has.
const FILES: [&str; 5] = ["index.html", "data/batch.js", "summary.json", "results.csv", "failed.csv"];

/// The stamp of a report's inputs. If none has changed, the report does not have to be written again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportStamp(String);

impl ReportStamp {
    /// Returns the stamp of a report of the plan with this hash and the current journal, for a run that started with
    /// `opening`.
    pub fn of(folder: &RunFolder, plan: ContentHash, opening: &RunStart) -> Result<ReportStamp, FolderError> {
        let journal = folder.journal();
        let length = journal.metadata().map_err(FolderError::io("read", &journal))?.len();
        // The status counts at the start of the run do not affect the report.
        let opening = RunStart { jobs: StatusCounts::default(), ..opening.clone() };
        Ok(ReportStamp(format!("{length} {plan} {opening:?}\n")))
    }

    /// Whether the folder's report exists and has this stamp.
    pub fn is_on_report(&self, folder: &RunFolder) -> bool {
        let report = folder.path().join("report");
        FILES.iter().all(|name| report.join(name).is_file())
            && fs::read_to_string(folder.report_stamp()).is_ok_and(|stamp| stamp == self.0)
    }

    /// Writes the stamp. If that fails, the next run writes the report again.
    pub fn put(&self, folder: &RunFolder) {
        if let Err(error) =
            crate::files::replace_cache(&folder.report_stamp(), |file| file.write_all(self.0.as_bytes()))
        {
            tracing::debug!(%error, "the report could not be marked");
        }
    }
}
