use std::io;
use std::path::{Path, PathBuf};

/// The reason why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file or folder of the report cannot be used.
    #[error("{verb} {}: {cause}", path.display())]
    Io {
        /// The verb of the failed operation: `make`, `read`, `write`, `remove`.
        verb: &'static str,
        /// The path of the file or folder.
        path: PathBuf,
        /// The operating system's error.
        cause: io::Error,
    },
    /// A row of a table cannot be written.
    #[error("write a row of {name}: {cause}")]
    Table {
        /// The name of the table's file.
        name: &'static str,
        /// The CSV writer's error.
        cause: csv::Error,
    },
    /// The page cannot be rendered.
    #[error("fill in the page: {0}")]
    Page(minijinja::Error),
    /// The data cannot be serialized.
    #[error("write the page's data: {0}")]
    Data(serde_json::Error),
}

impl ReportError {
    pub(crate) fn io(verb: &'static str, path: &Path, cause: io::Error) -> ReportError {
        ReportError::Io { verb, path: path.to_owned(), cause }
    }

    /// Returns a hint for the user.
    pub fn hint(&self) -> &'static str {
        match self {
            ReportError::Io { .. } => {
                "check that the folder is writable and the disk has space, then run `dyehouse report`"
            }
            ReportError::Table { .. } => "check that the disk has space, then run `dyehouse report`",
            ReportError::Page(_) | ReportError::Data(_) => {
                "the pictures and the journal are whole; this is a bug in dyehouse"
            }
        }
    }
}
