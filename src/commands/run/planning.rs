use std::path::Path;

use jiff::Timestamp;

use crate::commands::Failure;
use crate::commands::job_loading::{Partitioned, Sent, advice_warnings, for_each, unmatched};
use crate::commands::manifest_scope::{ManifestScope, original_directory};
use crate::commands::options::Options;
use crate::commands::recorded_edits::RecordedEdits;
use crate::commands::unknown_rows::PartialRows;
use crate::job::{ContentHash, IdPattern};
use crate::manifest::{Diagnostic, FoundJob, Manifest};
use crate::pictures::LocalPictures;
use crate::plan::{Advice, JobFeatures, PlannedJob};
use crate::run_folder::{DraftLine, FolderError, PlanDraft, PlanStamp, RunFolder, plan_lines};

use super::ids::Ids;
use super::opening::FolderOpening;
use super::partial_plan::PartialPlan;

/// The plan of a run, created from its manifest.
pub(super) enum Planning {
    /// The folder's existing plan, because the manifest is unchanged.
    Unchanged(ContentHash),
    /// A new draft.
    Redrafted(Box<Drafted>),
}

/// A published plan of the folder.
pub(super) struct Published {
    pub(super) plan: ContentHash,
    /// The ids in other shares.
    pub(super) others: Ids,
    /// The selected ids, if the plan has others as well.
    pub(super) selected: Option<Ids>,
    /// The number of rows of a partial manifest that are not those of the plan before.
    pub(super) differing: u64,
}

/// A plan that is not published yet.
pub(super) struct Drafted {
    draft: PlanDraft,
    pictures: LocalPictures,
    ids: Ids,
    selected: Option<Ids>,
    differing: u64,
    /// Warnings about the rows.
    warnings: Vec<Diagnostic>,
    /// The hash of the content that it was created from, if it has one.
    made_of: Option<ContentHash>,
}

/// The result of planning a row, on any of the threads that read rows.
enum Row {
    Line(DraftLine),
    /// A row of a partial manifest, which is compared with the folder's plan.
    Partial(Box<PlannedJob>),
}

impl Planning {
    /// Plans all rows, unless the folder's plan was made from the same content.
    ///
    /// # Errors
    ///
    /// The manifest has errors, or was renamed since it was run.
    pub(super) fn begin(
        manifest: &Manifest,
        path: &Path,
        options: &Options,
        opening: &FolderOpening,
    ) -> Result<Planning, Failure> {
        let folder = &options.folder;
        let is_part = options.scope == ManifestScope::Part;
        // The ids of other shares are not in the plan, and a partial manifest does not have all rows.
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
        let mut partial_plan =
            PartialPlan::of(if is_part { opening.ledger().and_then(original_directory) } else { None });
        let mut partial_rows = PartialRows::of(&options.scope);
        let mut advice = Advice::new(Timestamp::now(), options.settings.submits.expected(None));
        // Only a first run is certain to submit every job.
        let is_first = !folder.journal().exists();
        let recorded = RecordedEdits::of(folder, || opening.ledger());
        let mut renamed = options.renamed_manifest(path);
        let planned = |found: &FoundJob<'_>, sent: &Sent<'_>| {
            let (fingerprint, seed) = recorded.edit(&found.job.id, sent)?;
            let features = JobFeatures::of(found.job, fingerprint.into());
            let mut job = found.to_job();
            job.request.seed = seed.or(job.request.seed);
            let job = PlannedJob { fingerprint, job };
            let row = if is_part { Row::Partial(Box::new(job)) } else { Row::Line(DraftLine::of(folder, &job)?) };
            Ok::<_, Failure>((row, features, options.selection.names(found.job.id.as_str())))
        };
        let mut is_any_named = false;
        let warnings = for_each(manifest, options, &mut pictures, planned, |job| match job {
            Partitioned::Ours(planned) => {
                let (row, features, is_named) = planned?;
                is_any_named |= is_named;
                if is_named {
                    advice.add(&features, is_first);
                }
                match row {
                    Row::Line(line) => {
                        if let Some(renamed) = &mut renamed {
                            renamed.note(|| line.key());
                        }
                        draft.push_line(&line)?;
                    }
                    Row::Partial(job) => {
                        if let Some(rows) = &mut partial_rows {
                            rows.note(&job.job.id, job.job.line);
                        }
                        partial_plan.add(*job);
                    }
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
        if let Some(renamed) = renamed {
            renamed.check()?;
        }
        if let (Some(rows), Some(ledger)) = (partial_rows, opening.ledger()) {
            rows.check(folder, ledger, manifest.file_of_lines())?;
        }
        let (selected, differing) = is_part.then(|| partial_plan.join(folder, &mut draft)).transpose()?.unzip();
        // The plan can be reused only if it depends on no local pictures, which may change, and has no warnings, which
        // every run prints. The manifest may also have changed while it was read.
        let is_all = pictures.is_unused() && warnings.is_empty();
        let made_of = made_of.filter(|made_of| is_all && manifest.content().ok().flatten() == Some(*made_of));
        let about_jobs = advice_warnings(&mut advice, manifest.file_of_lines());
        let warnings = warnings.into_iter().chain(about_jobs).collect();
        Ok(Planning::Redrafted(Box::new(Drafted {
            draft,
            pictures,
            ids,
            selected,
            differing: differing.unwrap_or_default(),
            warnings,
            made_of,
        })))
    }

    pub(super) fn warnings(&self) -> &[Diagnostic] {
        match self {
            Planning::Unchanged(_) => &[],
            Planning::Redrafted(drafted) => &drafted.warnings,
        }
    }

    /// Publishes the plan in the folder, which must be locked.
    pub(super) fn publish(self, options: &Options) -> Result<Published, FolderError> {
        let Drafted { draft, pictures, ids, selected, differing, made_of, .. } = match self {
            Planning::Unchanged(plan) => {
                return Ok(Published { plan, others: Ids::default(), selected: None, differing: 0 });
            }
            Planning::Redrafted(drafted) => *drafted,
        };
        let plan = draft.publish()?;
        pictures.save_cache(&options.folder.pictures());
        if let Some(made_of) = made_of {
            PlanStamp { made_of, plan }.put(&options.folder);
        }
        Ok(Published { plan, others: ids, selected, differing })
    }
}

/// Whether the folder's plan has a job with an id that `only` matches.
fn any_matches(only: &IdPattern, folder: &RunFolder) -> Result<bool, FolderError> {
    for line in plan_lines(folder)? {
        if only.matches(line?.key()?.job.as_str()) {
            return Ok(true);
        }
    }
    Ok(false)
}
