//! From a plan and a journal to what a report shows.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::color::Check;
use crate::job::{Cents, JobStatus};
use crate::journal::{Edit, Ledger, Record, RunEvent, Step};
use crate::plan::PlannedJob;
use crate::progress::{counted, shell_word};
use crate::report::{
    self, BatchState, BatchView, ColorCheck, Counts, JobView, ReportOptions, ResultFile, TimelineEvent, TimelineKind,
    Written,
};
use crate::run_folder::{FolderError, JournalFile, Lock, RunFolder, plan_lines, read_plan};

use super::Failure;

/// What a report is made from.
pub(super) struct Gathered<'g> {
    pub(super) folder: &'g RunFolder,
    pub(super) ledger: &'g Ledger,
    pub(super) manifest: &'g str,
}

/// Reads a folder's journal, and tells who works on it. Where nobody does, a submit without an answer is uncertain.
pub(super) fn settled(folder: &RunFolder) -> Result<(Ledger, Option<String>), FolderError> {
    // Whoever ends in between has written all that it had to say: the journal is read after the lock.
    let holder = Lock::holder(folder);
    let mut ledger = JournalFile::read(folder)?;
    if holder.is_none() {
        let at = ledger.last_at().unwrap_or(Timestamp::UNIX_EPOCH);
        for key in ledger.unanswered() {
            // A submit without an answer can always become uncertain.
            let _ = ledger.apply(at, &Record::Edit(key, Step::unanswered()));
        }
    }
    Ok((ledger, holder))
}

/// Writes the report.
pub(super) fn write(gathered: &Gathered<'_>) -> Result<Written, Failure> {
    let mut broken: Option<FolderError> = None;
    let mut counts = Counts::default();
    let mut removed = gathered.ledger.shown_jobs();
    for planned in read_plan(gathered.folder)? {
        let key = planned?.key();
        counts.add(gathered.ledger.status(&key));
        removed = removed.saturating_sub(u64::from(gathered.ledger.is_shown(&key.job)));
    }
    let viewed = |planned: Result<PlannedJob, FolderError>| {
        let planned = planned?;
        let edit = gathered.ledger.edit(&planned.key())?;
        Ok(view(&planned, edit.as_deref()))
    };
    let jobs = read_plan(gathered.folder)?.map(viewed).map_while(|viewed| match viewed {
        Ok(viewed) => Some(viewed),
        Err(error) => {
            broken = Some(error);
            None
        }
    });
    let written =
        report::write(gathered.folder.path(), &batch(gathered, counts, removed), jobs, &ReportOptions::default())?;
    match broken {
        Some(error) => Err(error.into()),
        None => Ok(written),
    }
}

/// How many jobs have pictures in `results/` and are no longer in the plan. Ids are unique in a plan, so that counting
/// is enough.
pub(super) fn removed(folder: &RunFolder, ledger: &Ledger) -> Result<u64, FolderError> {
    let mut removed = ledger.shown_jobs();
    for line in plan_lines(folder)? {
        removed = removed.saturating_sub(u64::from(ledger.is_shown(&line?.key()?.job)));
    }
    Ok(removed)
}

fn status(edit: Option<&Edit>) -> JobStatus {
    edit.map_or(JobStatus::Pending, Edit::status)
}

fn batch(gathered: &Gathered<'_>, counts: Counts, removed: u64) -> BatchView {
    let Gathered { folder, ledger, manifest } = gathered;
    let (backend, budget) = match ledger.last_run() {
        Some(RunEvent::Run { backend, budget_cents, .. }) => (backend.clone(), *budget_cents),
        _ => (String::new(), None),
    };
    let state = match ledger.ended() {
        Some(None) => BatchState::Finished,
        Some(Some(reason)) => BatchState::Stopped(reason.to_owned()),
        None if Lock::holder(folder).is_some() => BatchState::Running,
        None => BatchState::Stopped("the program ended without saying why".to_owned()),
    };
    let title = Path::new(manifest).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let is_whole = state == BatchState::Finished;
    BatchView {
        key: format!("{title} {}", ledger.started_at().unwrap_or(Timestamp::UNIX_EPOCH)),
        title,
        manifest: (*manifest).to_owned(),
        backend,
        started_at: ledger.first_submit_at().or(ledger.started_at()),
        finished_at: ledger.last_finish_at().filter(|_| is_whole),
        state,
        counts,
        spent: ledger.spent(),
        reserved: ledger.reserved(),
        budget,
        timeline: ledger.pauses().iter().map(pause).collect(),
        resume: (!is_whole).then(|| {
            format!("dyehouse run {} -o {}", shell_word(manifest), shell_word(&folder.path().display().to_string()))
        }),
        removed,
        notes: (removed > 0).then(|| removed_note(removed)).into_iter().collect(),
    }
}

fn removed_note(removed: u64) -> String {
    let jobs = counted(removed, "job");
    let (have, whose) = if removed == 1 { ("is", "its") } else { ("are", "their") };
    format!("{jobs} {have} no longer in the manifest; {whose} pictures stay in results until a run with --prune")
}

fn pause((at, milliseconds, reason): &(Timestamp, u64, String)) -> TimelineEvent {
    let kind = if reason.contains("429") { TimelineKind::RateLimited } else { TimelineKind::Paused };
    TimelineEvent { at: *at, until: at.checked_add(Duration::from_millis(*milliseconds)).ok(), kind }
}

fn color_check(check: &Check) -> ColorCheck {
    ColorCheck {
        asked: check.asked.to_string(),
        measured: check.shown.map(|hex| hex.to_string()),
        delta_e: check.delta_e,
        verdict: check.verdict,
        reason: check.reason.clone(),
    }
}

fn view(planned: &PlannedJob, edit: Option<&Edit>) -> JobView {
    let job = &planned.job;
    let request = &job.request;
    let problem = edit.and_then(|edit| edit.problem.clone()).filter(|_| status(edit) != JobStatus::Completed);
    let files = edit.filter(|edit| edit.status() == JobStatus::Completed).map_or(&[][..], Edit::files);
    JobView {
        status: status(edit),
        images: request.images.clone(),
        files: files
            .iter()
            .map(|file| ResultFile {
                path: Path::new("results").join(&file.name),
                bytes: file.bytes,
                width: file.width,
                height: file.height,
                blake3: file.blake3,
            })
            .collect(),
        color: job.color.clone(),
        check: edit.filter(|edit| edit.status() == JobStatus::Completed).and_then(Edit::check).map(color_check),
        prediction_id: edit.and_then(|edit| edit.prediction.as_ref()).map(ToString::to_string),
        cost: edit.map_or(Cents::ZERO, |edit| edit.spent),
        reserved: edit.map_or(Cents::ZERO, |edit| edit.held),
        attempts: edit.map_or(0, |edit| edit.attempts),
        submitted_at: edit.and_then(|edit| edit.submitted_at),
        finished_at: edit.and_then(|edit| edit.finished_at),
        fingerprint: Some(planned.fingerprint),
        error_class: problem.as_ref().and_then(|problem| problem.class),
        error: problem.map(|problem| problem.message),
        size: request.size,
        seed: request.seed,
        switches: request.switches,
        columns: job.columns.clone(),
        line: job.line,
        ..JobView::new(job.id.clone(), request.prompt.clone())
    }
}
