//! Converts a plan and a journal to the data of a report.

mod live;
mod plan_counts;
mod resume;
mod retouched;
mod shown_pictures;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::api::wire::PROVIDER_URL;
use crate::color::Check;
use crate::job::{Cents, Fingerprint, HeldBack, ImageSource, JobId, JobStatus, Seed};
use crate::journal::{
    Costs, Edit, EditKey, History, Ledger, LinesError, Pause, PauseCause, Presence, Record, RunEnd, RunState,
    SavedFile, Step,
};
use crate::outputs::{self, EARLIER, ORIGINALS, RESULTS, aside_name};
use crate::plan::PlannedJob;
use crate::progress::{UncertainSubmit, outdated_text};
use crate::report::{
    self, BatchView, ColorCheck, JobImage, JobView, LastRun, ReportOptions, ResultFile, TimelineEvent, TimelineKind,
    TryView, Written,
};
use crate::run_folder::{FolderError, JournalFile, Lock, ReportTurn, RunFolder, plan_lines, read_plan};
use crate::verify;
use crate::words::{counted, is_are, release_command};

use super::Failure;
use super::manifest_scope::original_directory;
use retouched::is_retouched;

pub(super) use live::{Live, Refresher};
pub(super) use plan_counts::{Outcome, PlanCounts};
pub(super) use resume::{Jobs, continue_from, resume};
pub(super) use shown_pictures::ShownPictures;

/// The inputs of a report.
pub(super) struct ReportInputs<'g> {
    pub(super) folder: &'g RunFolder,
    pub(super) ledger: &'g Ledger,
    pub(super) manifest: &'g str,
    /// Whether another process was working on the folder when the journal was read.
    pub(super) is_running: bool,
    /// The path of an additional JUnit file.
    pub(super) junit: Option<&'g Path>,
}

/// A folder's journal, and who was working on it then.
pub(super) struct ReadLedger {
    pub(super) ledger: Ledger,
    /// The process that was working on the folder.
    pub(super) holder: Option<String>,
}

/// Reads a folder's journal. If no process is working on the folder, submits without an answer become uncertain.
pub(super) fn read_ledger(folder: &RunFolder) -> Result<ReadLedger, FolderError> {
    // The journal is read after the lock, so that a process that ends in between has written all its records.
    let holder = Lock::holder(folder);
    let mut ledger = JournalFile::read(folder)?;
    if holder.is_none() {
        let at = ledger.last_at().unwrap_or(Timestamp::UNIX_EPOCH);
        for key in ledger.unanswered() {
            // A submit without an answer can always become uncertain.
            let _ = ledger.apply(at, &Record::Edit(key, Step::unanswered()));
        }
    }
    Ok(ReadLedger { ledger, holder })
}

/// Returns the manifest of a folder's last run, as the user wrote its path.
pub(super) fn manifest(ledger: &Ledger) -> &str {
    ledger.last_run().map_or("", |run| &run.manifest)
}

/// Writes the report.
pub(super) fn write(inputs: &ReportInputs<'_>) -> Result<Written, Failure> {
    let planned = PlanCounts::of(inputs.folder, inputs.ledger)?;
    let original_directory = original_directory(inputs.ledger);
    let taken = taken_predictions(inputs.ledger).map_err(FolderError::from)?;
    let viewed = |planned: Result<PlannedJob, FolderError>| -> Result<JobView, Failure> {
        let mut planned = planned?;
        if let Some(folder) = &original_directory {
            planned.job.request = planned.job.request.seen_from(folder);
        }
        let key = planned.key();
        let edit = inputs.ledger.edit(&key).map_err(FolderError::from)?;
        let history = inputs.ledger.live_history(&planned.job.id);
        let mut job = view(&planned, inputs.folder, edit.as_deref(), history);
        job.shares_prediction_with = job.prediction_id.as_ref().and_then(|id| taken.get(id)).cloned();
        let brief = inputs.ledger.brief(&key);
        let is_retouched = brief.is_some_and(|brief| is_retouched(&brief, &key.job, inputs.folder));
        Ok(if is_retouched { retouched::as_it_is(inputs.folder, job) } else { job })
    };
    let jobs = read_plan(inputs.folder)?.map(viewed);
    let options = ReportOptions { junit: inputs.junit.map(Path::to_owned) };
    report::write(inputs.folder.path(), &batch(inputs, &planned), jobs, &options)
}

/// Writes the report of a locked folder after a command has changed its journal.
pub(super) fn write_changed(folder: &RunFolder, ledger: &Ledger) -> Result<(), Failure> {
    let _turn = ReportTurn::wait(folder)?;
    write(&ReportInputs { folder, ledger, manifest: manifest(ledger), is_running: false, junit: None })?;
    Ok(())
}

