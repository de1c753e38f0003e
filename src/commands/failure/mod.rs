//! Failures of commands, with their exit codes and hints.

mod init;
mod merge;
mod usage;

use std::io;

use serde_json::{Value, json};

use crate::api::BaseUrlError;
use crate::api::client::ClientError;
use crate::color::NotFound;
use crate::exit::Exit;
use crate::http::TlsError;
use crate::manifest::{Diagnostic, Problems, Severity, Style, render};
use crate::notify::Breakdown;
use crate::outputs::OutputError;
use crate::report::ReportError;
use crate::run_folder::FolderError;
use crate::runner::{RunError, RunFailure};
use crate::secrets::SecretError;
use crate::server::ServerError;
use crate::server::chaos::ChaosError;
use crate::words::counted;

pub use init::InitError;
pub use merge::MergeError;
pub use usage::UsageError;

/// The reason why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The manifest has errors.
    #[error("read the manifest: {0}")]
    Manifest(Problems),
    /// The options contradict the run's folder, or a value is invalid.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// A starter manifest cannot be written.
    #[error(transparent)]
    Init(#[from] InitError),
    /// The provider was chosen, but there is no key.
    #[error("find an API key: VIBEDREAM_API_KEY is not set")]
    NoKey,
    /// A file with a secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The run's folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The results folder cannot be opened.
    #[error("open the results folder: {0}")]
    Results(OutputError),
    /// A picture cannot be copied to a merged folder.
    #[error("copy a picture: {0}")]
    Copy(OutputError),
    /// Temporary files of a process that died cannot be removed.
    #[error("remove temporary files: {0}")]
    Leftovers(OutputError),
    /// The API client cannot be created.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Another HTTP client cannot be created.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The embedded server failed.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The client rejects the address of the embedded server.
    #[error("reach the embedded server: {0}")]
    ServerUrl(BaseUrlError),
    /// The chaos file of the embedded server cannot be read.
    #[error(transparent)]
    Chaos(#[from] ChaosError),
    /// The run failed.
    #[error(transparent)]
    Run(#[from] RunFailure),
    /// The folders cannot be merged.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// The report cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A picture for `dyehouse color` cannot be read.
    #[error("read {path}: {cause}")]
    Picture {
        /// The path.
        path: String,
        /// The message of the decoder or the operating system.
        cause: String,
    },
    /// No product was found in a picture.
    #[error("recolor {path}: {cause}")]
    Recolor {
        /// The path.
        path: String,
        /// The reason.
        cause: NotFound,
    },
    /// A picture cannot be written.
    #[error("write {path}: {cause}")]
    Write {
        /// The path.
        path: String,
        /// The message of the encoder or the operating system.
        cause: String,
    },
    /// The runtime or the signal handlers cannot be started.
    #[error("start: {cause}")]
    Start {
        /// The operating system's error.
        cause: io::Error,
    },
    /// The output cannot be printed.
    #[error("write to stdout: {cause}")]
    Output {
        /// The operating system's error.
        cause: io::Error,
    },
}

impl From<OutputError> for Failure {
    fn from(cause: OutputError) -> Failure {
        Failure::Results(cause)
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        Failure::Run(error.into())
    }
}

impl Failure {
    /// Returns the exit code. This is the only place that maps errors to exit codes.
    pub fn exit(&self) -> Exit {
        match self {
            Failure::Manifest(_)
            | Failure::Usage(_)
            | Failure::Init(_)
            | Failure::Chaos(_)
            | Failure::Merge(_)
            | Failure::Folder(FolderError::NoRun { .. }) => Exit::Usage,
            Failure::Folder(FolderError::Locked { .. }) => Exit::Locked,
            Failure::NoKey
            | Failure::Secret(_)
            | Failure::Folder(_)
            | Failure::Results(_)
            | Failure::Copy(_)
            | Failure::Leftovers(_)
            | Failure::Client(_)
            | Failure::Tls(_)
            | Failure::Server(_)
            | Failure::ServerUrl(_)
            | Failure::Run(_)
            | Failure::Report(_)
            | Failure::Picture { .. }
            | Failure::Recolor { .. }
            | Failure::Write { .. }
            | Failure::Start { .. }
            | Failure::Output { .. } => Exit::CannotGoOn,
        }
    }

    /// Returns a hint for the user.
    pub fn hint(&self) -> Option<String> {
        match self {
            Failure::Manifest(_) | Failure::Start { .. } | Failure::Output { .. } => None,
            Failure::Picture { .. } => Some("give an existing, complete JPEG, PNG, GIF or WebP file".to_owned()),
            Failure::Recolor { .. } => {
                Some("it should show one product on an even background; --from names the color of a part".to_owned())
            }
            Failure::Write { .. } => Some("check that the folder exists and is writable".to_owned()),
            Failure::Usage(error) => Some(error.hint()),
            Failure::Init(error) => Some(error.hint().to_owned()),
            Failure::ServerUrl(_) => Some("this is a bug in dyehouse: please report it".to_owned()),
            Failure::NoKey => Some(
                "set VIBEDREAM_API_KEY to your key, or VIBEDREAM_API_KEY_FILE to a file that contains it; or try without \
                 one and without cost: --backend embedded"
                    .to_owned(),
            ),
            Failure::Secret(_) => {
                Some("the file must contain only the secret, and be readable for this user".to_owned())
            }
            Failure::Run(failure) => Some(run_hint(failure)),
            Failure::Folder(error) => Some(error.hint()),
            Failure::Results(error) | Failure::Leftovers(error) => Some(error.hint().to_owned()),
            Failure::Copy(_) => Some(
                "free some space or fix the permissions, then run the same command again: it continues where it was, and \
                 nothing is paid for"
                    .to_owned(),
            ),
            Failure::Client(ClientError::Key) => {
                Some("check VIBEDREAM_API_KEY for stray quotes or line breaks".to_owned())
            }
            Failure::Client(ClientError::Tls(_)) | Failure::Tls(_) => {
                Some("install this machine's root certificates (ca-certificates)".to_owned())
            }
            Failure::Chaos(_) => Some("examples/chaos.yaml lists all faults".to_owned()),
            Failure::Server(error) => error.hint(),
            Failure::Merge(error) => Some(error.hint()),
            Failure::Report(error) => Some(error.hint().to_owned()),
        }
    }

    /// Returns the failure of a command that was using a run's folder, which it has found before.
    pub(super) fn in_use(self) -> Failure {
        match self {
            Failure::Folder(FolderError::NoRun { path })
            | Failure::Run(RunFailure { error: RunError::Plan(FolderError::NoRun { path }), .. }) => {
                Failure::Folder(FolderError::Gone { path })
            }
            other => other,
        }
    }

    /// Returns what failed and why, in one line.
    pub fn message(&self) -> String {
        format!("failed to {self}")
    }

    /// Returns the errors of `manifest`, and the number of those that are not listed. A failure of another kind is one
    /// error.
    pub(super) fn diagnostics(&self, manifest: &str) -> (Vec<Diagnostic>, u64) {
        match self {
            Failure::Manifest(problems) => (problems.with_counts(), problems.more),
            other => {
                let hint = other.hint().unwrap_or_default();
                (vec![Diagnostic::about_job(Severity::Error, manifest, None, other.to_string(), &hint)], 0)
            }
        }
    }

    /// Returns what prevented the run of `manifest`.
    pub(super) fn breakdown(&self, manifest: &str) -> Breakdown {
        let errors = self.diagnostics(manifest).0.iter().map(|error| json!(error)).collect();
        Breakdown { error: self.message(), hint: self.hint(), errors }
    }

    /// Returns the failure as a JSON object, version 1.
    pub(super) fn json(&self) -> Value {
        json!({"version": 1, "exit_code": self.exit().code(), "error": self.message(), "hint": self.hint()})
    }

    /// Returns the failure as text, without a trailing line feed.
    pub fn render(&self, style: Style) -> String {
        if let Failure::Manifest(problems) = self {
            return problems_text(problems, style);
        }
        let (red, cyan, plain) = match style {
            Style::Plain => ("", "", ""),
            Style::Colored => ("\u{1b}[1;31m", "\u{1b}[36m", "\u{1b}[0m"),
        };
        let mut text = format!("{red}error{plain}: {}", self.message());
        if let Some(hint) = self.hint() {
            text.push_str(&format!("\n{cyan}hint{plain}: {hint}"));
        }
        text
    }
}

fn run_hint(failure: &RunFailure) -> String {
    match &failure.error {
        _ if !failure.unrecorded.is_empty() => {
            "keep this message, because the journal does not contain these predictions. Free some space or fix the \
             permissions, and run again: the jobs are uncertain then, and the provider's dashboard shows their pictures"
                .to_owned()
        }
        RunError::Plan(error) => error.hint(),
        RunError::Results(error) => error.hint().to_owned(),
        RunError::Journal(_) => OutputError::FULL_DISK_HINT.to_owned(),
        RunError::Lines(error) => error.hint().to_owned(),
        RunError::Transition(_) | RunError::Executor(_) => {
            "this is a bug in dyehouse: keep the journal and report it; a new run continues from there".to_owned()
        }
    }
}

/// Returns the diagnostics one below the other, and the number of errors.
pub(super) fn problems_text(problems: &Problems, style: Style) -> String {
    let mut parts: Vec<String> = problems.with_counts().iter().map(|diagnostic| render(diagnostic, style)).collect();
    if problems.more > 0 {
        parts.push(format!("… and {} more", problems.more));
    }
    if problems.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        let errors = counted(problems.count(), "error");
        parts.push(format!("{errors} in the manifest; nothing was submitted"));
    }
    parts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_cannot_be_copied_is_no_matter_of_money() {
        let cause = OutputError::Disk { path: "all/results/mug.png".into(), cause: io::ErrorKind::StorageFull.into() };
        let printed = Failure::Copy(cause).render(Style::Plain);
        assert!(printed.starts_with("error: failed to copy a picture: all/results/mug.png: "), "{printed}");
        assert!(printed.ends_with("it continues where it was, and nothing is paid for"), "{printed}");
    }

    #[test]
    fn a_folder_that_vanishes_under_a_run_is_no_wrong_usage() {
        let gone = || FolderError::NoRun { path: "runs/spring".into() };
        assert_eq!(Failure::Folder(gone()).exit(), Exit::Usage);
        for failure in [Failure::Folder(gone()), Failure::from(RunError::Plan(gone()))] {
            let failure = failure.in_use();
            assert_eq!(failure.exit(), Exit::CannotGoOn);
            assert_eq!(failure.message(), "failed to use runs/spring: it was moved or removed while it was in use");
            assert!(failure.hint().is_some_and(|hint| hint.starts_with("bring it back before you run again")));
        }
    }
}
