use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;

use dyehouse::editor::wanted;
use dyehouse::job::{Cents, EditRequest, Hex, ImageSource, Job, JobId, Rate, SubmitRate, Switches, UncertainPolicy};
use dyehouse::journal::{EditState, Ledger, LinesError, Presence, RunStart, SavedFile, replay};
use dyehouse::plan::{self, Choices, ColorLock, Decision, FailedPolicy, JobRow, PlannedJob, UncertainReroll, Work};
use dyehouse::runner::fakes::{self, SilentObserver};
use dyehouse::runner::{self, Batch, Effects, RunError, RunFailure, RunOutcome, Settings, StopReason, StopSignal};
use tokio::time::{Duration, Instant};

use super::api::ScriptedApi;
use super::disk::SimulatedDisk;
use super::oracle::{self, Allowed, edits, prompt_of};
use super::store::SimulatedStore;
use super::verifier::SimulatedVerifier;
use super::world::World;

/// Counts of what happened in the histories, to check that enough did.
#[derive(Debug, Default)]
pub struct Seen {
    pub crashes: u64,
    pub uncertain: u64,
    pub completed: u64,
    pub changed: u64,
    pub rerolled: u64,
    pub corrected: u64,
    /// Edits that were not in memory at the end of a run.
    pub archived: u64,
    /// Runs that ended with an error of the disk, and the predictions that those named.
    pub failed: u64,
    pub unrecorded: u64,
}

/// The maximum duration of a run on the paused clock.
const FOREVER: Duration = Duration::from_secs(30 * 24 * 3600);

pub fn play(seed: u64, seen: &mut Seen) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut history = History::new(seed);
        let ended = history.play(seen).await;
        ended.map_err(|wrong| {
            let state = history.world.state();
            let journal = String::from_utf8_lossy(&state.durable);
            format!(
                "{wrong}\nresults: {:?}\noriginals: {:?}\nearlier: {:?}\n{journal}",
                state.results, state.originals, state.earlier
            )
        })
    })
}

struct History {
    world: World,
    began: Instant,
    jobs: Vec<PlannedJob>,
    settings: Settings,
    allowed: Allowed,
    choices: Choices,
    checks_colors: bool,
}

impl History {
    fn new(seed: u64) -> History {
        let world = World::new(seed);
        let mut history = History {
            world,
            began: Instant::now(),
            jobs: Vec::new(),
            settings: Settings::default(),
            allowed: Allowed::default(),
            choices: Choices::default(),
            checks_colors: true,
        };
        let count = history.draw(1..9);
        history.jobs = (0..count).map(|number| job(number, 0)).collect();
        let number = |number: u32| NonZeroU32::new(number).unwrap();
        history.settings = Settings {
            submits: match history.draw(0..5) {
                0 => SubmitRate::Auto,
                rate => SubmitRate::Fixed(Rate::per_second(number(rate))),
            },
            burst: number(history.draw(1..4)),
            in_flight: number(history.draw(1..6)),
            budget: (history.draw(0..3) == 0).then(|| Cents(u64::from(history.draw(7..60)))),
            recent_jobs: history.draw(0..4) as usize,
            ..Settings::default()
        };
        history.checks_colors = history.draw(0..4) > 0;
        history.settings.color.rerolls = history.draw(0..4);
        history.settings.color.lock = if history.draw(0..2) == 0 { ColorLock::Within(8.0) } else { ColorLock::Open };
        if history.draw(0..5) == 0 {
            history.settings.color.uncertain_reroll = UncertainReroll::Counts;
            history.choices.uncertain = UncertainPolicy::Resubmit;
            history.allowed.resubmits = true;
        }
        if history.draw(0..6) == 0 {
            history.choices.failed = FailedPolicy::Retry;
            history.allowed.retries = true;
        }
        history
    }

    async fn play(&mut self, seen: &mut Seen) -> Result<(), String> {
        let lives = self.draw(1..5);
        for _life in 0..lives {
            self.live_badly(seen).await?;
        }
        self.live_well(seen).await
    }

    fn draw(&self, range: std::ops::Range<u32>) -> u32 {
        self.world.state().random.u32(range)
    }

    /// Runs a life with faults, which usually ends in a crash.
    async fn live_badly(&mut self, seen: &mut Seen) -> Result<(), String> {
        self.edit_manifest(seen);
        let fuse = (self.draw(0..8) > 0).then(|| self.draw(1..150));
        let stop_after = (self.draw(0..6) == 0).then(|| Duration::from_millis(u64::from(self.draw(0..60_000))));
        let (faults, disk_may_fail) = (self.draw(0..45), self.draw(0..4) == 0);
        let life = self.world.begin_life(fuse, faults, disk_may_fail);
        let ended = self.live(life, stop_after).await?;
        match ended {
            None => seen.crashes += 1,
            Some(Ok(ending)) => self.check_ending(ending, seen)?,
            Some(Err(failure)) => self.check_failure(&failure, disk_may_fail, seen)?,
        }
        self.world.end_life();
        if self.draw(0..6) == 0 {
            self.world.expire();
        }
        self.check()
    }

