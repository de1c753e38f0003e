//! `dyehouse merge`: the folders of several runs as one.
//!
//! Everything is looked at before anything is written. From then on a file in the folder says that it is half done: a
//! run refuses it, and the same merge again goes on where it was, for what is in place is left alone.

mod pictures;
mod plans;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::Merge;
use crate::exit::Exit;
use crate::job::{Cents, HeldBack, JobId, Partition, StatusCounts};
use crate::journal::{JournalMergeError, Ledger, MergedJournal, ReadAt, Record, RunEvent, RunStart};
use crate::progress::Screen;
use crate::run_folder::{
    FolderError, JournalCheckpoint, JournalDraft, JournalFile, Lock, PlanDraft, RunFolder, long_journal, plan_lines,
};
use crate::words::{counted, shell_word};

use super::report_data::{self, Gathered, PlanCounts};
use super::{Failure, MergeError, status};
use pictures::Copied;

/// The folder of a run that is merged, compared with others while that goes on.
struct Source {
    folder: RunFolder,
    ledger: Ledger,
    journal: Arc<dyn ReadAt>,
    run: RunStart,
    _lock: Lock,
}

/// The folder to join in, which may not be there yet.
struct Target {
    folder: RunFolder,
    /// What was joined in it before, or a run has left.
    ledger: Option<Ledger>,
    journal: Arc<dyn ReadAt>,
    /// Nothing while the folder is not there: it is made when nothing speaks against it any more.
    lock: Option<Lock>,
}

/// Joins the folders of several runs.
pub(super) fn merge(arguments: &Merge, screen: &Screen) -> Result<Exit, Failure> {
    let place = real(&arguments.out);
    let mut seen = BTreeSet::new();
    let named: Vec<&PathBuf> = arguments.dirs.iter().filter(|dir| seen.insert(real(dir))).collect();
    // A folder that is named as one of them has what was joined in it before.
    let is_target_named = seen.contains(&place);
    let others = named.into_iter().filter(|dir| real(dir) != place);
    let sources = others.map(|dir| Source::open(dir)).collect::<Result<Vec<Source>, Failure>>()?;
    let mut target = Target::open(&arguments.out)?;
    target.check_is_whole()?;
    check_shares(&sources, arguments.partial || is_target_named)?;
    target.check_backend(&sources)?;

    let journals: Vec<Arc<dyn ReadAt>> =
        std::iter::once(&target.journal).chain(sources.iter().map(|source| &source.journal)).map(Arc::clone).collect();
    if let Some((one, other)) = of_different_manifests(&sources) {
        screen.print_line(&format!(
            "{one} and {other} are from different manifests; jobs that they define differently are paid for again"
        ));
    }
    let long_journals;
    let merged = match MergedJournal::of(&journals) {
        // A share that went on before it was compacted tells less of that than its long journal, which is kept beside it.
        Err(JournalMergeError::Conflict { .. }) => {
            long_journals = lengthened(&journals, &sources)?;
            MergedJournal::of(&long_journals)
        }
        merged => merged,
    };
    let merged = merged.map_err(|error| conflict(error, &target, &sources))?;
    if !is_target_named && let Some(job) = merged.only_in_first().min() {
        return Err(MergeError::Foreign { job: job.clone(), out: target.path() }.into());
    }
    let ledgers: Vec<&Ledger> = target.ledger.iter().chain(sources.iter().map(|source| &source.ledger)).collect();
    for (place, source) in (1..).zip(&sources) {
        source.check_names(&ledgers, &merged)?;
        source.check_is_current(place, &merged)?;
    }
    let mut planned: Vec<&RunFolder> = sources.iter().map(|source| &source.folder).collect();
    if is_target_named {
        planned.insert(0, &target.folder);
    }
    let plan = plans::join(&planned, &target.folder)?;
    let joined = counted(planned.len() as u64, "folder");

    target.hold()?;
    let copied = target.write(&sources, &merged, plan, &command(arguments))?;

    let ledger = JournalFile::read(&target.folder)?;
    let manifest = report_data::manifest(&ledger);
    let report = report_data::write(&Gathered { folder: &target.folder, ledger: &ledger, manifest, junit: None })?;
    copied.told().iter().for_each(|line| screen.print_line(line));
    let records = counted(merged.missing_lines(), "new record");
    let (out, page) = (arguments.out.display(), report.index.display());
    screen.say(&format!("{joined} merged into {out}, {records}; the report is {page}"));
    status::tell(&target.folder, &ledger, None, arguments.json)?;
    Ok(exit(&ledger))
}

