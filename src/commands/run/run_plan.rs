use std::collections::HashMap;

use rayon::iter::{Either, IntoParallelRefIterator, ParallelIterator};

use crate::commands::decision::Decider;
use crate::commands::options::Options;
use crate::commands::renamed::Renamed;
use crate::commands::report_data::{Outcome, PlanCounts, ShownPictures};
use crate::job::{HeldBack, JobId, JobStatus, StatusCounts};
use crate::journal::{Brief, EditKey, Ledger, Stage};
use crate::outputs;
use crate::plan::{self, ColorRules, Decided, Decision, DecisionCounts, JobRow, Kept, Standing, Task, Work};
use crate::progress::RemainingWork;
use crate::run_folder::{FolderError, PlanLine, RunFolder, plan_blocks, plan_lines};

use super::ids::{HashedId, Ids};
use super::planning::Published;

/// The decisions of a run, made in one pass over the plan file. They take a few bytes per job. Requests are read from
/// the file again when they are needed.
pub(super) struct RunPlan {
    /// One decision per line of the plan; `None` for jobs that are not selected.
    decisions: Vec<Option<Decision>>,
    /// Edits that were paid for and are no longer in the manifest.
    orphans: Vec<Work>,
    /// Edits of jobs that are not selected, whose pictures move back from `earlier/`.
    returning: Vec<Work>,
    ids: Ids,
    /// The jobs that may be selected; `None` for all of them.
    part: Option<Ids>,
    /// The rules for colors; `None` if they are not checked.
    rules: Option<ColorRules>,
    /// The status of all jobs of the manifest.
    pub(super) counts: StatusCounts,
    /// The jobs that are not submitted because of pictures that the journal does not know.
    pub(super) held_back: HeldBack,
    /// The jobs that request edits which exist under other ids.
    pub(super) renamed: Renamed,
    /// The number of jobs with pictures in `results/`, as the journal says.
    shown: u64,
    /// The selected jobs by what the run does with them.
    pub(super) decided: DecisionCounts,
    /// The number of predictions to poll in addition to those that are known to be in progress.
    pub(super) asked_again: u64,
    /// The status of the selected jobs before the run.
    initial_outcome: Outcome,
}

/// The state of a job of the plan.
struct JobState<'l> {
    key: EditKey,
    /// The hash of its id.
    id: HashedId,
    /// The journal's summary of its edit, if it is not selected.
    brief: Option<Brief<'l>>,
    pictures: ShownPictures,
    /// Whether pictures of any of its edits are in `results/`, as the journal says.
    is_shown: bool,
    /// The decision; `None` if it is not selected.
    decided: Option<Decided<'l>>,
    /// The picture that holds the job back.
    picture: Option<String>,
}

