//! `dyehouse merge`: the folders of several runs as one.
//!
//! Everything is looked at before anything is written. From then on a file in the folder says that it is half done: a
//! run refuses it, and the same merge again goes on where it was, for what is in place is left alone.

mod plans;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::Merge;
use crate::exit::Exit;
use crate::job::{Cents, JobId, Partition, StatusCounts};
use crate::journal::{JoinError, Joint, Ledger, ReadAt, Record, RunEvent, RunStart};
use crate::outputs::Adoption;
use crate::progress::Screen;
use crate::run_folder::{FolderError, JournalDraft, JournalFile, Lock, RunFolder, plan_lines};
use crate::verify::BEFORE;
use crate::words::{counted, shell_word};

use super::gather::{self, Gathered};
use super::{Failure, MergeError, status};

/// The folder of a run that is merged, held against others while that goes on.
struct Source {
    folder: RunFolder,
    ledger: Ledger,
    journal: Arc<dyn ReadAt>,
    run: RunStart,
    _lock: Lock,
}

/// Joins the folders of several runs.
pub(super) fn merge(arguments: &Merge, screen: &Screen) -> Result<Exit, Failure> {
    let out = RunFolder::new(&arguments.out);
    let target = real(&arguments.out);
    let mut seen = BTreeSet::new();
    let named: Vec<&PathBuf> = arguments.dirs.iter().filter(|dir| seen.insert(real(dir))).collect();
    let is_target_named = seen.contains(&target);
    let mut sources = Vec::new();
    for dir in named.iter().filter(|dir| real(dir) != target) {
        sources.push(Source::open(dir)?);
    }
    // A folder that is not there yet is made when nothing speaks against it any more.
    let held = if out.path().exists() { Some(Lock::take(&out)?) } else { None };
    if held.is_some() {
        out.remove_drafts()?;
    }
    let (first, before) = match JournalFile::view(&out) {
        Ok((ledger, file)) => (file as Arc<dyn ReadAt>, Some(ledger)),
        Err(FolderError::NoRun { .. }) => (Arc::new(Vec::new()) as Arc<dyn ReadAt>, None),
        Err(error) => return Err(error.into()),
    };
    let first_run = before.as_ref().and_then(Ledger::last_run);
    if let Some(share) = first_run.and_then(|run| run.partition) {
        return Err(MergeError::IntoShare { share, out: out.path().to_owned() }.into());
    }
    // A folder that is named as one of them has what was joined in it before.
    agree(&sources, arguments.partial || is_target_named)?;
    if let (Some(RunStart { backend: ours, .. }), Some(source)) = (first_run, sources.first())
        && *ours != source.run.backend
    {
        return Err(MergeError::Backends { one: out.path().to_owned(), other: source.path() }.into());
    }
    let journals: Vec<Arc<dyn ReadAt>> =
        std::iter::once(first).chain(sources.iter().map(|source| Arc::clone(&source.journal))).collect();
    let folders: Vec<&RunFolder> = std::iter::once(&out).chain(sources.iter().map(|source| &source.folder)).collect();
    if let Some((one, other)) = of_different_manifests(&sources) {
        screen.tell(&format!(
            "{one} and {other} are of different manifests; what a run of one of them asks for otherwise is paid for anew"
        ));
    }
    let joint = Joint::of(&journals).map_err(|error| conflict(error, &folders))?;
    if !is_target_named && let Some(job) = joint.only_in_first().min() {
        return Err(MergeError::Foreign { job: job.clone(), out: out.path().to_owned() }.into());
    }
    for source in &sources {
        source.names_only_its_own(&joint)?;
    }
    let planned: Vec<&RunFolder> = if is_target_named { folders.clone() } else { folders[1..].to_vec() };
    let plan = plans::join(&planned, &out)?;

    let _lock = match held {
        Some(lock) => lock,
        None => Lock::take(&out)?,
    };
    let at_work = |cause| FolderError::io("write", out.merging())(cause);
    crate::files::replace(&out.merging(), command(arguments).as_bytes()).map_err(at_work)?;
    crate::files::sync_folder(out.path()).map_err(at_work)?;
    let missing = pictures(&sources, &joint, &out)?;
    plan.publish()?;
    let draft = JournalDraft::begin(&out, |writer| joint.write(writer))?;
    if joint.lacks() > 0 || before.is_none() {
        let ledger = draft.ledger()?;
        let records = closing(&sources, first_run, counts(&out, &ledger)?);
        draft.publish(&out, &records, Timestamp::now())?;
    }
    std::fs::remove_file(out.merging()).map_err(at_work)?;

    let ledger = JournalFile::read(&out)?;
    let manifest = gather::manifest(&ledger);
    let report = gather::write(&Gathered { folder: &out, ledger: &ledger, manifest, junit: None })?;
    if missing > 0 {
        let pictures = counted(missing, "picture");
        screen.tell(&format!(
            "{pictures} not where the journals say, or changed since; a run of the manifest asks for them again"
        ));
    }
    screen.say(&format!(
        "{}: {} joined, {}",
        report.index.display(),
        counted(planned.len() as u64, "folder"),
        counted(joint.lacks(), "new record")
    ));
    status::tell(&out, &ledger, None, arguments.json)?;
    Ok(exit(&ledger))
}