    /// Runs lives without faults until nothing is left to do.
    async fn live_well(&mut self, seen: &mut Seen) -> Result<(), String> {
        self.choices.failed = FailedPolicy::Keep;
        for _life in 0..4 {
            let life = self.world.begin_life(None, 0, false);
            let ended = self.live(life, None).await?;
            let ending = ended.ok_or("a life without a fuse crashed")?.map_err(|error| error.to_string())?;
            let stopped = ending.stopped.clone();
            self.check_ending(ending, seen)?;
            self.world.end_life();
            self.check()?;
            let ran_out = matches!(stopped, Some(StopReason::Budget { .. }));
            if stopped.is_none() || ran_out {
                let ledger = self.replayed()?;
                oracle::at_the_end(&self.world, &ledger, &self.jobs, ran_out)?;
                if self.checks_colors && !ran_out {
                    oracle::colors_at_the_end(&ledger, &self.jobs, &self.settings.color)?;
                }
                for (_, edit) in edits(&ledger) {
                    seen.rerolled += u64::from(edit.reroll.is_some());
                    seen.corrected += u64::from(edit.corrected.is_some());
                }
                let edit = |job: &PlannedJob| ledger.edit(&job.key()).unwrap();
                let states = self.jobs.iter().filter_map(edit).map(|edit| edit.into_owned().state);
                states.for_each(|state| match state {
                    EditState::Completed { .. } => seen.completed += 1,
                    EditState::Uncertain => seen.uncertain += 1,
                    _ => {}
                });
                return Ok(());
            }
        }
        Err("four runs without faults did not finish".to_owned())
    }

