use std::collections::{BTreeMap, HashMap};

use rayon::iter::{Either, IntoParallelRefIterator, ParallelIterator};

use crate::color::{Verdict, VerdictCounts};
use crate::commands::decision::decide;
use crate::commands::options::Options;
use crate::commands::report_data::is_retouched;
use crate::commands::unknown_pictures::UnknownPictures;
use crate::job::{ErrorClass, Fingerprint, HeldBack, JobId, JobStatus, StatusCounts};
use crate::journal::{Brief, EditKey, Ledger, Stage};
use crate::plan::{self, ColorRules, Decision, Kept, KnownEdit, Task, Work};
use crate::progress::{ChangedJobs, RemainingWork};
use crate::run_folder::{FolderError, PlanLine, RunFolder, plan_blocks, plan_lines};

use super::ids::{HashedId, Ids};
use super::planning::Published;

/// What a run does, decided in one pass over the plan file. Memory holds a few bytes a job: requests are read from the
/// file again when their turn comes.
pub(super) struct RunPlan {
    /// A line of the plan each; nothing for jobs that are not meant.
    decisions: Vec<Option<Decision>>,
    /// What was paid for and the manifest no longer asks for.
    orphans: Vec<Work>,
    ids: Ids,
    /// Those that may be meant, where that is not all of them.
    part: Option<Ids>,
    /// What is done about colors; `None` where nobody wants them to be checked.
    rules: Option<ColorRules>,
    /// How all jobs of the manifest stand.
    pub(super) counts: StatusCounts,
    /// Those that are not submitted because of pictures that the journal does not know.
    pub(super) held_back: HeldBack,
    /// How many of them have pictures in `results/`.
    shown: u64,
    /// How many of those that are meant get pictures back that were moved aside, and ask nothing of anybody.
    returning: u64,
    /// How many predictions are asked for beside those that the provider is known to have in work.
    pub(super) asked_again: u64,
    /// How many are submitted although their ids were, for they ask for something else by now.
    pub(super) changed: ChangedJobs,
    /// How those stand that are meant.
    initial_outcome: Outcome,
}

/// What there is to know of a job of the plan.
struct JobState<'l> {
    key: EditKey,
    /// Its id.
    id: HashedId,
    /// What the journal knows of it.
    brief: Option<Brief<'l>>,
    /// Whether the job has pictures in `results/`, of whatever edit.
    is_shown: bool,
    /// What becomes of it before anybody looks after its color.
    base_decision: Option<Decision>,
    /// Nothing, if it is not meant.
    decision: Option<Decision>,
    /// The picture that holds it back, though it was to be submitted.
    picture: Option<String>,
}

/// How the jobs that were meant ended.
#[derive(Clone, Default)]
pub(super) struct Outcome {
    pub(super) counts: StatusCounts,
    /// The failed ones by class.
    pub(super) errors: BTreeMap<ErrorClass, u64>,
    /// The completed ones by the verdict on their color.
    pub(super) colors: VerdictCounts,
    /// Those whose pictures somebody has changed since they were saved.
    pub(super) retouched: u64,
}