impl Target {
    fn open(out: &Path) -> Result<Target, Failure> {
        let folder = RunFolder::new(out);
        let lock = if folder.path().exists() { Some(Lock::take(&folder)?) } else { None };
        if lock.is_some() {
            JournalCheckpoint::check(&folder)?;
            folder.remove_drafts()?;
        }
        let (ledger, journal) = match JournalFile::view(&folder) {
            Ok((ledger, file)) => (Some(ledger), file as Arc<dyn ReadAt>),
            Err(FolderError::NoRun { .. }) => (None, Arc::new(Vec::new()) as Arc<dyn ReadAt>),
            Err(error) => return Err(error.into()),
        };
        Ok(Target { folder, ledger, journal, lock })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn last_run(&self) -> Option<&RunStart> {
        self.ledger.as_ref().and_then(Ledger::last_run)
    }

    /// Refuses the folder of one share.
    fn check_is_whole(&self) -> Result<(), MergeError> {
        match self.last_run().and_then(|run| run.partition) {
            Some(share) => Err(MergeError::IntoShare { share, out: self.path() }),
            None => Ok(()),
        }
    }

    /// Refuses a folder with another backend's pictures than those of `sources`.
    fn check_backend(&self, sources: &[Source]) -> Result<(), MergeError> {
        match (self.last_run(), sources.first()) {
            (Some(ours), Some(source)) if ours.backend != source.run.backend => {
                Err(MergeError::Backends { one: self.path(), other: source.path() })
            }
            _ => Ok(()),
        }
    }

    /// Makes the folder where it is not there, and keeps others out of it.
    fn hold(&mut self) -> Result<(), FolderError> {
        if self.lock.is_none() {
            self.lock = Some(Lock::take(&self.folder)?);
        }
        Ok(())
    }

    /// Writes all of it. Until it is done a file tells with which `command` it goes on. The answer is what there is
    /// to tell of the pictures.
    fn write(
        &self,
        sources: &[Source],
        merged: &MergedJournal<'_>,
        plan: PlanDraft,
        command: &str,
    ) -> Result<Copied, Failure> {
        let folder = &self.folder;
        let at_work = |cause| FolderError::io("write", folder.merging())(cause);
        crate::files::replace(&folder.merging(), command.as_bytes()).map_err(at_work)?;
        crate::files::sync_folder(folder.path()).map_err(at_work)?;
        let copied = pictures::copy(sources, merged, self)?;
        plan.publish()?;
        let draft = JournalDraft::begin(folder, |writer| merged.write(writer))?;
        if merged.missing_lines() > 0 || self.ledger.is_none() {
            let ledger = draft.ledger()?;
            let records = closing(sources, self.last_run(), PlanCounts::of(folder, &ledger)?.jobs);
            draft.publish(folder, &records, Timestamp::now())?;
        }
        std::fs::remove_file(folder.merging()).map_err(at_work)?;
        Ok(copied)
    }
}

impl Source {
    fn open(dir: &Path) -> Result<Source, Failure> {
        let folder = RunFolder::existing(dir)?;
        let lock = Lock::take(&folder)?;
        if let Ok(command) = std::fs::read_to_string(folder.merging()) {
            return Err(FolderError::MergeInterrupted { path: dir.to_owned(), command }.into());
        }
        let (ledger, file) = JournalFile::view(&folder)?;
        let run = ledger.last_run().cloned().ok_or(FolderError::NoRun { path: dir.to_owned() })?;
        Ok(Source { folder, ledger, journal: file, run, _lock: lock })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Refuses pictures that have the name of another job's in any of `ledgers`: the second one of `mug` is `mug-2`, and so is
    /// the first one of `mug-2`. A run that knows both takes other names.
    fn check_names(&self, ledgers: &[&Ledger], merged: &MergedJournal<'_>) -> Result<(), Failure> {
        for found in self.ledger.edits() {
            let (job, edit) = found.map_err(FolderError::from)?;
            for file in edit.files().iter().chain(edit.originals()) {
                let other = JobId::new(file.stem()).ok().filter(|other| *other != job && merged.knows(other));
                let Some(other) = other else { continue };
                for ledger in ledgers {
                    let history = ledger.history(&other).map_err(FolderError::from)?;
                    let edits = history.iter().flat_map(|history| history.edits());
                    let mut files = edits.flat_map(|edit| edit.files().iter().chain(edit.originals()));
                    if files.any(|known| known.stem() == file.stem()) {
                        let (name, folder) = (file.name.clone(), self.path());
                        return Err(MergeError::SameName { name, job, other, folder }.into());
                    }
                }
            }
        }
        Ok(())
    }

    /// Refuses a journal that is an older copy, unless others, such as that of the folder to join in, know more of all its
    /// jobs. `place` is that of the journal.
    fn check_is_current(&self, place: usize, merged: &MergedJournal<'_>) -> Result<(), FolderError> {
        let Err(older) = JournalCheckpoint::check(&self.folder) else { return Ok(()) };
        for line in plan_lines(&self.folder)? {
            if merged.best_index(&line?.key()?.job).is_none_or(|best| best == place) {
                return Err(older);
            }
        }
        Ok(())
    }
}

/// Refuses folders of several backends, and shares without their siblings.
fn check_shares(sources: &[Source], partial: bool) -> Result<(), MergeError> {
    for pair in sources.windows(2) {
        if pair[0].run.backend != pair[1].run.backend {
            return Err(MergeError::Backends { one: pair[0].path(), other: pair[1].path() });
        }
    }
    let shares: Option<BTreeSet<Partition>> = sources.iter().map(|source| source.run.partition).collect();
    let shares = shares.unwrap_or_default();
    let missing: Vec<Partition> = shares
        .iter()
        .flat_map(|share| share.siblings())
        .filter(|share| !shares.contains(share))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if missing.is_empty() || partial { Ok(()) } else { Err(MergeError::Missing { shares: missing }) }
}

/// Two folders whose last runs were of manifests that are called otherwise, wherever these are.
fn of_different_manifests(sources: &[Source]) -> Option<(String, String)> {
    let named = |source: &Source| Path::new(&source.run.manifest).file_name().map(ToOwned::to_owned);
    let pair = sources.windows(2).find(|pair| named(&pair[0]) != named(&pair[1]))?;
    Some((pair[0].path().display().to_string(), pair[1].path().display().to_string()))
}

/// `journals`, of which the first is the one that the others are joined to, with the long ones of `sources` where they are
/// kept.
fn lengthened(journals: &[Arc<dyn ReadAt>], sources: &[Source]) -> Result<Vec<Arc<dyn ReadAt>>, FolderError> {
    let mut lengthened: Vec<Arc<dyn ReadAt>> = journals.iter().take(1).map(Arc::clone).collect();
    for source in sources {
        let long = long_journal(&source.folder, &source.journal, &source.ledger)?;
        lengthened.push(long.unwrap_or_else(|| Arc::clone(&source.journal)));
    }
    Ok(lengthened)
}

/// `error` with the folders whose journals it is about: the first is that of `target`.
fn conflict(error: JournalMergeError, target: &Target, sources: &[Source]) -> Failure {
    match error {
        JournalMergeError::Conflict { job, journals: [one, other], more } => {
            let path =
                |place: usize| place.checked_sub(1).map_or_else(|| target.path(), |source| sources[source].path());
            MergeError::Conflict { job, one: path(one), other: path(other), more }.into()
        }
        JournalMergeError::Read(cause) => FolderError::io("read", target.folder.journal())(cause).into(),
    }
}

/// What the joint journal ends with: a run over all of them, that ended as they did.
fn closing(sources: &[Source], before: Option<&RunStart>, jobs: StatusCounts) -> Vec<Record> {
    let run = sources.first().map(|source| &source.run).or(before).cloned().unwrap_or_default();
    let budgets: Option<Vec<Cents>> = sources.iter().map(|source| source.run.budget_cents).collect();
    let open = sources.iter().find_map(|source| {
        let reason = source.ledger.last_run_end().why_unfinished()?;
        Some(format!("{}: {reason}", source.folder.path().display()))
    });
    let held_back = HeldBack::of_all(sources.iter().map(|source| &source.run.held_back));
    let program = env!("CARGO_PKG_VERSION").to_owned();
    let budget_cents = budgets.filter(|budgets| !budgets.is_empty()).map(|budgets| budgets.into_iter().sum());
    let run =
        RunStart { program, jobs, budget_cents, held_back, partition: None, directory: None, resume: None, ..run };
    vec![Record::Run(RunEvent::Run(run)), Record::Run(RunEvent::Ended { reason: open })]
}

/// The code that a run of all of it would have ended with.
fn exit(ledger: &Ledger) -> Exit {
    let counts = ledger.counts();
    let held_back = ledger.last_run().map_or(0, |run| run.held_back.jobs);
    let is_stopped = ledger.last_run_end().why_unfinished().is_some();
    if counts.pending > held_back || (counts.pending > 0 && is_stopped) {
        Exit::StoppedEarly
    } else if counts.completed == counts.total && ledger.colors().off == 0 {
        Exit::Complete
    } else {
        Exit::Incomplete
    }
}

fn command(arguments: &Merge) -> String {
    let word = |path: &PathBuf| shell_word(&path.display().to_string());
    let dirs: Vec<String> = arguments.dirs.iter().map(word).collect();
    let partial = if arguments.partial { " --partial" } else { "" };
    format!("dyehouse merge {} -o {}{partial}", dirs.join(" "), word(&arguments.out))
}

/// A path by which a folder is known again, whichever way it was named.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}
