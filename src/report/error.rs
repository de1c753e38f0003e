use std::io;
use std::path::{Path, PathBuf};

/// The reason why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file or folder of the report.
    #[error("{verb} {}", path.display())]
    Io {
        /// The verb of the attempt: `make`, `read`, `write`, `remove`.
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The temporary file in which rows wait.
    #[error("keep rows in a temporary file")]
    RowBuffer(#[from] io::Error),
    /// A row of a table.
    #[error("write a row of {name}")]
    Table {
        /// The table's file.
        name: &'static str,
        /// The CSV writer's error.
        source: csv::Error,
    },
    /// The page.
    #[error("fill in the page")]
    Page(#[from] minijinja::Error),
    /// Data that is no JSON.
    #[error("write the page's data")]
    Data(#[from] serde_json::Error),
}

impl ReportError {
    pub(crate) fn io(verb: &'static str, path: &Path, source: io::Error) -> ReportError {
        ReportError::Io { verb, path: path.to_owned(), source }
    }

    /// Returns what the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            ReportError::Io { .. } => {
                "check that the folder is writable and the disk has space, then run `dyehouse report`"
            }
            ReportError::RowBuffer(_) => "check that the folder for temporary files is writable and has space",
            ReportError::Table { .. } => "check that the disk has space, then run `dyehouse report`",
            ReportError::Page(_) | ReportError::Data(_) => {
                "the pictures and the journal are whole; this is a bug in dyehouse"
            }
        }
    }
}