impl RunPlan {
    /// Compares the plan of the run's folder with its ledger. The ids of other shares count too, because the pictures
    /// may be merged later, and no picture may have the name of another job's.
    ///
    /// # Errors
    ///
    /// The plan, the journal or `results/` cannot be read.
    pub(super) fn prepare(ledger: &Ledger, options: &Options, plan: Published) -> Result<RunPlan, FolderError> {
        let folder = &options.folder;
        let mut run_plan = RunPlan {
            decisions: Vec::new(),
            orphans: Vec::new(),
            returning: Vec::new(),
            ids: plan.others,
            part: plan.selected,
            rules: options.color_rules(),
            counts: StatusCounts::default(),
            held_back: HeldBack::default(),
            renamed: Renamed::default(),
            shown: 0,
            decided: DecisionCounts::default(),
            asked_again: 0,
            initial_outcome: Outcome::default(),
        };
        let mut rows: HashMap<JobId, JobRow> =
            plan::unfinished(ledger).map(|job| (job.clone(), JobRow::Removed)).collect();
        let (mut selected_jobs, mut unselected) = (0, Vec::new());
        let decider = Decider::of(options, ledger);
        for block in plan_blocks(folder)? {
            let block = block?;
            let lines: Vec<PlanLine<'_>> = block.lines().collect();
            let is_below_limit = options.selection.is_below_limit(selected_jobs);
            let state_of = |line: &PlanLine<'_>| run_plan.state_of(line, ledger, &decider, options, is_below_limit);
            // Looking up a million pictures is mostly waiting.
            let states: Vec<JobState<'_>> = lines.par_iter().map(state_of).collect::<Result<_, _>>()?;
            for mut state in states {
                if !options.selection.is_below_limit(selected_jobs)
                    && let Some(decided) = state.decided.take()
                {
                    state.brief = decided.edit;
                }
                selected_jobs += usize::from(state.decided.is_some());
                if let Some(row) = rows.get_mut(&state.key.job) {
                    let row_with = if state.decided.is_some() { JobRow::Selected } else { JobRow::LeftOut };
                    *row = row_with(state.key.fingerprint);
                }
                if state.brief.as_ref().is_some_and(is_away) {
                    unselected.push(state.key.clone());
                }
                run_plan.add(state, ledger);
            }
        }
        run_plan.ids.sort();
        // A prune moves pictures of removed jobs away, so those that are still to come are not put in their place.
        let of_removed = if run_plan.prunes(options) { Standing::Superseded } else { Standing::Current };
        run_plan.orphans = plan::orphans(ledger, |id| rows.get(id).copied().unwrap_or(JobRow::Removed), of_removed);
        run_plan.returning = returning(ledger, folder, unselected)?;
        let is_in_work = |key| ledger.brief(key).is_some_and(|brief| brief.stage == Stage::Processing);
        let followed =
            run_plan.orphans.iter().filter(|work| matches!(work.task, Task::Follow) && !is_in_work(&work.key));
        run_plan.asked_again = run_plan.decided.asked_again + followed.count() as u64;
        Ok(run_plan)
    }

    /// Adds a job of the plan. A job without a decision is not selected, and only counted.
    fn add(&mut self, job: JobState<'_>, ledger: &Ledger) {
        let JobState { key, id, brief, pictures, is_shown, decided, picture, .. } = job;
        let edit = decided.as_ref().map_or(brief.as_ref(), |decided| decided.edit.as_ref());
        self.ids.push(id);
        self.counts.add(edit.map_or(JobStatus::Pending, Brief::status));
        self.shown += u64::from(is_shown);
        self.decisions.push(decided.as_ref().map(|decided| decided.decision));
        let Some(decided) = &decided else { return };
        self.decided.add(decided, pictures.exist());
        if matches!(decided.decision, Decision::New | Decision::Changed) && !ledger.is_blank() {
            self.renamed.note(key, None, ledger);
        }
        if let Some(picture) = picture {
            self.held_back.add(picture);
        }
        self.initial_outcome.add(edit, pictures);
    }

