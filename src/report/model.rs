//! What a report is made from, and what is left of making it.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::color::Verdict;
use crate::job::{
    Backend, Cents, ContentHash, ErrorClass, Fingerprint, HeldBack, ImageSource, JobId, JobStatus, Seed, Size,
    StatusCounts, Switches,
};

/// The batch as a whole.
#[derive(Clone, Debug, Default)]
pub struct BatchView {
    /// The key of the run, which stays the same if its folder moves: a reviewer's decisions are stored under it.
    pub key: String,
    /// The manifest's name, as the page's heading.
    pub title: String,
    /// Where the manifest is, as the user named it.
    pub manifest: String,
    /// The backend that edits; `None` if no run was begun.
    pub backend: Option<Backend>,
    /// When the first submit was made.
    pub started_at: Option<Timestamp>,
    /// When the last job ended, once nothing is left in work.
    pub finished_at: Option<Timestamp>,
    /// Whether the batch is under way, done, or stopped early.
    pub state: BatchState,
    /// The time of the last known event while the batch is running: the report may be read much later.
    pub as_of: Option<Timestamp>,
    /// The jobs by status.
    pub counts: StatusCounts,
    /// The cost that was charged.
    pub spent: Cents,
    /// The possible cost beyond that, of submits without a known price or with an unknown outcome.
    pub reserved: Cents,
    /// The ceiling that was set.
    pub budget: Option<Cents>,
    /// How many jobs have pictures in `results/` and are no longer in the manifest.
    pub removed: u64,
    /// The jobs that the last run did not submit because pictures exist that the journal does not know.
    pub held_back: HeldBack,
    /// The 429s and the pauses, in order of time.
    pub timeline: Vec<TimelineEvent>,
    /// The command that continues this run, as a user would type it.
    pub resume: Option<String>,
    /// Other facts for the user, a sentence each.
    pub notes: Vec<String>,
}

/// Where a batch stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BatchState {
    /// Jobs are being submitted or followed; an open page looks for news.
    #[default]
    Running,
    /// Nothing is left to do.
    Finished,
    /// It ended early and can be resumed; the text is the reason.
    Stopped(String),
}

/// Something that slowed the whole batch down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineEvent {
    /// When it began.
    pub at: Timestamp,
    /// When it was over, if that is known.
    pub until: Option<Timestamp>,
    /// Its kind.
    pub kind: TimelineKind,
}

/// The reason why a batch was slowed down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelineKind {
    /// The provider answered 429 and named, or left to us, a time to wait.
    RateLimited,
    /// The batch paused by itself: the provider was down, the network was gone.
    Paused,
}

/// One job.
#[derive(Clone, Debug)]
pub struct JobView {
    /// Its name.
    pub id: JobId,
    /// Where it stands.
    pub status: JobStatus,
    /// The instruction.
    pub prompt: String,
    /// The pictures to edit, as they are sent.
    pub images: Vec<ImageSource>,
    /// Local copies of pictures to edit that `images` names by URL, if available. Files of `images` need not be named
    /// again.
    pub before: Vec<PathBuf>,
    /// The pictures that came back, as they are in `results/`.
    pub files: Vec<ResultFile>,
    /// Whether the user has changed `files` since they were saved.
    pub is_retouched: bool,
    /// The pictures as the provider made them, if the color lock has corrected `files`.
    pub originals: Vec<ResultFile>,
    /// The color asked for, `#RRGGBB`.
    pub color: Option<String>,
    /// The result of the color check.
    pub check: Option<ColorCheck>,
    /// All tries, where the color was missed and the job was submitted again for it: the first and the re-rolls, oldest
    /// first. `cost` is that of all of them.
    pub tries: Vec<TryView>,
    /// The prediction's id at the provider, of the attempt that is shown.
    pub prediction_id: Option<String>,
    /// The cost that was charged for it, re-rolls included.
    pub cost: Cents,
    /// The possible cost beyond that.
    pub reserved: Cents,
    /// How often it was submitted.
    pub attempts: u32,
    /// When it was submitted the last time.
    pub submitted_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The fingerprint of its request in the journal.
    pub fingerprint: Option<Fingerprint>,
    /// The class of its error.
    pub error_class: Option<ErrorClass>,
    /// The error in the provider's or the program's words.
    pub error: Option<String>,
    /// The size asked for.
    pub size: Option<Size>,
    /// The seed asked for.
    pub seed: Option<Seed>,
    /// The three switches.
    pub switches: Switches,
    /// The user's own columns, name and value, in the manifest's order.
    pub columns: Vec<(String, String)>,
    /// The line of the manifest where it begins, from 1.
    pub line: u64,
}

