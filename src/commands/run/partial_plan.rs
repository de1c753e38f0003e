use std::collections::HashMap;
use std::path::PathBuf;

use crate::job::{Job, JobId};
use crate::plan::PlannedJob;
use crate::run_folder::{FolderError, PlanDraft, RunFolder, plan_lines};

use super::ids::Ids;

/// The rows of a manifest that is a part of a run. They replace those of the run's plan. All other jobs are unchanged:
/// their results are never pruned, and stay in the report.
#[derive(Default)]
pub(super) struct PartialPlan {
    rows: Vec<Option<PlannedJob>>,
    indices: HashMap<JobId, usize>,
    /// The directory that the paths in the run's plan are relative to, unless it is the current one.
    original_directory: Option<PathBuf>,
}

impl PartialPlan {
    /// Returns an empty plan. `original_directory` is what the paths in the run's plan are relative to.
    pub(super) fn of(original_directory: Option<PathBuf>) -> PartialPlan {
        PartialPlan { original_directory, ..PartialPlan::default() }
    }

    /// Adds a row.
    pub(super) fn add(&mut self, row: PlannedJob) {
        self.indices.insert(row.job.id.clone(), self.rows.len());
        self.rows.push(Some(row));
    }

    /// Writes the plan of `folder` with these rows in place of its own. Returns their ids, and the number of rows that
    /// differ from those of the plan or are not in it.
    ///
    /// # Errors
    ///
    /// The plan cannot be read, or the draft cannot be written.
    pub(super) fn join(mut self, folder: &RunFolder, draft: &mut PlanDraft) -> Result<(Ids, u64), FolderError> {
        let mut ids = Ids::default();
        self.indices.keys().for_each(|id| ids.note(id));
        ids.sort();
        let mut differing = 0;
        if folder.plan().exists() {
            for line in plan_lines(folder)? {
                let line = line?;
                let (position, mut before) = (line.position()?, line.job()?);
                if let Some(folder) = &self.original_directory {
                    before.job.request = before.job.request.seen_from(folder);
                }
                let index = self.indices.get(&before.job.id);
                let row = index.and_then(|index| self.rows.get_mut(*index)?.take());
                differing += u64::from(row.as_ref().is_some_and(|row| row.fingerprint != before.fingerprint));
                draft.push_at(position, &row.map_or_else(|| before.clone(), |row| in_place_of(&before, row)))?;
            }
        }
        for row in self.rows.iter().flatten() {
            differing += 1;
            draft.push(row)?;
        }
        Ok((ids, differing))
    }
}

/// Returns `row` for the position of the row `before`. If both are the same edit, the images of `before` are kept,
/// because the report may refer to them by paths of temporary copies.
fn in_place_of(before: &PlannedJob, row: PlannedJob) -> PlannedJob {
    let is_same = row.fingerprint == before.fingerprint;
    let request = if is_same { before.job.request.clone() } else { row.job.request };
    PlannedJob { job: Job { request, line: before.job.line, ..row.job }, ..row }
}
