//! `dyehouse merge`: joins the folders of several runs.
//!
//! Everything is checked before anything is written. While writing, a file in the folder marks it as incomplete: a run
//! refuses the folder, and the same merge can be continued, because everything already written is kept.

mod pictures;
mod plans;
mod source;
mod target;
mod write;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::Merge;
use crate::exit::Exit;
use crate::job::Partition;
use crate::journal::{JournalMergeError, Ledger, MergedJournal, ReadAt, RunStart, RunState};
use crate::progress::Screen;
use crate::run_folder::{FolderError, JournalFile, RunFolder, long_journal};
use crate::words::{counted, shell_word};

use super::leftovers::clean_up;
use super::report_data::{self, Outcome};
use super::{Failure, MergeError, status};
use source::Source;
use target::Target;

/// Joins the folders of several runs.
pub(super) fn merge(arguments: &Merge, screen: &Screen) -> Result<Exit, Failure> {
    // An output folder that is also given as an input has the result of an earlier merge.
    let is_target_named = arguments.dirs.iter().any(|dir| canonical(dir) == canonical(&arguments.out));
    let sources = open_sources(arguments)?;
    let mut target = Target::open(&arguments.out)?;
    target.check_is_whole()?;
    check_shares(&sources, arguments.partial || is_target_named)?;
    target.check_backend(&sources)?;

    let journals: Vec<Arc<dyn ReadAt>> =
        std::iter::once(&target.journal).chain(sources.iter().map(|source| &source.journal)).map(Arc::clone).collect();
    for warning in different_manifests_warning(&sources).into_iter().chain(different_versions_warning(&sources)) {
        screen.print_line(&warning);
    }
    let long_journals;
    let merged = match MergedJournal::of(&journals) {
        // If a share continued before it was compacted, the original journal, which was kept, has more details.
        Err(JournalMergeError::Conflict { .. }) => {
            long_journals = with_long_journals(&journals, &sources)?;
            MergedJournal::of(&long_journals)
        }
        merged => merged,
    };
    let merged = merged.map_err(|error| conflict(error, &target, &sources))?;
    if !is_target_named && let Some(job) = merged.only_in_first().min() {
        return Err(MergeError::Foreign { job: job.clone(), out: target.path() }.into());
    }
    let ledgers: Vec<&Ledger> = target.ledger.iter().chain(sources.iter().map(|source| &source.ledger)).collect();
    for (journal_index, source) in (1..).zip(&sources) {
        source.check_names(&ledgers, &merged)?;
        source.check_is_current(journal_index, &merged)?;
    }
    let mut planned: Vec<&RunFolder> = sources.iter().map(|source| &source.folder).collect();
    if is_target_named {
        planned.insert(0, &target.folder);
    }
    let plan = plans::join(&planned, &target.folder)?;
    let joined = counted(planned.len() as u64, "folder");

    target.take_lock()?;
    let copied = write::write(&target, &sources, &merged, plan, &command(arguments))?;

    let ledger = JournalFile::read(&target.folder)?;
    clean_up(&target.folder, &ledger)?;
    report_data::write_changed(&target.folder, &ledger)?;
    copied.lines().iter().for_each(|line| screen.print_line(line));
    let records = counted(merged.missing_lines(), "new journal line");
    let (out, page) = (arguments.out.display(), RunFolder::new(&arguments.out).report_page());
    screen.say(&format!("{joined} merged into {out}, {records}; the report is {}", page.display()));
    let counts = status::print_status(&target.folder, &ledger, None, arguments.json)?;
    Ok(exit(&ledger, &counts.outcome))
}

/// Opens the given folders except the output folder. Duplicates are opened once.
fn open_sources(arguments: &Merge) -> Result<Vec<Source>, Failure> {
    let mut seen = BTreeSet::from([canonical(&arguments.out)]);
    arguments.dirs.iter().filter(|dir| seen.insert(canonical(dir))).map(|dir| Source::open(dir)).collect()
}

