use crate::commands::Failure;
use crate::commands::job_loading::{Partitioned, Sent, for_each, unmatched};
use crate::commands::manifest_scope::{ManifestScope, original_directory};
use crate::commands::options::Options;
use crate::job::ContentHash;
use crate::manifest::{Diagnostic, FoundJob, Manifest};
use crate::pictures::LocalPictures;
use crate::plan::PlannedJob;
use crate::run_folder::{DraftLine, FolderError, PlanDraft, PlanStamp, RunFolder, plan_lines};

use super::ids::Ids;
use super::opening::FolderOpening;
use super::partial_plan::PartialPlan;

/// The plan of a run, made of its manifest.
pub(super) enum Planning {
    /// The one that the folder has: the manifest is what it was.
    Unchanged(ContentHash),
    /// One that is made again.
    Redrafted(Box<Drafted>),
}

/// A plan that is the folder's by now.
pub(super) struct Published {
    pub(super) plan: ContentHash,
    /// The ids that are in other shares.
    pub(super) others: Ids,
    /// Those that are meant, where the plan has others as well.
    pub(super) selected: Option<Ids>,
}

/// A plan that is not the folder's yet.
pub(super) struct Drafted {
    draft: PlanDraft,
    pictures: LocalPictures,
    ids: Ids,
    selected: Option<Ids>,
    /// A warning, where ids are nearly the same.
    warnings: Vec<Diagnostic>,
    /// What it was made of, where that can be told.
    made_of: Option<ContentHash>,
}

/// What is made of a row, on whatever thread it is read.
enum Row {
    Line(DraftLine),
    /// What it asks for is compared with the plan that the folder has.
    Partial(Box<PlannedJob>),
}

impl Planning {
    /// Reads all rows, unless they are those that the folder's plan was made of.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the manifest.
    pub(super) fn begin(manifest: &Manifest, options: &Options, opening: &FolderOpening) -> Result<Planning, Failure> {
        let folder = &options.folder;
        let is_part = options.scope == ManifestScope::Part;
        // The ids of other shares are not in the plan, and a part of one is not all of it.
        let made_of = if options.partition.is_none() && !is_part { manifest.content().ok().flatten() } else { None };
        if opening.is_held()
            && let Some(plan) = made_of.and_then(|made_of| PlanStamp::plan_of(folder, made_of))
        {
            if let Some(only) = options.must_match()
                && !any_matches(only, folder)?
            {
                return Err(unmatched(only, manifest).into());
            }
            return Ok(Planning::Unchanged(plan));
        }
        let mut pictures = LocalPictures::with_cache(&folder.pictures());
        let mut draft = PlanDraft::begin(folder)?;
        let mut ids = Ids::default();
        let mut partial_plan = PartialPlan::of(opening.ledger().and_then(original_directory));
        let planned = |found: &FoundJob<'_>, sent: &Sent<'_>| {
            let job = PlannedJob { fingerprint: sent.fingerprint()?, job: found.to_job() };
            let row = if is_part { Row::Partial(Box::new(job)) } else { Row::Line(DraftLine::of(folder, &job)?) };
            Ok::<_, Failure>((row, options.selection.names(found.job.id.as_str())))
        };
        let mut is_any_named = false;
        let warnings = for_each(manifest, options, &mut pictures, planned, |job| match job {
            Partitioned::Ours(planned) => {
                let (row, is_named) = planned?;
                is_any_named |= is_named;
                match row {
                    Row::Line(line) => draft.push_line(&line)?,
                    Row::Partial(job) => partial_plan.add(*job),
                }
                Ok(())
            }
            Partitioned::Theirs(id) => {
                draft.skip();
                ids.note(&id);
                Ok(())
            }
        })?;
        if let Some(only) = options.must_match().filter(|_| !is_any_named) {
            return Err(unmatched(only, manifest).into());
        }
        let selected = is_part.then(|| partial_plan.join(folder, &mut draft)).transpose()?;
        // Local pictures may change, a warning is told every time, and the file may have been written to meanwhile.
        let is_all = pictures.is_unused() && warnings.is_empty();
        let made_of = made_of.filter(|made_of| is_all && manifest.content().ok().flatten() == Some(*made_of));
        Ok(Planning::Redrafted(Box::new(Drafted { draft, pictures, ids, selected, warnings, made_of })))
    }

    pub(super) fn warnings(&self) -> &[Diagnostic] {
        match self {
            Planning::Unchanged(_) => &[],
            Planning::Redrafted(drafted) => &drafted.warnings,
        }
    }

    /// Makes it the plan of the folder, which is held by now.
    pub(super) fn publish(self, options: &Options) -> Result<Published, FolderError> {
        let Drafted { draft, pictures, ids, selected, made_of, .. } = match self {
            Planning::Unchanged(plan) => return Ok(Published { plan, others: Ids::default(), selected: None }),
            Planning::Redrafted(drafted) => *drafted,
        };
        let plan = draft.publish()?;
        pictures.save_cache(&options.folder.pictures());
        if let Some(made_of) = made_of {
            PlanStamp { made_of, plan }.put(&options.folder);
        }
        Ok(Published { plan, others: ids, selected })
    }
}

/// Whether a job of the folder's plan has an id that `only` matches.
fn any_matches(only: &glob::Pattern, folder: &RunFolder) -> Result<bool, FolderError> {
    for line in plan_lines(folder)? {
        if only.matches(line?.key()?.job.as_str()) {
            return Ok(true);
        }
    }
    Ok(false)
}
