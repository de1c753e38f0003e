use std::collections::HashSet;
use std::path::Path;

use jiff::Timestamp;

use crate::cli;
use crate::exit::Exit;
use crate::job::{Backend, IdPattern, JobId, Seed};
use crate::journal::{EditKey, Ledger, Redo, Stage};
use crate::manifest::{delimiter, nearest};
use crate::plan::unused_seed;
use crate::run_folder::{FolderError, JournalFile, Lock, PlanStamp, RunFolder, plan_lines};
use crate::runner;
use crate::words::{and_more, counted};

use super::print::{log_unprinted, print};
use super::report_data;
use super::runtime::runtime;
use super::{Failure, UsageError};

/// The number of ids that are printed.
const NAMED: usize = 8;

/// Records which jobs the next run makes anew with other seeds, or that it does not. It is one decision, however often
/// the manifest is run after it: a run that is interrupted continues with the same seeds.
pub(super) fn redo(arguments: &cli::Redo) -> Result<Exit, Failure> {
    let folder = RunFolder::existing(&arguments.dir)?;
    let _lock = Lock::take(&folder)?;
    let (mut ledger, disk) = JournalFile::open(&folder)?.into_disk();
    let meant = Meant::of(arguments)?;
    let found = meant.found_in(&folder)?;
    let decisions = match arguments.undo {
        true => undone(&found, &ledger),
        false => made_anew(&found, &ledger),
    };
    if decisions.jobs.is_empty() && decisions.already == 0 {
        let word = meant.words();
        let refused = if arguments.undo { UsageError::NotRedone { word } } else { UsageError::NotCompleted { word } };
        return Err(refused.into());
    }
    let text = decisions.text(arguments.undo, &folder, &ledger);
    if !decisions.jobs.is_empty() {
        // The next run has to plan these jobs again, although its manifest is unchanged.
        PlanStamp::remove(&folder)?;
        runtime()?.block_on(runner::redo(disk, &mut ledger, decisions.jobs, Timestamp::now))?;
    }
    log_unprinted(print(text.as_bytes()));
    Ok(Exit::Complete)
}

/// The jobs that the arguments name.
struct Meant<'a> {
    patterns: &'a [IdPattern],
    file: Option<(&'a Path, HashSet<JobId>)>,
}

/// A job of the plan that is meant.
struct Found {
    key: EditKey,
    seed: Option<Seed>,
}

/// What is decided about the jobs that are meant.
struct Decisions {
    jobs: Vec<Redo>,
    /// The number of jobs with the same decision before.
    already: u64,
    /// The number of jobs without a result to replace.
    unfinished: u64,
}

impl<'a> Meant<'a> {
    fn of(arguments: &'a cli::Redo) -> Result<Meant<'a>, Failure> {
        let file = match &arguments.from {
            Some(path) => Some((path.as_path(), ids_in(path)?)),
            None => None,
        };
        Ok(Meant { patterns: &arguments.jobs, file })
    }

    fn names(&self, job: &JobId) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(job.as_str()))
            || self.file.as_ref().is_some_and(|(_, ids)| ids.contains(job))
    }

    /// Returns the jobs of the folder's plan that are meant.
    ///
    /// # Errors
    ///
    /// A word or a row of the file means none of them, or the plan cannot be read.
    fn found_in(&self, folder: &RunFolder) -> Result<Vec<Found>, Failure> {
        let mut found = Vec::new();
        for line in plan_lines(folder)? {
            let line = line?;
            let key = line.key()?;
            if self.names(&key.job) {
                found.push(Found { seed: line.job()?.job.request.seed, key });
            }
        }
        let known: HashSet<&JobId> = found.iter().map(|found| &found.key.job).collect();
        let rows = self.file.iter().flat_map(|(_, ids)| ids).filter(|id| !known.contains(id)).map(JobId::as_str).min();
        let is_found = |pattern: &IdPattern| known.iter().any(|job| pattern.matches(job.as_str()));
        let words = self.patterns.iter().find(|pattern| !is_found(pattern)).map(IdPattern::as_str);
        match words.or(rows) {
            Some(word) => {
                let ids = plan_lines(folder)?.map(|line| Ok(line?.key()?.job));
                let ids: Vec<JobId> = ids.collect::<Result<_, FolderError>>()?;
                let near = nearest(word, ids.iter().map(JobId::as_str)).map(str::to_owned);
                Err(UsageError::NoSuchJob { word: word.to_owned(), near }.into())
            }
            None => Ok(found),
        }
    }

    fn words(&self) -> String {
        let file = self.file.iter().map(|(path, _)| path.display().to_string());
        self.patterns.iter().map(IdPattern::to_string).chain(file).collect::<Vec<_>>().join(" ")
    }
}

