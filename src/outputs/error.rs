use std::io;
use std::path::PathBuf;

use crate::job::ErrorClass;
use crate::photo::PictureError;

/// An output could not be brought here.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The provider no longer has it.
    #[error("the output has expired ({0})")]
    Expired(String),
    /// The asset host cannot be reached, or breaks off each time.
    #[error("cannot download the output: {0}")]
    Unreachable(String),
    /// It is not a complete picture.
    #[error("the output is not a complete picture: {0}")]
    NotAPicture(#[from] PictureError),
    /// It is over a limit, or at a place that is not asked.
    #[error("the output is refused: {0}")]
    Refused(String),
    /// This machine's disk failed. No job's fault: the run stops.
    #[error("{}: {cause}", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
}

impl OutputError {
    /// The class of a job that ends with this error; none where it is this machine's.
    pub fn class(&self) -> Option<ErrorClass> {
        match self {
            OutputError::Expired(_) => Some(ErrorClass::Lost),
            OutputError::Unreachable(_) | OutputError::NotAPicture(_) | OutputError::Refused(_) => {
                Some(ErrorClass::Download)
            }
            OutputError::Disk { .. } => None,
        }
    }

    /// What it says of a picture to edit, which no prediction has put out.
    pub fn of_input(&self) -> String {
        match self {
            OutputError::Expired(cause) => format!("the picture is no longer at its URL ({cause})"),
            OutputError::Unreachable(cause) => format!("cannot download it: {cause}"),
            OutputError::NotAPicture(cause) => format!("it is not a complete picture: {cause}"),
            OutputError::Refused(cause) => format!("it is refused: {cause}"),
            OutputError::Disk { .. } => self.to_string(),
        }
    }

    /// How often a fresh URL of the same prediction may be better. Asking for one costs nothing, and what is given up was
    /// paid for; a host that is down was tried several times already.
    pub fn max_url_refreshes(&self) -> u32 {
        match self {
            OutputError::Expired(_) | OutputError::NotAPicture(_) => 5,
            OutputError::Unreachable(_) => 1,
            OutputError::Refused(_) | OutputError::Disk { .. } => 0,
        }
    }
}

/// Attaches a path to an error of the operating system.
pub(super) fn disk(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> OutputError {
    let path = path.into();
    move |cause| OutputError::Disk { path, cause }
}