impl RunPlan {
    /// Holds the plan of the run's folder against its ledger. The ids of other shares count as well: their pictures will
    /// be beside these some day, and none may take the name of another.
    ///
    /// # Errors
    ///
    /// The plan, the journal or `results/` cannot be read.
    pub(super) fn prepare(ledger: &Ledger, options: &Options, plan: Published) -> Result<RunPlan, FolderError> {
        let folder = &options.folder;
        let mut run_plan = RunPlan {
            decisions: Vec::new(),
            orphans: Vec::new(),
            ids: plan.others,
            part: plan.selected,
            rules: options.checks_colors.then_some(options.settings.color),
            counts: StatusCounts::default(),
            held_back: HeldBack::default(),
            shown: 0,
            returning: 0,
            asked_again: 0,
            changed: ChangedJobs::default(),
            initial_outcome: Outcome::default(),
        };
        let mut wanted: HashMap<JobId, Option<Fingerprint>> =
            plan::unfinished(ledger).map(|job| (job.clone(), None)).collect();
        let mut selected_jobs = 0;
        let unknown_pictures = UnknownPictures::of(folder, ledger);
        for block in plan_blocks(folder)? {
            let block = block?;
            let lines: Vec<PlanLine<'_>> = block.lines().collect();
            let is_below_limit = options.selection.is_below_limit(selected_jobs);
            let state_of =
                |line: &PlanLine<'_>| run_plan.state_of(line, ledger, &unknown_pictures, options, is_below_limit);
            // Whoever looks for a million pictures waits for most of them.
            let states: Vec<JobState<'_>> = lines.par_iter().map(state_of).collect::<Result<_, _>>()?;
            for JobState { key, id, brief, is_shown, base_decision, decision, picture } in states {
                run_plan.ids.push(id);
                run_plan.counts.add(brief.as_ref().map_or(JobStatus::Pending, Brief::status));
                run_plan.shown += u64::from(is_shown);
                if let Some(fingerprint) = wanted.get_mut(&key.job) {
                    *fingerprint = Some(key.fingerprint);
                }
                let decision = decision.filter(|_| options.selection.is_below_limit(selected_jobs));
                if decision.is_some() {
                    selected_jobs += 1;
                    run_plan.asked_again +=
                        u64::from(base_decision.is_some_and(|decision| decision.asks_again(brief.as_ref())));
                    run_plan.returning += u64::from(base_decision == Some(Decision::Reinstate));
                    run_plan.changed.jobs += u64::from(decision == Some(Decision::Changed));
                    run_plan.changed.shown += u64::from(decision == Some(Decision::Changed) && is_shown);
                    if let Some(picture) = picture {
                        run_plan.held_back.add(picture);
                    }
                    run_plan
                        .initial_outcome
                        .add(brief.as_ref(), base_decision == Some(Decision::Keep(Kept::Retouched)));
                }
                run_plan.decisions.push(decision);
            }
        }
        run_plan.ids.sort();
        run_plan.orphans = plan::orphans(ledger, |id| wanted.get(id).copied().flatten());
        let is_in_work = |key| ledger.brief(key).is_some_and(|brief| brief.stage == Stage::Processing);
        let asked = run_plan.orphans.iter().filter(|work| matches!(work.task, Task::Follow) && !is_in_work(&work.key));
        run_plan.asked_again += asked.count() as u64;
        Ok(run_plan)
    }

