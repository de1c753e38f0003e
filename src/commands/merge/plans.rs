use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::commands::{Failure, MergeError};
use crate::job::{Fingerprint, JobId};
use crate::plan::PlannedJob;
use crate::run_folder::{FolderError, PlanDraft, RunFolder, plan_lines};

/// Joins the plans of several folders into one for `out`, in the order of the manifest. Equal entries are written once.
pub(super) fn join(folders: &[&RunFolder], out: &RunFolder) -> Result<PlanDraft, Failure> {
    let mut draft = PlanDraft::begin(out)?;
    let mut known: HashMap<JobId, (Fingerprint, usize)> = HashMap::new();
    let mut plans = folders.iter().map(|folder| positioned_jobs(folder)).collect::<Result<Vec<_>, FolderError>>()?;
    let mut heads = Vec::new();
    for plan in &mut plans {
        heads.push(plan.next().transpose()?);
    }
    while let Some((position, plan_index)) = earliest(&heads) {
        let next = plans[plan_index].next().transpose()?;
        let Some((_, job)) = std::mem::replace(&mut heads[plan_index], next) else { break };
        match known.entry(job.job.id.clone()) {
            Entry::Vacant(entry) => {
                entry.insert((job.fingerprint, plan_index));
                draft.push_at(position, &job)?;
            }
            Entry::Occupied(entry) if entry.get().0 == job.fingerprint => {}
            Entry::Occupied(entry) => {
                let [one, other] = [entry.get().1, plan_index].map(|plan_index| folders[plan_index].path().to_owned());
                return Err(MergeError::Plans { job: job.job.id, one, other }.into());
            }
        }
    }
    Ok(draft)
}

type PositionedJob = (u64, PlannedJob);

fn earliest(heads: &[Option<PositionedJob>]) -> Option<(u64, usize)> {
    heads.iter().enumerate().filter_map(|(plan_index, head)| Some((head.as_ref()?.0, plan_index))).min()
}

fn positioned_jobs(
    folder: &RunFolder,
) -> Result<impl Iterator<Item = Result<PositionedJob, FolderError>> + use<'_>, FolderError> {
    Ok(plan_lines(folder)?.map(|line| {
        let line = line?;
        Ok((line.position()?, line.job()?))
    }))
}