    /// Returns the state of a job of the plan from the journal. Looks for its pictures if it may be selected.
    fn state_of<'l>(
        &self,
        line: &PlanLine<'_>,
        ledger: &'l Ledger,
        decider: &Decider<'l>,
        options: &Options,
        is_below_limit: bool,
    ) -> Result<JobState<'l>, FolderError> {
        let key = line.key()?;
        let is_meant = options.selection.names(key.job.as_str())
            && self.part.as_ref().is_none_or(|part| part.has(key.job.as_str()));
        let decided = (is_below_limit && is_meant).then(|| decider.decide(&key, || line.colors())).transpose()?;
        let (decided, picture) = decided.unzip();
        let brief = if decided.is_none() { ledger.brief(&key) } else { None };
        let edit = decided.as_ref().map_or(brief.as_ref(), |decided| decided.edit.as_ref());
        let base = decided.as_ref().map(|decided| decided.base);
        let pictures = match base {
            Some(Decision::Keep(Kept::Retouched)) => ShownPictures::Retouched,
            _ => ShownPictures::recorded(edit, &key.job, ledger),
        };
        let (id, is_shown) = (self.ids.hash(key.job.as_str()), ledger.is_shown(&key.job));
        Ok(JobState { id, brief, pictures, is_shown, decided, picture: picture.flatten(), key })
    }

    /// Returns the status of the selected jobs before the run.
    pub(super) fn initial_outcome(&self) -> Outcome {
        self.initial_outcome.clone()
    }

    /// Returns the totals before a run of all jobs, which is one that [selects all](RunPlan::selects_all).
    pub(super) fn initial_totals(&self, ledger: &Ledger) -> PlanCounts {
        PlanCounts { outcome: self.initial_outcome(), removed: self.removed(ledger) }
    }

    /// Returns the number of jobs with pictures in `results/` that are not in the plan.
    pub(super) fn removed(&self, ledger: &Ledger) -> u64 {
        ledger.shown_jobs().saturating_sub(self.shown)
    }

    /// Whether all jobs are selected.
    pub(super) fn selects_all(&self) -> bool {
        self.selected() == self.counts.total
    }

    /// Returns the number of selected jobs whose pictures the user has changed.
    pub(super) fn retouched(&self) -> u64 {
        self.initial_outcome.retouched
    }

    /// Returns the decision on each selected job.
    pub(super) fn decided(
        &self,
        folder: &RunFolder,
    ) -> Result<impl Iterator<Item = Result<(EditKey, Decision), FolderError>>, FolderError> {
        let decided = plan_lines(folder)?.zip(&self.decisions);
        Ok(decided.filter_map(|(line, decision)| {
            let decision = (*decision)?;
            Some(line.and_then(|line| Ok((line.key()?, decision))))
        }))
    }

    /// Returns the number of selected jobs.
    pub(super) fn selected(&self) -> u64 {
        self.decisions.iter().flatten().count() as u64
    }

    /// Returns the number of jobs and edits with work to do.
    pub(super) fn work_count(&self) -> u64 {
        let open = self.decisions.iter().flatten().filter(|decision| !matches!(decision, Decision::Keep(_)));
        (open.count() + self.orphans.len() + self.returning.len()) as u64
    }

    /// Returns the amount of work, to be announced before it begins.
    pub(super) fn remaining_work(&self) -> RemainingWork {
        let returning = self.decided.returning + self.returning.len() as u64;
        RemainingWork { total: self.selected(), work: self.work_count(), returning }
    }

    /// Whether the API may be needed. It is not if pictures are only reviewed.
    pub(super) fn asks_api(&self) -> bool {
        let is_quiet = |decision: &Decision| matches!(decision, Decision::Keep(_) | Decision::ReviewColor);
        self.decided.further_rerolls > 0 || !self.orphans.is_empty() || !self.decisions.iter().flatten().all(is_quiet)
    }

    /// Whether `text` is the id of a job of the manifest.
    pub(super) fn is_job(&self, text: &str) -> bool {
        self.ids.has(text)
    }

    /// Whether pictures of removed jobs are moved away. A manifest without jobs is probably a mistake, and must not remove
    /// all pictures.
    pub(super) fn prunes(&self, options: &Options) -> bool {
        options.prunes && self.counts.total > 0
    }

    /// Returns the removed jobs whose pictures came during the run and were saved in `earlier/`.
    pub(super) fn saved_aside<'a>(&'a self, ledger: &'a Ledger) -> impl Iterator<Item = &'a JobId> {
        let removed = self.orphans.iter().filter(|work| work.standing == Standing::Superseded);
        let removed = removed.map(|work| &work.key).filter(|key| !self.is_job(key.job.as_str()));
        removed.filter(|key| ledger.status(key) == JobStatus::Completed).map(|key| &key.job)
    }

    /// Whether a name is that of the first picture of a job of the manifest, also on file systems that ignore case.
    pub(super) fn is_named(&self, stem: &str) -> bool {
        self.ids.is_named(stem)
    }

    /// Returns the work in order. Free work comes first, because results that were paid for are saved before more money
    /// is spent. The plan is read lazily.
    pub(super) fn work<'a>(&'a self, folder: &'a RunFolder) -> impl Iterator<Item = Result<Work, FolderError>> {
        let free = self.work_matching(folder, Decision::is_free);
        free.chain(self.returning.iter().chain(&self.orphans).cloned().map(Ok))
            .chain(self.work_matching(folder, |decision| !decision.is_free()))
    }

    /// Returns the work for the decisions that are `wanted`.
    fn work_matching<'a>(
        &'a self,
        folder: &'a RunFolder,
        wanted: impl Fn(Decision) -> bool + Copy + 'a,
    ) -> impl Iterator<Item = Result<Work, FolderError>> {
        let is_wanted = move |decision: &Decision| wanted(*decision) && !matches!(decision, Decision::Keep(_));
        let is_any = self.decisions.iter().flatten().any(is_wanted);
        // The file is opened only when it is needed.
        let opened = std::iter::once_with(move || is_any.then(|| plan_lines(folder))).flatten();
        opened.flat_map(move |opened| match opened {
            Ok(mut lines) => Either::Left((1..).zip(&self.decisions).filter_map(move |(number, decision)| {
                // Skipped lines must exist too, because lines and decisions are matched by position.
                let line = match lines.next().unwrap_or_else(|| Err(missing_line(folder, number))) {
                    Ok(line) => line,
                    Err(error) => return Some(Err(error)),
                };
                let decision = decision.filter(is_wanted)?;
                line.job().map(|planned| plan::work(&planned, decision, self.rules.as_ref())).transpose()
            })),
            Err(error) => Either::Right(std::iter::once(Err(error))),
        })
    }

    /// Returns how many jobs whose requests have changed were submitted since, and how many still have to be.
    pub(super) fn changed(&self, folder: &RunFolder, ledger: &Ledger) -> Result<(u64, u64), FolderError> {
        let (mut submitted, mut left) = (0, 0);
        for found in self.decided(folder)? {
            let (key, decision) = found?;
            if decision != Decision::Changed {
                continue;
            }
            match ledger.brief(&key) {
                None => left += 1,
                Some(Brief { stage: Stage::Idle, .. }) => left += 1,
                Some(Brief { has_prediction: true, .. } | Brief { stage: Stage::Uncertain, .. }) => submitted += 1,
                // It was refused for good, which costs nothing.
                Some(_) => {}
            }
        }
        Ok((submitted, left))
    }

    /// Returns the current status of the selected jobs.
    pub(super) fn outcome(&self, folder: &RunFolder, ledger: &Ledger) -> Result<Outcome, FolderError> {
        let mut outcome = Outcome::default();
        for (line, decision) in plan_lines(folder)?.zip(&self.decisions) {
            let Some(decision) = decision else { continue };
            let key = line?.key()?;
            let brief = ledger.brief(&key);
            // Pictures that were unchanged and had no work are not checked again.
            let pictures = match decision {
                Decision::Keep(Kept::Completed) => ShownPictures::Current,
                _ => ShownPictures::of(brief.as_ref(), &key, ledger, folder),
            };
            outcome.add(brief.as_ref(), pictures);
        }
        Ok(outcome)
    }
}

/// Whether an edit is completed, and its pictures are not in `results/`.
fn is_away(edit: &Brief<'_>) -> bool {
    edit.stage == Stage::Completed && !edit.is_shown
}

/// Returns the work for completed edits of jobs that are not selected. Their pictures are moved back, which costs nothing,
/// so that `results/` has those of the manifest. A review of their colors, and pictures that are no longer in `earlier/`,
/// wait for a run that selects their jobs.
fn returning(ledger: &Ledger, folder: &RunFolder, edits: Vec<EditKey>) -> Result<Vec<Work>, FolderError> {
    let mut returning = Vec::new();
    for key in edits {
        let edit = ledger.edit(&key)?;
        let are_aside = edit.is_some_and(|edit| edit.files().iter().all(|file| outputs::is_aside(folder.path(), file)));
        if are_aside && ledger.brief(&key).is_some_and(|brief| brief.rerolls == 0) {
            returning.push(Work { key, task: Task::Reinstate, standing: Standing::Current, target: None });
        }
    }
    Ok(returning)
}

fn missing_line(folder: &RunFolder, line: usize) -> FolderError {
    let cause = serde::de::Error::custom("it is not there any more");
    FolderError::Plan { path: folder.plan(), line, cause }
}
