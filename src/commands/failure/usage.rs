use std::path::PathBuf;

use crate::api::{BaseUrlError, PredictionId};
use crate::job::{Backend, JobId, Partition};
use crate::journal::EditKey;
use crate::words::{counted, shell_word};

/// A note on the patterns of `--only`.
const PATTERN: &str = "a pattern covers the whole id: 'mug-*' finds mug-ocean";

/// Options that contradict each other or the run's folder, or an invalid value. Nothing was submitted.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// The folder has the pictures of another backend.
    #[error("use {}: its jobs are those of the {theirs} backend, not of {ours}", folder.display())]
    OtherBackend {
        /// The run's folder.
        folder: PathBuf,
        /// The backend of its pictures.
        theirs: Backend,
        /// The requested backend.
        ours: Backend,
    },
    /// The folder is for another share of the manifest.
    #[error("use {}: it is for {}, not {}", folder.display(), share(*theirs), share(*ours))]
    OtherShare {
        /// The run's folder.
        folder: PathBuf,
        /// The share of the folder; `None` is the whole manifest.
        theirs: Option<Partition>,
        /// The requested share.
        ours: Option<Partition>,
    },
    /// The default folder has the jobs of another manifest with the same name.
    #[error("use {}: it belongs to {}, not to {}", folder.display(), theirs.display(), ours.display())]
    OtherManifest {
        /// The run's folder.
        folder: PathBuf,
        /// The manifest of its last run.
        theirs: PathBuf,
        /// The requested manifest.
        ours: PathBuf,
    },
    /// The manifest was run in the folder beside it, and the default folder in the working directory is new.
    #[error("make {}: {} was run in {} before", folder.display(), ours.display(), theirs.display())]
    RunBeside {
        /// The new folder.
        folder: PathBuf,
        /// The folder of the earlier run.
        theirs: PathBuf,
        /// The manifest.
        ours: PathBuf,
    },
    /// The manifest has no name that the folder could have.
    #[error("choose the run's folder: a manifest from stdin has no name")]
    NamelessManifest,
    /// The color lock would correct nothing, because results within its bound are on.
    #[error("correct colors within ΔE00 {bound}: results within ΔE00 {tolerance} count as right already")]
    ColorLock {
        /// The largest difference to correct, in ΔE00.
        bound: f64,
        /// The largest difference that counts as right, in ΔE00.
        tolerance: f64,
    },
    /// A setting of the run that the manifest is a part of cannot be read.
    #[error(
        "use the `{key}` of the run that these jobs are from: its journal has a value that this version cannot read"
    )]
    Inherited {
        /// The key of the setting.
        key: String,
    },
    /// Predictions are open at another server than the requested one.
    #[error("follow {} at {ours}: submitted to {theirs}", counted(*open, "prediction"))]
    OtherOrigin {
        /// The number of open predictions.
        open: u64,
        /// The server that has them.
        theirs: String,
        /// The requested server.
        ours: String,
    },
    /// No job has an id that the pattern of `--only` matches.
    #[error("find a job for --only '{pattern}': no id of the manifest matches")]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// A similar id, if there is one.
        near: Option<String>,
    },
    /// The run has no job or request with reserved money that matches the argument of a command.
    #[error("{command} {word}: the run has no such job or request with an uncertain submit")]
    NoSuchRequest {
        /// `release` or `adopt`.
        command: &'static str,
        /// The pattern or fingerprint.
        word: String,
        /// Some of the jobs with reserved money.
        jobs: Vec<JobId>,
    },
    /// Several jobs have the request, and not all of them may be meant.
    #[error("{command} {word}: {} have this request", counted(jobs.len() as u64, "job"))]
    SharedRequest {
        /// `release` or `adopt`.
        command: &'static str,
        /// The fingerprint.
        word: String,
        /// The jobs with reserved money for it.
        jobs: Vec<JobId>,
    },
    /// No money is reserved for the job.
    #[error("{command} {word}: it has no uncertain submit")]
    NotReserved {
        /// `release` or `adopt`.
        command: &'static str,
        /// The job's id.
        word: String,
        /// Some of the jobs with reserved money.
        jobs: Vec<JobId>,
    },
    /// A prediction can only be that of one submit.
    #[error("adopt {word}: {} have an uncertain submit", counted(requests.len() as u64, "request"))]
    SeveralToAdopt {
        /// The pattern.
        word: String,
        /// The requests that it matches.
        requests: Vec<EditKey>,
    },
    /// The submit to adopt a prediction for is not uncertain any more.
    #[error("adopt {word}: it was submitted again since")]
    SubmittedAgain {
        /// The pattern or fingerprint.
        word: String,
    },
    /// The prediction to adopt is that of another submit.
    #[error("adopt {word}: prediction {prediction} belongs to another submit of the run")]
    KnownPrediction {
        /// The pattern or fingerprint.
        word: String,
        /// The prediction.
        prediction: PredictionId,
    },
    /// No job of the run is meant by the argument of `redo`.
    #[error("redo {word}: the run has no such job")]
    NoSuchJob {
        /// The id or pattern.
        word: String,
        /// A similar id, if there is one.
        near: Option<String>,
    },
    /// None of the jobs that `redo` is to make anew has pictures.
    #[error("redo {word}: it has no pictures yet")]
    NotCompleted {
        /// The ids or patterns, and the file.
        word: String,
    },
    /// None of the jobs of which `redo` is to show the earlier pictures was made anew.
    #[error("redo {word}: it was not made anew before")]
    NotRedone {
        /// The ids or patterns, and the file.
        word: String,
    },
    /// The file with the jobs for `redo` cannot be used.
    #[error("read {}: {reason}", path.display())]
    JobsFile {
        /// The path of the file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The manifest's base URL is invalid.
    #[error("use `run.base_url`: {0}")]
    BaseUrl(BaseUrlError),
    /// A time of day was given, but this machine's time zone is unknown.
    #[error("determine the local time zone: {0}")]
    TimeZone(jiff::Error),
    /// The JUnit file cannot be written at the end of the run.
    #[error("write the JUnit file {}: {reason}", path.display())]
    JunitFile {
        /// The path of the file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A recolored picture must be named `.png`.
    #[error("write {}: pictures are written as PNG files", .0.display())]
    NotPng(PathBuf),
    /// A recolored picture would replace its original.
    #[error("write {}: it is the picture that is recolored", .0.display())]
    Original(PathBuf),
}

impl UsageError {
    /// Returns a hint for the user.
    pub fn hint(&self) -> String {
        match self {
            UsageError::OtherBackend { theirs, .. } => {
                format!("use --backend {theirs}, or choose another folder with -o")
            }
            UsageError::OtherShare { theirs: Some(share), .. } => format!(
                "give each share its own folder with -o, or use --partition {share}; `dyehouse merge` joins them"
            ),
            UsageError::OtherShare { theirs: None, .. } => "give each share its own folder with -o".to_owned(),
            UsageError::OtherManifest { folder, theirs, .. } => format!(
                "give this manifest a folder of its own with -o; or run {}; if it is the same manifest and was moved, \
                 use -o {}",
                shell_word(&theirs.display().to_string()),
                shell_word(&folder.display().to_string())
            ),
            UsageError::RunBeside { folder, theirs, .. } => format!(
                "to continue that run, use -o {}; for another run, which pays for every job again, use -o {}",
                shell_word(&theirs.display().to_string()),
                shell_word(&folder.display().to_string())
            ),
            UsageError::NamelessManifest => {
                "give it with -o, the same for each run of this manifest, as in: -o runs/spring".to_owned()
            }
            UsageError::ColorLock { tolerance, .. } => format!(
                "the value of --color-lock is the largest miss that is corrected, and must be above the tolerance of \
                 {tolerance}; results are corrected to within ΔE00 1"
            ),
            UsageError::Inherited { .. } => {
                "run the whole manifest with the version that wrote the journal, or a later one".to_owned()
            }
            UsageError::OtherOrigin { theirs, .. } => {
                format!("use --base-url {theirs} until they are all finished, or choose another folder with -o")
            }
            UsageError::NoSuchJob { near: Some(near), .. } => format!("did you mean `{near}`? {PATTERN}"),
            UsageError::NoSuchJob { near: None, .. } => {
                format!("name jobs by their ids in the manifest of the last run; {PATTERN}")
            }
            UsageError::NotCompleted { .. } => {
                "run the manifest again to continue; --retry-failed submits failed jobs again".to_owned()
            }
            UsageError::NotRedone { .. } => {
                "`dyehouse status` shows its state; without --undo, it is made anew".to_owned()
            }
            UsageError::JobsFile { .. } => {
                "give a CSV file with a column `id`, such as the one that the report page exports".to_owned()
            }
            UsageError::NoMatch { near: Some(near), .. } => format!("did you mean `{near}`? {PATTERN}"),
            UsageError::NoMatch { near: None, .. } => PATTERN.to_owned(),
            UsageError::NotReserved { command, jobs, .. } | UsageError::NoSuchRequest { command, jobs, .. }
                if jobs.is_empty() =>
            {
                format!("no submit of the run is uncertain: there is nothing to {command}")
            }
            UsageError::NotReserved { jobs, .. } | UsageError::NoSuchRequest { jobs, .. } => {
                let jobs: Vec<&str> = jobs.iter().map(JobId::as_str).collect();
                format!("money is reserved for {}", jobs.join(", "))
            }
            UsageError::SharedRequest { jobs, .. } => {
                let jobs: Vec<&str> = jobs.iter().map(JobId::as_str).collect();
                format!("name those that are meant by their ids: {}", jobs.join(", "))
            }
            UsageError::SeveralToAdopt { requests, .. } => {
                let one = |key: &EditKey| format!("{} of {}", key.fingerprint, key.job);
                let requests: Vec<String> = requests.iter().take(8).map(one).collect();
                format!("name one by its fingerprint: {}", requests.join(", "))
            }
            UsageError::SubmittedAgain { .. } => {
                "its picture is that of the later submit; `dyehouse release` frees the money of the first if that was not charged"
                    .to_owned()
            }
            UsageError::KnownPrediction { .. } => {
                "compare its prompt and its time with the job's in the provider's dashboard".to_owned()
            }
            UsageError::BaseUrl(_) => {
                "give an origin such as https://api.vibedream.ai; plain http is allowed only for this machine"
                    .to_owned()
            }
            UsageError::TimeZone(_) => {
                "install tzdata, or set TZ to a time zone known to this machine, such as UTC".to_owned()
            }
            UsageError::JunitFile { .. } => "give a file in an existing folder that can be written to".to_owned(),
            UsageError::Original(path) => {
                let stem = path.file_stem().unwrap_or_default().display();
                let other = path.with_file_name(format!("{stem}-recolored.png"));
                format!("give it another name, as in: -o {}", shell_word(&other.display().to_string()))
            }
            UsageError::NotPng(path) => format!("name it {}", path.with_extension("png").display()),
        }
    }
}

fn share(share: Option<Partition>) -> String {
    share.map_or_else(|| "the whole manifest".to_owned(), |share| format!("share {share} of the manifest"))
}