/// Returns the ids in the column `id` of a CSV file.
fn ids_in(path: &Path) -> Result<HashSet<JobId>, UsageError> {
    let failed = |reason: String| UsageError::JobsFile { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let text = text.trim_start_matches('\u{feff}');
    let mut rows = csv::ReaderBuilder::new().delimiter(delimiter(text)).from_reader(text.as_bytes());
    let headers = rows.headers().map_err(|error| failed(error.to_string()))?;
    let column = headers.iter().position(|name| name.trim().eq_ignore_ascii_case("id"));
    let column = column.ok_or_else(|| failed("it has no column `id`".to_owned()))?;
    let id = |row: csv::Result<csv::StringRecord>| {
        let row = row.map_err(|error| failed(error.to_string()))?;
        let text = row.get(column).unwrap_or_default().trim();
        JobId::new(text).map_err(|error| failed(format!("`{text}` is no id: {error}")))
    };
    rows.records().map(id).collect()
}

fn made_anew(found: &[Found], ledger: &Ledger) -> Decisions {
    let mut decisions = Decisions { jobs: Vec::new(), already: 0, unfinished: 0 };
    for Found { key, seed } in found {
        let EditKey { job, fingerprint } = key;
        if ledger.redone().has(job.as_str(), *fingerprint) {
            decisions.already += 1;
        } else if ledger.brief(key).is_none_or(|brief| brief.stage != Stage::Completed) {
            decisions.unfinished += 1;
        } else {
            let is_used = |other| *seed == Some(other) || ledger.redone().is_used(job.as_str(), other);
            let another = Some(unused_seed(*fingerprint, is_used));
            let redo = Redo { job: job.clone(), fingerprint: *fingerprint, instead_of: *seed, seed: another };
            decisions.jobs.push(redo);
        }
    }
    decisions
}

fn undone(found: &[Found], ledger: &Ledger) -> Decisions {
    let undo = |Found { key: EditKey { job, .. }, .. }: &Found| {
        let fingerprint = ledger.redone().last(job.as_str())?;
        Some(Redo { job: job.clone(), fingerprint, instead_of: None, seed: None })
    };
    Decisions { jobs: found.iter().filter_map(undo).collect(), already: 0, unfinished: 0 }
}

impl Decisions {
    fn text(&self, undo: bool, folder: &RunFolder, ledger: &Ledger) -> String {
        let count = self.jobs.len() as u64;
        let named: Vec<&str> = self.jobs.iter().take(NAMED).map(|redo| redo.job.as_str()).collect();
        let names = format!("{}{}", named.join(", "), and_more(count - named.len() as u64));
        let is_paid = ledger.last_run().is_some_and(|run| run.backend == Backend::Vibedream);
        let jobs = counted(count, "job");
        let mut text = match (count, undo, is_paid) {
            (0, ..) => String::new(),
            (_, true, _) => format!("{jobs} as before, at no cost: {names}\n"),
            (_, false, true) => {
                format!("{jobs} to make anew, for about {}: {names}\n", ledger.estimate().times(count))
            }
            (_, false, false) => format!("{jobs} to make anew: {names}\n"),
        };
        if self.already > 0 {
            text.push_str(&format!("{} to make anew as requested before\n", counted(self.already, "job")));
        }
        if self.unfinished > 0 {
            text.push_str(&format!("{} left as they are: without pictures\n", counted(self.unfinished, "job")));
        }
        let command = report_data::continue_from(ledger, report_data::manifest(ledger), folder.path());
        text.push_str(&format!("  next  {command}\n"));
        text
    }
}