/// Refuses folders of several backends, and incomplete sets of shares.
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

/// Returns a warning if the last runs of two folders were of manifests with different file names.
fn different_manifests_warning(sources: &[Source]) -> Option<String> {
    let named = |source: &Source| Path::new(&source.run.manifest).file_name().map(ToOwned::to_owned);
    let pair = sources.windows(2).find(|pair| named(&pair[0]) != named(&pair[1]))?;
    let (one, other) = (pair[0].path(), pair[1].path());
    Some(format!(
        "{} and {} are from different manifests; jobs that they define differently are paid for again",
        one.display(),
        other.display()
    ))
}

/// Returns a warning if the last runs of two shares were of different versions of a manifest. Their rows were planned
/// then, and the next run submits those that have changed.
fn different_versions_warning(sources: &[Source]) -> Option<String> {
    let is_other = |one: &RunStart, other: &RunStart| {
        // The hash of a manifest depends on the program.
        one.program == other.program
            && Path::new(&one.manifest).file_name() == Path::new(&other.manifest).file_name()
            && one.manifest_hash.as_ref().zip(other.manifest_hash.as_ref()).is_some_and(|(one, other)| one != other)
    };
    let pair = sources.windows(2).find(|pair| is_other(&pair[0].run, &pair[1].run))?;
    let (one, other) = (pair[0].path(), pair[1].path());
    Some(format!(
        "{} and {} are from different versions of {}; run all shares of the latest version again before you merge, or its \
         other rows are submitted by the next run",
        one.display(),
        other.display(),
        pair[0].run.manifest
    ))
}

/// Returns `journals`, the first of which is the output folder's, with the original journals of compacted `sources`
/// where they exist.
fn with_long_journals(journals: &[Arc<dyn ReadAt>], sources: &[Source]) -> Result<Vec<Arc<dyn ReadAt>>, FolderError> {
    let mut long_journals: Vec<Arc<dyn ReadAt>> = journals.iter().take(1).map(Arc::clone).collect();
    for source in sources {
        let long = long_journal(&source.folder, &source.journal, &source.ledger)?;
        long_journals.push(long.unwrap_or_else(|| Arc::clone(&source.journal)));
    }
    Ok(long_journals)
}

/// Adds the folders of the journals to `error`. The first journal is that of `target`.
fn conflict(error: JournalMergeError, target: &Target, sources: &[Source]) -> Failure {
    match error {
        JournalMergeError::Conflict { job, journals: [one, other], more } => {
            let path =
                |index: usize| index.checked_sub(1).map_or_else(|| target.path(), |source| sources[source].path());
            MergeError::Conflict { job, one: path(one), other: path(other), more }.into()
        }
        JournalMergeError::Read(cause) => FolderError::io("read", target.folder.journal())(cause).into(),
    }
}

/// Returns the exit code that a single run of all jobs would have had.
fn exit(ledger: &Ledger, Outcome { counts, colors, .. }: &Outcome) -> Exit {
    let is_left = match RunState::of(ledger, counts.pending, false) {
        // A run that holds jobs back has done what it can.
        RunState::Partial => ledger.last_run().is_some_and(|run| run.held_back.leaves_others(counts.pending)),
        RunState::Stopped(_) | RunState::Interrupted => counts.pending > 0,
        RunState::Running | RunState::Finished => false,
    };
    match ledger.last_stop().filter(|_| is_left) {
        None if is_left => Exit::StoppedEarly,
        stopped => Exit::of(*counts, *colors, stopped),
    }
}

fn command(arguments: &Merge) -> String {
    let word = |path: &PathBuf| shell_word(&path.display().to_string());
    let dirs: Vec<String> = arguments.dirs.iter().map(word).collect();
    let partial = if arguments.partial { " --partial" } else { "" };
    format!("dyehouse merge {} -o {}{partial}", dirs.join(" "), word(&arguments.out))
}

/// Returns a canonical path, which is the same for every way to name a folder.
fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}