    /// Looks at a job of the plan: at what the journal says of it, and whether its pictures are there if it may be meant.
    fn state_of<'l>(
        &self,
        line: &PlanLine<'_>,
        ledger: &'l Ledger,
        unknown_pictures: &UnknownPictures<'_>,
        options: &Options,
        is_below_limit: bool,
    ) -> Result<JobState<'l>, FolderError> {
        let key = line.key()?;
        let known = KnownEdit::of(&key, ledger);
        let mut base_decision = None;
        let is_meant = options.selection.names(key.job.as_str())
            && self.part.as_ref().is_none_or(|part| part.has(key.job.as_str()));
        let decision = if is_below_limit && is_meant {
            let decision = decide(&options.folder, ledger, &key, &known, options.choices)?;
            base_decision = Some(decision);
            let rules = self.rules.as_ref();
            let colors = if rules.is_some() && !decision.submits() { line.colors()? } else { Vec::new() };
            Some(plan::with_color_review(decision, &known, &colors, rules))
        } else {
            None
        };
        let id = self.ids.hash(key.job.as_str());
        let is_shown = known.edit.as_ref().is_some_and(|edit| edit.is_shown) || ledger.is_shown(&key.job);
        let checked = decision.map(|decision| unknown_pictures.hold_back(&key.job, decision)).transpose()?;
        let (decision, picture) = checked.map_or((None, None), |(decision, picture)| (Some(decision), picture));
        Ok(JobState { id, brief: known.edit, is_shown, base_decision, decision, picture, key })
    }

    /// How the jobs that are meant stand, and how many are shown and no longer in the manifest.
    pub(super) fn initial_outcome(&self, ledger: &Ledger) -> (Outcome, u64) {
        (self.initial_outcome.clone(), ledger.shown_jobs().saturating_sub(self.shown))
    }

    /// How many of those that are meant have pictures that somebody has changed.
    pub(super) fn retouched(&self) -> u64 {
        self.initial_outcome.retouched
    }

    /// What becomes of each job that is meant.
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

    /// How many jobs are meant.
    pub(super) fn selected(&self) -> u64 {
        self.decisions.iter().flatten().count() as u64
    }

    /// How much there is to do.
    pub(super) fn work_count(&self) -> u64 {
        let open = self.decisions.iter().flatten().filter(|decision| !matches!(decision, Decision::Keep(_)));
        (open.count() + self.orphans.len()) as u64
    }

    /// The same, as it is told before it begins.
    pub(super) fn remaining_work(&self) -> RemainingWork {
        RemainingWork { total: self.selected(), work: self.work_count(), returning: self.returning }
    }

    /// Whether the API may have to be asked: not where all that is left is to look at pictures.
    pub(super) fn asks_api(&self) -> bool {
        let is_quiet = |decision: &Decision| matches!(decision, Decision::Keep(_) | Decision::ReviewColor);
        let may_submit = self.rules.is_some_and(|rules| rules.rerolls > 0);
        may_submit || !self.orphans.is_empty() || !self.decisions.iter().flatten().all(is_quiet)
    }

    /// Whether a text is the id of a job of the manifest.
    pub(super) fn is_job(&self, text: &str) -> bool {
        self.ids.has(text)
    }

    /// Whether a name is that of the first picture of a job of the manifest, where capitals may not count.
    pub(super) fn is_named(&self, stem: &str) -> bool {
        self.ids.is_named(stem)
    }

    /// The work in its order: what costs nothing goes first, for what was paid for is brought home before money is
    /// spent. The plan is read as the work is asked for.
    pub(super) fn work<'a>(&'a self, folder: &'a RunFolder) -> impl Iterator<Item = Result<Work, FolderError>> {
        let free = self.work_matching(folder, Decision::is_free);
        free.chain(self.orphans.iter().cloned().map(Ok))
            .chain(self.work_matching(folder, |decision| !decision.is_free()))
    }

    /// The work of those decisions that are `wanted`.
    fn work_matching<'a>(
        &'a self,
        folder: &'a RunFolder,
        wanted: impl Fn(Decision) -> bool + Copy + 'a,
    ) -> impl Iterator<Item = Result<Work, FolderError>> {
        let is_wanted = move |decision: &Decision| wanted(*decision) && !matches!(decision, Decision::Keep(_));
        let is_any = self.decisions.iter().flatten().any(is_wanted);
        // The file is opened when the first of them is asked for.
        let opened = std::iter::once_with(move || is_any.then(|| plan_lines(folder))).flatten();
        opened.flat_map(move |opened| match opened {
            Ok(mut lines) => Either::Left((1..).zip(&self.decisions).filter_map(move |(number, decision)| {
                // One that is skipped must be there as well: it is by their places that lines have their decisions.
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

    /// How the jobs that were meant stand by now.
    pub(super) fn outcome(&self, folder: &RunFolder, ledger: &Ledger) -> Result<Outcome, FolderError> {
        let mut outcome = Outcome::default();
        for (line, decision) in plan_lines(folder)?.zip(&self.decisions) {
            let Some(decision) = decision else { continue };
            let key = line?.key()?;
            let brief = ledger.brief(&key);
            // What was as it was saved, and nothing was done about, is not looked at again.
            let is_retouched = *decision != Decision::Keep(Kept::Completed)
                && brief.as_ref().is_some_and(|brief| is_retouched(brief, &key.job, folder));
            outcome.add(brief.as_ref(), is_retouched);
        }
        Ok(outcome)
    }
}

fn missing_line(folder: &RunFolder, line: usize) -> FolderError {
    let cause = serde::de::Error::custom("it is not there any more");
    FolderError::Plan { path: folder.plan(), line, cause }
}

impl Outcome {
    /// Counts one more job in, which the journal may not know. What somebody has made of a picture was not measured.
    fn add(&mut self, edit: Option<&Brief<'_>>, is_retouched: bool) {
        self.counts.add(edit.map_or(JobStatus::Pending, Brief::status));
        self.retouched += u64::from(is_retouched);
        match edit.map(|edit| (edit.stage, &edit.color)) {
            Some((Stage::Failed(class), _)) => *self.errors.entry(class).or_default() += 1,
            Some((Stage::Completed, Some(_))) if is_retouched => self.colors.add(Verdict::Unmeasurable),
            Some((Stage::Completed, Some(color))) => self.colors.add(color.verdict),
            _ => {}
        }
    }
}
