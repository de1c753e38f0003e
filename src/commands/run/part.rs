use std::collections::HashMap;
use std::path::PathBuf;

use crate::job::{Job, JobId};
use crate::plan::PlannedJob;
use crate::run_folder::{FolderError, PlanDraft, RunFolder, plan_lines};

use super::ids::Ids;

/// The rows of a manifest that is a part of a run, to be put in the places that they have in the run's plan. All others stay
/// what they are: their results are still asked for, and so are never pruned, and stay in the report.
#[derive(Default)]
pub(super) struct Part {
    rows: Vec<Option<PlannedJob>>,
    places: HashMap<JobId, usize>,
    /// The folder from which the paths in the run's plan are, where that is not the present one.
    elsewhere: Option<PathBuf>,
}

impl Part {
    /// None yet, of a plan whose paths are from `elsewhere`.
    pub(super) fn of(elsewhere: Option<PathBuf>) -> Part {
        Part { elsewhere, ..Part::default() }
    }

    /// Takes a row.
    pub(super) fn take(&mut self, row: PlannedJob) {
        self.places.insert(row.job.id.clone(), self.rows.len());
        self.rows.push(Some(row));
    }

    /// Writes the plan that `folder` has with these rows in it; the answer is their ids.
    ///
    /// # Errors
    ///
    /// The plan cannot be read, or the draft not be written.
    pub(super) fn join(mut self, folder: &RunFolder, draft: &mut PlanDraft) -> Result<Ids, FolderError> {
        let mut ids = Ids::default();
        self.places.keys().for_each(|id| ids.note(id));
        ids.sort();
        if folder.plan().exists() {
            for line in plan_lines(folder)? {
                let line = line?;
                let (position, mut before) = (line.position()?, line.job()?);
                if let Some(folder) = &self.elsewhere {
                    before.job.request = before.job.request.seen_from(folder);
                }
                let place = self.places.get(&before.job.id);
                let row = place.and_then(|place| self.rows.get_mut(*place)?.take());
                draft.push_at(position, &row.map_or_else(|| before.clone(), |row| in_place_of(&before, row)))?;
            }
        }
        for row in self.rows.iter().flatten() {
            draft.push(row)?;
        }
        Ok(ids)
    }
}

/// A row as it stands in the place of the one `before` it. The report may have named the same pictures in other words, by
/// copies that it does not keep.
fn in_place_of(before: &PlannedJob, row: PlannedJob) -> PlannedJob {
    let is_same = row.fingerprint == before.fingerprint;
    let request = if is_same { before.job.request.clone() } else { row.job.request };
    PlannedJob { job: Job { request, line: before.job.line, ..row.job }, ..row }
}
