use std::path::PathBuf;

use crate::api::BaseUrlError;
use crate::job::{Backend, JobId, Partition};
use crate::notify::NoticeUrlError;
use crate::words::counted;

/// How patterns of ids work.
const PATTERN: &str = "a pattern covers the whole id: 'mug-*' finds mug-ocean";

/// Options that contradict each other or what the run's folder is for, or a value that is none. Nothing was submitted.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// The folder has the pictures of another backend.
    #[error("use {}: its jobs are those of the {theirs} backend, not of {ours}", folder.display())]
    OtherBackend {
        /// The run's folder.
        folder: PathBuf,
        /// Whose pictures it has.
        theirs: Backend,
        /// The one that was asked for.
        ours: Backend,
    },
    /// The folder is for another share of the manifest.
    #[error("use {}: it is for {}, not {}", folder.display(), share(*theirs), share(*ours))]
    OtherShare {
        /// The run's folder.
        folder: PathBuf,
        /// The share that it is for; `None` is the whole manifest.
        theirs: Option<Partition>,
        /// The share that was asked for.
        ours: Option<Partition>,
    },
    /// Predictions are open at another server than the one that was named.
    #[error("follow {} at {ours}: submitted to {theirs}", counted(*open, "prediction"))]
    OtherOrigin {
        /// How many there are.
        open: u64,
        /// Where they are.
        theirs: String,
        /// The one that was named.
        ours: String,
    },
    /// No job has an id that the pattern of `--only` matches.
    #[error("find a job for --only '{pattern}': no id of the manifest matches")]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// An id that may have been meant.
        near: Option<String>,
    },
    /// Nothing of the run has the name that was to be released.
    #[error("release {word}: the run has no such job or request")]
    NoneToRelease {
        /// The pattern or fingerprint.
        word: String,
        /// Some of the jobs that money is reserved for.
        jobs: Vec<JobId>,
    },
    /// Nothing is reserved for what was to be released.
    #[error("release {word}: it has no uncertain submit")]
    NotReserved {
        /// The pattern or fingerprint.
        word: String,
        /// Some of the jobs that money is reserved for.
        jobs: Vec<JobId>,
    },
    /// The manifest's base URL is none.
    #[error("use `run.base_url`: {0}")]
    BaseUrl(BaseUrlError),
    /// The URL of a webhook or a monitor is none.
    #[error("use {variable}: {cause}")]
    NoticeUrl {
        /// The variable that it is from.
        variable: &'static str,
        /// What is wrong with it.
        cause: NoticeUrlError,
    },
    /// A time of day was given, and the zone of this machine is not known.
    #[error("determine the local time zone: {0}")]
    TimeZone(jiff::Error),
    /// The folder for the JUnit file is not there.
    #[error("write a JUnit file into {}: there is no such folder", .0.display())]
    JunitFolder(PathBuf),
    /// A recolored picture cannot have this name.
    #[error("write {}: pictures are written as PNG files", .0.display())]
    NotPng(PathBuf),
}

impl UsageError {
    /// The way out.
    pub fn hint(&self) -> String {
        match self {
            UsageError::OtherBackend { theirs, .. } => {
                format!("use --backend {theirs}, or choose another folder with -o")
            }
            UsageError::OtherShare { theirs: Some(share), .. } => format!(
                "give each share its own folder with -o, or use --partition {share}; `dyehouse merge` joins them"
            ),
            UsageError::OtherShare { theirs: None, .. } => "give each share its own folder with -o".to_owned(),
            UsageError::OtherOrigin { theirs, .. } => {
                format!("use --base-url {theirs} until they are all finished, or choose another folder with -o")
            }
            UsageError::NoMatch { near: Some(near), .. } => format!("did you mean `{near}`? {PATTERN}"),
            UsageError::NoMatch { near: None, .. } => PATTERN.to_owned(),
            UsageError::NotReserved { jobs, .. } | UsageError::NoneToRelease { jobs, .. } if jobs.is_empty() => {
                "no submit of the run is uncertain: there is nothing to release".to_owned()
            }
            UsageError::NotReserved { jobs, .. } | UsageError::NoneToRelease { jobs, .. } => {
                let jobs: Vec<&str> = jobs.iter().map(JobId::as_str).collect();
                format!("money is reserved for {}", jobs.join(", "))
            }
            UsageError::BaseUrl(_) => {
                "give an origin such as https://api.vibedream.ai; plain http is allowed only for this machine"
                    .to_owned()
            }
            UsageError::NoticeUrl { .. } => "give a complete URL, such as https://example.com/hooks/1".to_owned(),
            UsageError::TimeZone(_) => {
                "install tzdata, or set TZ to a time zone known to this machine, such as UTC".to_owned()
            }
            UsageError::JunitFolder(_) => "create it first, or name another file".to_owned(),
            UsageError::NotPng(path) => format!("name it {}", path.with_extension("png").display()),
        }
    }
}

fn share(share: Option<Partition>) -> String {
    share.map_or_else(|| "the whole manifest".to_owned(), |share| format!("share {share} of the manifest"))
}
