//! The inputs and the result of writing a report.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::color::Verdict;
use crate::job::{
    Backend, Cents, ContentHash, ErrorClass, Fingerprint, HeldBack, Hex, ImageSource, JobId, JobStatus, Seed, Size,
    StatusCounts, StopKind, Switches,
};
use crate::journal::{Costs, LastRunTotals, RunState};

/// The batch as a whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct BatchView {
    /// The key of the run. It stays the same if the folder moves, because a reviewer's decisions are stored under it.
    pub key: String,
    /// The manifest's name, used as the page's heading.
    pub title: String,
    /// The path of the manifest, as the user wrote it.
    pub manifest: String,
    /// The backend; `None` if no run was started.
    pub backend: Option<Backend>,
    /// The origin of the API, if it is not the provider's.
    pub other_origin: Option<String>,
    /// The time of the first submit.
    pub started_at: Option<Timestamp>,
    /// The time at which the last job ended, if nothing is in progress.
    pub finished_at: Option<Timestamp>,
    /// The last run.
    pub last_run: Option<LastRun>,
    /// The state of the batch. An open page of a running one polls for updates.
    pub state: RunState,
    /// The time of the last known event of a running batch. The report may be read much later.
    pub as_of: Option<Timestamp>,
    /// The jobs by status.
    pub counts: StatusCounts,
    /// The cost of all submits, and its budget.
    pub costs: Costs,
    /// The number of predictions that are open at the provider.
    pub open: u64,
    /// The number of jobs with pictures in `results/` that are no longer in the manifest.
    pub removed: u64,
    /// The number of jobs that were edited, but have no new picture yet, and still show an earlier one in `results/`.
    pub outdated: u64,
    /// The jobs that the last run did not submit because of pictures that the journal does not know.
    pub held_back: HeldBack,
    /// The 429s and the pauses, in chronological order.
    pub timeline: Vec<TimelineEvent>,
    /// The command that continues this run.
    pub resume: Option<String>,
    /// Further notes for the user, a sentence each.
    pub notes: Vec<String>,
}

/// The last run of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastRun {
    /// The start.
    pub started_at: Timestamp,
    /// The end; `None` if it is still running, or if its process was killed.
    pub ended_at: Option<Timestamp>,
    /// Its submits and their cost; `None` if they are not known.
    pub totals: Option<LastRunTotals>,
    /// The kind of reason why it stopped before its work was done, if it did.
    pub stop: Option<StopKind>,
}

/// An event that slowed the whole batch down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimelineEvent {
    /// The start.
    pub at: Timestamp,
    /// The end, if known.
    pub until: Option<Timestamp>,
    /// The kind of the event.
    pub kind: TimelineKind,
}

/// The reason why a batch was slowed down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimelineKind {
    /// The provider answered 429. The time to wait was stated by it, or chosen by the client.
    RateLimited,
    /// The batch paused by itself, because the provider or the network was down.
    Paused,
}

/// A job.
#[derive(Clone, Debug)]
pub(crate) struct JobView {
    /// The id.
    pub id: JobId,
    /// The status.
    pub status: JobStatus,
    /// The instruction.
    pub prompt: String,
    /// The pictures to edit.
    pub images: Vec<JobImage>,
    /// The resulting pictures in `results/`.
    pub files: Vec<ResultFile>,
    /// Whether the user has changed `files` since they were saved.
    pub is_retouched: bool,
    /// The pictures as the provider made them, if the color lock has corrected `files`.
    pub originals: Vec<ResultFile>,
    /// The requested color.
    pub color: Option<Hex>,
    /// The result of the color check.
    pub check: Option<ColorCheck>,
    /// All attempts, oldest first, if the job was submitted again because it missed its color. `cost` includes all of
    /// them.
    pub tries: Vec<TryView>,
    /// The provider's id of the prediction of the shown attempt.
    pub prediction_id: Option<String>,
    /// The cost that was charged, including re-rolls.
    pub cost: Cents,
    /// The possible further cost.
    pub reserved: Cents,
    /// The command that frees the reserved money, if any is reserved.
    pub release: Option<String>,
    /// The number of submits.
    pub attempts: u32,
    /// The time of the last submit.
    pub submitted_at: Option<Timestamp>,
    /// The time at which it ended.
    pub finished_at: Option<Timestamp>,
    /// The fingerprint of its request in the journal.
    pub fingerprint: Option<Fingerprint>,
    /// The class of its error.
    pub error_class: Option<ErrorClass>,
    /// The error message of the provider or the program.
    pub error: Option<String>,
    /// Another job whose submit was answered with the same prediction.
    pub shares_prediction_with: Option<JobId>,
    /// The requested size.
    pub size: Option<Size>,
    /// The requested seed.
    pub seed: Option<Seed>,
    /// The three switches.
    pub switches: Switches,
    /// The user's own columns, name and value, in the order of the manifest.
    pub columns: Vec<(String, String)>,
    /// The line of the manifest at which the job begins, from 1.
    pub line: u64,
}