impl Source {
    fn open(dir: &Path) -> Result<Source, Failure> {
        let folder = RunFolder::new(dir);
        if !folder.journal().exists() {
            return Err(FolderError::NoRun { path: dir.to_owned() }.into());
        }
        let lock = Lock::take(&folder)?;
        if let Ok(command) = std::fs::read_to_string(folder.merging()) {
            return Err(FolderError::HalfMerged { path: dir.to_owned(), command }.into());
        }
        let (ledger, file) = JournalFile::view(&folder)?;
        let run = ledger.last_run().cloned().ok_or(FolderError::NoRun { path: dir.to_owned() })?;
        Ok(Source { folder, ledger, journal: file, run, _lock: lock })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Refuses pictures that have the name of another job's: the second one of `mug` is `mug-2`, and so is the first one
    /// of `mug-2`. A run that knows the whole manifest takes other names.
    fn names_only_its_own(&self, joint: &Joint<'_>) -> Result<(), Failure> {
        for found in self.ledger.edits() {
            let (job, edit) = found.map_err(FolderError::from)?;
            for file in edit.files() {
                let stem = file.name.rsplit_once('.').map_or(file.name.as_str(), |(stem, _)| stem);
                let other = JobId::new(stem).ok().filter(|other| *other != job && joint.knows(other));
                if let Some(other) = other {
                    return Err(
                        MergeError::SameName { name: file.name.clone(), job, other, folder: self.path() }.into()
                    );
                }
            }
        }
        Ok(())
    }
}

/// Refuses folders of several backends, and shares without their siblings.
fn agree(sources: &[Source], partial: bool) -> Result<(), MergeError> {
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

fn conflict(error: JoinError, folders: &[&RunFolder]) -> Failure {
    match error {
        JoinError::Conflict { job, journals: [one, other], more } => {
            let path = |place: usize| folders[place].path().to_owned();
            MergeError::Conflict { job, one: path(one), other: path(other), more }.into()
        }
        JoinError::Read(cause) => FolderError::io("read", folders[0].journal())(cause).into(),
    }
}

/// Copies the pictures of every job from the folder that knows it best. The answer is how many were not to be had.
fn pictures(sources: &[Source], joint: &Joint<'_>, out: &RunFolder) -> Result<u64, Failure> {
    let mut adoption = Adoption::into(out.path());
    let mut missing = 0;
    for (place, source) in sources.iter().enumerate() {
        let from = source.folder.path();
        for found in source.ledger.edits() {
            let (job, edit) = found.map_err(FolderError::from)?;
            if joint.best(&job) != Some(place + 1) {
                continue;
            }
            let originals = edit.originals().iter().filter(|file| !edit.files().contains(file));
            for file in edit.files().iter().chain(originals) {
                missing += u64::from(!adoption.take(from, file)?);
            }
        }
        adoption.take_all(from, BEFORE)?;
    }
    adoption.finish()?;
    Ok(missing)
}

/// How the jobs of the joint plan stand.
fn counts(out: &RunFolder, ledger: &Ledger) -> Result<StatusCounts, FolderError> {
    let mut counts = StatusCounts::default();
    for line in plan_lines(out)? {
        counts.add(ledger.status(&line?.key()?));
    }
    Ok(counts)
}

/// What the joint journal ends with: a run over all of them, that ended as they did.
fn closing(sources: &[Source], before: Option<&RunStart>, jobs: StatusCounts) -> Vec<Record> {
    let run = sources.first().map(|source| &source.run).or(before).cloned().unwrap_or_default();
    let budgets: Option<Vec<Cents>> = sources.iter().map(|source| source.run.budget_cents).collect();
    let open = sources.iter().find_map(|source| {
        let reason = match source.ledger.ended() {
            Some(reason) => reason?.to_owned(),
            None => "it was interrupted".to_owned(),
        };
        Some(format!("{}: {reason}", source.folder.path().display()))
    });
    let program = env!("CARGO_PKG_VERSION").to_owned();
    let budget_cents = budgets.filter(|budgets| !budgets.is_empty()).map(|budgets| budgets.into_iter().sum());
    let run = RunStart { program, jobs, budget_cents, partition: None, resume: None, ..run };
    vec![Record::Run(RunEvent::Run(run)), Record::Run(RunEvent::Ended { reason: open })]
}

/// The code that a run of all of it would have ended with.
fn exit(ledger: &Ledger) -> Exit {
    let counts = ledger.counts();
    if counts.pending > 0 {
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