/// A picture that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultFile {
    /// Where it is, relative to the run's folder.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// The hash of its bytes.
    pub blake3: ContentHash,
}

/// The result of the check of a result's color.
#[derive(Clone, Debug, PartialEq)]
pub struct ColorCheck {
    /// The color asked for, `#RRGGBB`.
    pub asked: String,
    /// The color found, `#RRGGBB`.
    pub measured: Option<String>,
    /// The CIEDE2000 difference between the two under the plausible light that suits them best: the verdict's measure.
    pub delta_e: Option<f64>,
    /// The CIEDE2000 difference between the two as they are.
    pub plain: Option<f64>,
    /// The mean CIEDE2000 difference of the rest of the picture to what it was.
    pub background: Option<f64>,
    /// The color that the provider's picture shows, `#RRGGBB`, if the color lock has corrected it.
    pub original: Option<String>,
    /// Whether that is near enough.
    pub verdict: Verdict,
    /// The reason of the verdict, above all why a color cannot be measured.
    pub reason: Option<String>,
}

/// One of several tries to get a job's color.
#[derive(Clone, Debug, PartialEq)]
pub struct TryView {
    /// Where it stands.
    pub status: JobStatus,
    /// The seed that was sent, if one was.
    pub seed: Option<Seed>,
    /// The prediction's id at the provider.
    pub prediction_id: Option<String>,
    /// The cost that was charged for it.
    pub cost: Cents,
    /// The possible cost beyond that.
    pub reserved: Cents,
    /// The pictures that came back: in `results/` if they are the best, in `earlier/` otherwise.
    pub files: Vec<ResultFile>,
    /// The result of the color check.
    pub check: Option<ColorCheck>,
    /// Whether it is the one that stands under the job's name.
    pub is_shown: bool,
    /// The error in the provider's or the program's words.
    pub error: Option<String>,
}

/// How a report is made.
#[derive(Clone, Debug, Default)]
pub struct ReportOptions {
    /// Where a JUnit file is written as well.
    pub junit: Option<PathBuf>,
}

/// The result of writing a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The page.
    pub index: PathBuf,
    /// How many jobs it shows.
    pub jobs: u64,
    /// How many files were new or had to change.
    pub changed: usize,
    /// All files of the report, relative to its folder, sorted.
    pub files: Vec<String>,
}

impl BatchView {
    /// Returns the title of the page and of the test report.
    pub(crate) fn heading(&self) -> &str {
        if self.title.is_empty() { "Batch" } else { &self.title }
    }
}

impl JobView {
    /// A job that nothing has happened to yet.
    pub fn new(id: JobId, prompt: impl Into<String>) -> JobView {
        JobView {
            id,
            status: JobStatus::Pending,
            prompt: prompt.into(),
            images: Vec::new(),
            before: Vec::new(),
            files: Vec::new(),
            is_retouched: false,
            originals: Vec::new(),
            color: None,
            check: None,
            tries: Vec::new(),
            prediction_id: None,
            cost: Cents::ZERO,
            reserved: Cents::ZERO,
            attempts: 0,
            submitted_at: None,
            finished_at: None,
            fingerprint: None,
            error_class: None,
            error: None,
            size: None,
            seed: None,
            switches: Switches::default(),
            columns: Vec::new(),
            line: 0,
        }
    }

    /// Returns what to do about a job that did not complete, if anything is known.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        match self.status {
            JobStatus::Completed | JobStatus::Pending => None,
            JobStatus::Failed => self.error_class.map(ErrorClass::hint),
            JobStatus::Uncertain => Some(
                "check the provider's dashboard; `dyehouse release DIR JOB` frees the money if it was not charged, --uncertain resubmit may pay again",
            ),
        }
    }

    /// Seconds from the last submit to the end.
    pub(crate) fn seconds(&self) -> Option<f64> {
        Some(self.finished_at?.duration_since(self.submitted_at?).as_secs_f64()).filter(|seconds| *seconds >= 0.0)
    }
}

impl BatchState {
    /// The state in the word that `summary.json` uses.
    pub fn as_str(&self) -> &'static str {
        match self {
            BatchState::Running => "running",
            BatchState::Finished => "finished",
            BatchState::Stopped(_) => "stopped",
        }
    }

    /// Returns why the batch ended early.
    pub fn reason(&self) -> Option<&str> {
        match self {
            BatchState::Stopped(reason) => Some(reason),
            BatchState::Running | BatchState::Finished => None,
        }
    }
}