/// A picture to edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JobImage {
    /// The picture, as it is sent.
    pub source: ImageSource,
    /// The local copy of a picture that is named by URL, if there is one.
    pub local_copy: Option<PathBuf>,
}

/// A resulting picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResultFile {
    /// The path relative to the folder of the run.
    pub path: PathBuf,
    /// The size in bytes.
    pub bytes: u64,
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
    /// The hash of the file's bytes.
    pub blake3: ContentHash,
}

/// The result of a color check.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColorCheck {
    /// The requested color.
    pub asked: Hex,
    /// The measured color.
    pub measured: Option<Hex>,
    /// The CIEDE2000 difference between the two under the plausible illuminant that fits best. The verdict is based on
    /// it.
    pub delta_e: Option<f64>,
    /// The CIEDE2000 difference between the two without adaptation.
    pub plain: Option<f64>,
    /// The mean CIEDE2000 difference between the rest of the picture and the input.
    pub background: Option<f64>,
    /// The color of the provider's picture, if the color lock has corrected it.
    pub original: Option<Hex>,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason of the verdict, for example why a color cannot be measured.
    pub reason: Option<String>,
}

/// One of several attempts at a job's color.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TryView {
    /// The status.
    pub status: JobStatus,
    /// The seed that was sent, if any.
    pub seed: Option<Seed>,
    /// The provider's id of the prediction.
    pub prediction_id: Option<String>,
    /// The cost that was charged.
    pub cost: Cents,
    /// The possible further cost.
    pub reserved: Cents,
    /// The resulting pictures: in `results/` if they are the best, in `earlier/` otherwise.
    pub files: Vec<ResultFile>,
    /// The result of the color check.
    pub check: Option<ColorCheck>,
    /// Whether this attempt is shown as the job's result.
    pub is_shown: bool,
    /// The error message of the provider or the program.
    pub error: Option<String>,
}

/// The options of a report.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReportOptions {
    /// The path of an additional JUnit file.
    pub junit: Option<PathBuf>,
}

/// The result of writing a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// The path of the page.
    pub index: PathBuf,
    /// The number of jobs that it shows.
    pub jobs: u64,
    /// The number of files that were added or changed.
    pub changed: usize,
    /// All files of the report, relative to its folder, sorted.
    pub files: Vec<String>,
}

impl BatchView {
    /// Returns the title of the page and of the test report.
    pub(crate) fn heading(&self) -> &str {
        if self.title.is_empty() { "Batch" } else { &self.title }
    }

    /// Returns the name of its state in `summary.json`. A run whose process ended unexpectedly is one that stopped.
    pub(crate) fn state_name(&self) -> &'static str {
        match &self.state {
            RunState::Interrupted => "stopped",
            state => state.as_str(),
        }
    }
}

impl JobView {
    /// Returns a job without any events.
    pub(crate) fn new(id: JobId, prompt: impl Into<String>) -> JobView {
        JobView {
            id,
            status: JobStatus::Pending,
            prompt: prompt.into(),
            images: Vec::new(),
            files: Vec::new(),
            is_retouched: false,
            originals: Vec::new(),
            color: None,
            check: None,
            tries: Vec::new(),
            prediction_id: None,
            cost: Cents::ZERO,
            reserved: Cents::ZERO,
            release: None,
            attempts: 0,
            submitted_at: None,
            finished_at: None,
            fingerprint: None,
            error_class: None,
            error: None,
            shares_prediction_with: None,
            size: None,
            seed: None,
            switches: Switches::default(),
            columns: Vec::new(),
            line: 0,
        }
    }

    /// Returns a hint about a job that did not complete, or may have the wrong picture, if there is one.
    pub(crate) fn advice(&self) -> Option<String> {
        match self.status {
            JobStatus::Completed => self.shares_prediction_with.as_ref().map(|other| {
                format!("the provider gave the id of this prediction to {other} as well: check that the picture is this job's")
            }),
            JobStatus::Pending => None,
            JobStatus::Failed => self.error_class.map(|class| class.hint().to_owned()),
            JobStatus::Uncertain => {
                let release = self.release.as_deref().unwrap_or("dyehouse release");
                Some(format!(
                    "check the provider's dashboard: if it was not charged, `{release}` frees the money; if it was, \
                     `dyehouse adopt` saves its picture"
                ))
            }
        }
    }

    /// Returns the seconds from the last submit to the end.
    pub(crate) fn seconds(&self) -> Option<f64> {
        seconds_from(self.submitted_at, self.finished_at)
    }
}

/// Returns the seconds from a start to an end; `None` without both, or if the clock was set back between them.
pub(super) fn seconds_from(started_at: Option<Timestamp>, ended_at: Option<Timestamp>) -> Option<f64> {
    Some(ended_at?.duration_since(started_at?).as_secs_f64()).filter(|seconds| *seconds >= 0.0)
}