/// Returns the predictions that the answers to later submits name as well, each with the job of such a submit.
fn taken_predictions(ledger: &Ledger) -> Result<HashMap<String, JobId>, LinesError> {
    let taken = ledger.uncertain().filter_map(|found| {
        let taken =
            |(job, edit): (JobId, Cow<'_, Edit>)| Some((edit.problem.as_ref()?.taken.as_ref()?.to_string(), job));
        found.map(taken).transpose()
    });
    taken.collect()
}

/// Returns the submits that may have been charged, each with the current request of its id in the folder's plan.
pub(super) fn uncertain_submits(folder: &RunFolder, ledger: &Ledger) -> Result<Vec<UncertainSubmit>, FolderError> {
    let mut wanted: HashMap<JobId, Option<Fingerprint>> =
        ledger.uncertain().map(|found| Ok((found?.0, None))).collect::<Result<_, LinesError>>()?;
    if !wanted.is_empty() {
        for line in plan_lines(folder)? {
            let EditKey { job, fingerprint } = line?.key()?;
            if let Some(asked) = wanted.get_mut(&job) {
                *asked = Some(fingerprint);
            }
        }
    }
    Ok(UncertainSubmit::all(ledger, |job| wanted.get(job).copied().flatten())?)
}

fn status(edit: Option<&Edit>) -> JobStatus {
    edit.map_or(JobStatus::Pending, Edit::status)
}

fn batch(inputs: &ReportInputs<'_>, planned: &PlanCounts) -> BatchView {
    let PlanCounts { outcome: Outcome { counts, outdated, .. }, removed } = *planned;
    let ReportInputs { folder, ledger, manifest, is_running, .. } = inputs;
    let held_back = ledger.last_run().map(|run| run.held_back.clone()).unwrap_or_default();
    // A process that has not recorded a start may never write a report, so this one must not say that it is running.
    let state = RunState::of(ledger, counts.pending, *is_running && ledger.last_run_end() == RunEnd::Unknown);
    let title = Path::new(manifest).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let as_of = ledger.last_at().filter(|_| state == RunState::Running);
    let is_whole = state == RunState::Finished;
    let notes = [
        (removed > 0).then(|| removed_note(removed)),
        (outdated > 0).then(|| outdated_text(outdated)),
        (!held_back.is_empty()).then(|| format!("{held_back}; {}", HeldBack::HINT)),
    ];
    BatchView {
        key: format!("{title} {}", ledger.started_at().unwrap_or(Timestamp::UNIX_EPOCH)),
        title,
        manifest: (*manifest).to_owned(),
        backend: ledger.last_run().map(|run| run.backend),
        other_origin: ledger.last_run().and_then(|run| run.origin.clone()).filter(|origin| origin != PROVIDER_URL),
        started_at: ledger.first_submit_at().or(ledger.started_at()),
        finished_at: ledger.last_finish_at().filter(|_| is_whole),
        last_run: ledger.last_run_at().map(|started_at| LastRun {
            started_at,
            ended_at: ledger.last_run_ended_at(),
            totals: ledger.last_run_totals(),
            stop: ledger.last_stop(),
        }),
        state,
        as_of,
        counts,
        costs: Costs::of(ledger),
        timeline: ledger.pauses().iter().map(pause).collect(),
        resume: (!is_whole).then(|| continue_from(ledger, manifest, folder.path())),
        open: ledger.open_predictions(),
        removed,
        outdated,
        notes: notes.into_iter().flatten().collect(),
        held_back,
    }
}

fn removed_note(removed: u64) -> String {
    let jobs = counted(removed, "job");
    let (are, whose) = (is_are(removed), if removed == 1 { "its" } else { "their" });
    format!("{jobs} {are} no longer in the manifest; {whose} pictures stay in results until a run with --prune")
}

fn pause(Pause { at, milliseconds, cause }: &Pause) -> TimelineEvent {
    let kind = match cause {
        PauseCause::RateLimited => TimelineKind::RateLimited,
        PauseCause::Unreachable | PauseCause::Failing => TimelineKind::Paused,
    };
    TimelineEvent { at: *at, until: at.checked_add(Duration::from_millis(*milliseconds)).ok(), kind }
}

/// Returns a job for a report. `asked` is the edit that the manifest asks for, and `history` is that of the job if it
/// has re-rolls.
fn view(planned: &PlannedJob, folder: &RunFolder, asked: Option<&Edit>, history: Option<&History>) -> JobView {
    let rerolls: Vec<&Edit> = history.map_or_else(Vec::new, |history| history.rerolls(planned.fingerprint).collect());
    let shown = history.and_then(|history| history.current_result_of(planned.fingerprint)).or(asked);
    let job = &planned.job;
    let request = &job.request;
    let submitted_at = shown.and_then(|edit| edit.submitted_at);
    let image = |image: &ImageSource| JobImage {
        source: image.clone(),
        local_copy: verify::cached(folder.path(), image, submitted_at),
    };
    let status = status(asked);
    let is_done = status == JobStatus::Completed;
    let problem = asked.and_then(|edit| edit.problem.clone()).filter(|_| !is_done);
    let files = shown.filter(|_| is_done).map_or(&[][..], Edit::files);
    let originals = shown.filter(|edit| is_done && edit.corrected.is_some()).map_or(&[][..], Edit::originals);
    let attempts = || asked.into_iter().chain(rerolls.iter().copied());
    let reserved = attempts().map(|edit| edit.reserved_for_uncertain).fold(Cents::ZERO, |sum, cost| sum + cost);
    JobView {
        status,
        images: request.images.iter().map(image).collect(),
        files: files.iter().map(|file| saved_file(folder, file)).collect(),
        originals: originals.iter().map(|file| original(folder, file)).collect(),
        color: job.color,
        check: shown.filter(|_| is_done).and_then(color_check),
        tries: attempts()
            .filter(|_| !rerolls.is_empty())
            .map(|edit| attempt(folder, edit, request.seed, shown))
            .collect(),
        prediction_id: shown.and_then(|edit| edit.prediction.as_ref()).map(ToString::to_string),
        cost: attempts().map(|edit| edit.spent).fold(Cents::ZERO, |sum, cost| sum + cost),
        reserved,
        release: (reserved > Cents::ZERO).then(|| release_command(folder.path(), job.id.as_str())),
        attempts: attempts().map(|edit| edit.attempts).sum(),
        submitted_at,
        finished_at: shown.and_then(|edit| edit.finished_at),
        fingerprint: Some(planned.fingerprint),
        error_class: problem.as_ref().and_then(|problem| problem.class),
        error: problem.map(|problem| problem.message),
        size: request.size,
        seed: shown.and_then(|edit| edit.reroll).map(|reroll| reroll.seed).or(request.seed),
        switches: request.switches,
        columns: job.columns.clone(),
        line: job.line,
        ..JobView::new(job.id.clone(), request.prompt.clone())
    }
}

fn result_file(folder: &str, name: &str, file: &SavedFile) -> ResultFile {
    ResultFile {
        path: Path::new(folder).join(name),
        bytes: file.bytes,
        width: file.width,
        height: file.height,
        blake3: file.blake3,
    }
}

/// Returns the picture of a completed job. If it was moved aside, the next run brings it back.
fn saved_file(folder: &RunFolder, file: &SavedFile) -> ResultFile {
    match outputs::presence(folder.path(), file) {
        Presence::Displaced => result_file(EARLIER, &aside_name(file), file),
        Presence::Saved | Presence::Missing | Presence::Changed => result_file(RESULTS, &file.name, file),
    }
}

/// Returns the provider's original of a corrected picture.
fn original(folder: &RunFolder, file: &SavedFile) -> ResultFile {
    match folder.originals().join(&file.name).exists() {
        true => result_file(ORIGINALS, &file.name, file),
        false => result_file(EARLIER, &aside_name(file), file),
    }
}

fn color_check(edit: &Edit) -> Option<ColorCheck> {
    let checked = edit.checked.as_ref()?;
    let check: &Check = edit.check()?;
    let note = checked.uncorrected.as_ref().map(|reason| format!("not corrected: {reason}"));
    let reason: Vec<&str> = [&check.reason, &note].into_iter().flatten().map(String::as_str).collect();
    Some(ColorCheck {
        asked: check.asked,
        measured: check.shown,
        delta_e: check.delta_e,
        plain: check.delta_e_plain,
        background: check.background,
        original: edit.corrected.as_ref().and(checked.check.shown),
        verdict: check.verdict,
        reason: (!reason.is_empty()).then(|| reason.join("; ")),
    })
}

/// Returns an attempt for a report. `seed` is the manifest's, and `shown` is the edit whose pictures are shown as the
/// job's.
fn attempt(folder: &RunFolder, edit: &Edit, seed: Option<Seed>, shown: Option<&Edit>) -> TryView {
    let is_shown = shown.is_some_and(|shown| shown.fingerprint == edit.fingerprint);
    let is_done = edit.status() == JobStatus::Completed;
    let file = |file: &SavedFile| match is_shown {
        true => saved_file(folder, file),
        false => result_file(EARLIER, &aside_name(file), file),
    };
    TryView {
        status: edit.status(),
        seed: edit.reroll.map(|reroll| reroll.seed).or(seed),
        prediction_id: edit.prediction.as_ref().map(ToString::to_string),
        cost: edit.spent,
        reserved: edit.reserved_for_uncertain,
        files: if is_done { edit.files().iter().map(file).collect() } else { Vec::new() },
        check: color_check(edit),
        is_shown,
        error: edit.problem.as_ref().filter(|_| !is_done).map(|problem| problem.message.clone()),
    }
}