    /// Runs the program once with the files on the disk; `None` if the power failed.
    async fn live(
        &self,
        life: u32,
        stop_after: Option<Duration>,
    ) -> Result<Option<Result<RunOutcome, RunFailure>>, String> {
        let ledger = self.replayed()?;
        let work = self.plan(&ledger);
        let world = &self.world;
        let began = self.began;
        let effects = Effects {
            api: Arc::new(ScriptedApi { world: world.clone(), life }),
            store: Arc::new(SimulatedStore { world: world.clone(), life }),
            verifier: Arc::new(SimulatedVerifier { world: world.clone(), life }),
            disk: SimulatedDisk { world: world.clone(), life },
            now: Arc::new(move || fakes::START + began.elapsed()),
            seed: u64::from(life),
        };
        let jobs = plan::count(&self.jobs, &ledger);
        let opening = RunStart { jobs, budget_cents: self.settings.budget, ..fakes::opening() };
        let batch = Batch { opening, work: work.into_iter().map(Ok), is_job: |_: &str| false };
        let signal = StopSignal::default();
        if let Some(after) = stop_after {
            let stopper = signal.clone();
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                stopper.stop();
            });
        }
        let mut silent = SilentObserver;
        let run = runner::run(self.settings.clone(), effects, ledger, batch, &mut silent, signal);
        tokio::select! {
            ended = tokio::time::timeout(FOREVER, run) => ended.map(Some).map_err(|_| "the run does not end".to_owned()),
            () = self.world.crashed() => Ok(None),
        }
    }

    fn plan(&self, ledger: &Ledger) -> Vec<Work> {
        let presence = |name: &str, _bytes: u64| match self.world.state().results.contains_key(name) {
            true => Presence::Saved,
            false => Presence::Missing,
        };
        let known = |job: &PlannedJob| plan::KnownEdit::of(&job.key(), ledger);
        let decided = self.jobs.iter().map(|job| (job, plan::decide(&job.key(), &known(job), self.choices, presence)));
        let rules = self.checks_colors.then_some(&self.settings.color);
        let reviewed = decided.map(|(job, decision): (&PlannedJob, Decision)| {
            let colors = if self.checks_colors { wanted(job.job.color, &job.job.request.prompt) } else { Vec::new() };
            let in_history = || {
                let Some(history) = ledger.history(&job.key().job)? else { return Ok(None) };
                let rules = rules.copied().unwrap_or_default();
                let presence = |file: &SavedFile| self.world.state().presence(file);
                let step = plan::first_color_step(&history, &job.key(), &colors, &rules, &presence);
                Ok::<_, LinesError>(step.map(|step| step.decision()))
            };
            (job, plan::with_color_review(decision, &known(job), &colors, rules, in_history).unwrap())
        });
        let (free, paid): (Vec<_>, Vec<_>) = reviewed.partition(|(_, decision)| decision.is_free());
        let work = |(job, decision): (&PlannedJob, Decision)| plan::work(job, decision, rules);
        let rows: HashMap<&JobId, _> =
            self.jobs.iter().map(|job| (&job.job.id, JobRow::Selected(job.fingerprint))).collect();
        let row_of = |id: &JobId| rows.get(id).copied().unwrap_or(JobRow::Removed);
        let orphans = plan::orphans(ledger, row_of, plan::Standing::Current);
        free.into_iter().filter_map(work).chain(orphans).chain(paid.into_iter().filter_map(work)).collect()
    }

    /// Changes, removes and restores rows between lives, like users of a catalog do.
    fn edit_manifest(&mut self, seen: &mut Seen) {
        if self.draw(0..4) > 0 {
            return;
        }
        let place = self.draw(0..self.jobs.len() as u32) as usize;
        let number = self.jobs[place].job.line as u32;
        match self.draw(0..3) {
            0 if self.jobs.len() > 1 => drop(self.jobs.remove(place)),
            1 => self.jobs.push(job(self.jobs.iter().map(|job| job.job.line as u32).max().unwrap_or(0) + 1, 0)),
            _ => self.jobs[place] = job(number, self.draw(0..3)),
        }
        seen.changed += 1;
    }

    /// Replays the journal on the disk, and archives all jobs that allow it. A torn last line is truncated, as in the
    /// program.
    fn replayed(&self) -> Result<Ledger, String> {
        let replayed = replay(self.world.clone()).map_err(|error| format!("the journal is broken: {error}"))?;
        let length = usize::try_from(replayed.length).unwrap();
        self.world.state().durable.truncate(length);
        let mut ledger = replayed.ledger;
        let jobs: BTreeSet<JobId> = ledger.live_edits().map(|(job, _)| job.clone()).collect();
        jobs.into_iter().for_each(|job| ledger.archive(job));
        Ok(ledger)
    }

    /// Checks a run that has ended by itself: its journal has all that it was told, and replays to the same state.
    fn check_ending(&self, RunOutcome { mut ledger, .. }: RunOutcome, seen: &mut Seen) -> Result<(), String> {
        seen.archived += ledger.archived_edits() as u64;
        self.check_recorded(&[])?;
        let mut replayed = self.replayed()?;
        for ledger in [&mut ledger, &mut replayed] {
            let jobs: BTreeSet<JobId> = edits(ledger).into_iter().map(|(job, _)| job).collect();
            jobs.iter().try_for_each(|job| ledger.load(job)).map_err(|error| error.to_string())?;
        }
        if !replayed.has_same_state(&ledger) {
            return Err("the journal replays to another state than the run ended with".to_owned());
        }
        Ok(())
    }

    /// Checks a run that has ended with an error: only a disk that may fail explains it, and no paid id is lost.
    fn check_failure(&self, failure: &RunFailure, disk_may_fail: bool, seen: &mut Seen) -> Result<(), String> {
        if !(disk_may_fail && matches!(failure.error, RunError::Journal(_) | RunError::Results(_))) {
            return Err(format!("the run failed: {failure}"));
        }
        seen.failed += 1;
        seen.unrecorded += failure.unrecorded.len() as u64;
        let named: Vec<&str> = failure.unrecorded.iter().map(|(_, prediction)| prediction.as_str()).collect();
        self.check_recorded(&named)
    }

    /// Checks that each prediction whose id the program was told is durable, or is among those that its error has
    /// `named`.
    fn check_recorded(&self, named: &[&str]) -> Result<(), String> {
        let state = self.world.state();
        let journal = String::from_utf8_lossy(&state.durable);
        let is_lost = |id: &&String| !named.contains(&id.as_str()) && !journal.contains(&format!("\"{id}\""));
        match state.answered.iter().find(is_lost) {
            Some(lost) => Err(format!("{lost} was paid for, and is in neither the journal nor the error")),
            None => Ok(()),
        }
    }

    fn check(&self) -> Result<(), String> {
        let ledger = self.replayed()?;
        let budget = self.settings.budget.map(|budget| budget.0);
        oracle::after_a_life(&self.world, &ledger, budget, self.allowed)
    }
}

/// Returns the job of the manifest with this number, after `version` edits.
fn job(number: u32, version: u32) -> PlannedJob {
    let id = JobId::new(&format!("job-{number}")).unwrap();
    let fingerprint = format!("{number:016x}{version:016x}").parse().unwrap();
    let request = EditRequest {
        model: "m".into(),
        prompt: prompt_of(id.as_str(), &format!("{number:016x}{version:016x}")),
        images: vec![ImageSource::Url("https://example.com/a.png".into())],
        size: None,
        seed: None,
        switches: Switches::default(),
    };
    let job = Job { id, request, color: Some(Hex([0x1E, 0x90, 0xFF])), columns: Vec::new(), line: u64::from(number) };
    PlannedJob { fingerprint, job }
}
