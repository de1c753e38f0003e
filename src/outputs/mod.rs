//! Outputs: from what a prediction names to verified files in the run's folder.
//!
//! A picture streams into a temporary file, a small one into memory first, is checked by its magic bytes and by decoding
//! it, and is synced; only then is it renamed to a result, and the folder synced as well. What is in `results/` is whole.

mod batches;
mod download;
mod free_space;
mod import;
mod incoming;
mod inline;
mod places;
mod results;
mod slot;

use std::future::Future;
use std::io;
use std::path::PathBuf;

pub use download::{DownloadLimits, Downloader};
pub use import::{Changed, PictureImport, Shown};
pub use inline::decode;
pub use places::{
    EARLIER, ORIGINALS, RESULTS, aside_name, places, presence, presence_by_size, remove_strays, set_aside,
};
pub use results::{Results, Staged};
pub use slot::Slot;

use crate::job::{ContentHash, ErrorClass, JobId};
use crate::journal::{Presence, SavedFile};
use crate::photo::PictureError;

/// Where results go. The real one is [`Results`]; a simulation keeps its own.
pub trait ResultStore: Send + Sync + 'static {
    /// A verified picture under a temporary name.
    type Staged: Verified;

    /// Brings one output here: a URL, a `data:` URI or bare base64. It is verified and durable when this returns. `slot` is
    /// given to others while nothing comes.
    fn fetch(&self, output: &str, slot: &mut Slot) -> impl Future<Output = Result<Self::Staged, OutputError>> + Send;

    /// Gives verified pictures their names. Nothing is overwritten: what is in the way moves aside.
    fn publish(
        &self,
        staged: Vec<(Self::Staged, SavedFile)>,
        place: Destination,
    ) -> impl Future<Output = Result<(), OutputError>> + Send;

    /// After a crash between the fetch and its publication: finds the pictures again and publishes them. `false`
    /// where one of them is gone.
    fn recover(
        &self,
        files: Vec<SavedFile>,
        place: Destination,
    ) -> impl Future<Output = Result<bool, OutputError>> + Send;

    /// Brings the pictures of an earlier edit back from aside, as they are by now. `false` where one of them is gone.
    fn reinstate(
        &self,
        files: Vec<SavedFile>,
        displaced: Vec<SavedFile>,
    ) -> impl Future<Output = Result<bool, OutputError>> + Send;

    /// Whether there is room for the picture of one more submit. A store that cannot tell has it.
    ///
    /// # Errors
    ///
    /// There is none.
    fn check_free_space(&self) -> Result<(), OutputError> {
        Ok(())
    }

    /// Whether `results/` has a picture as it was saved, told from its size. It is asked between submits and polls, and keeps
    /// them waiting: one look at a name is what it may take.
    fn presence(&self, file: &SavedFile) -> Presence;

    /// Puts a corrected picture in the place of `original`, which is kept in `originals/`. Until its record is durable,
    /// [`ResultStore::restore`] undoes it. Nothing where somebody has changed the original: it stays.
    fn replace(
        &self,
        original: SavedFile,
        png: Vec<u8>,
    ) -> impl Future<Output = Result<Option<SavedFile>, OutputError>> + Send;

    /// Puts pictures as the provider made them back in the place of `corrected` ones. What is there already stays. `false`
    /// where somebody has changed a corrected one: that stays as well.
    fn restore(
        &self,
        originals: Vec<SavedFile>,
        corrected: Vec<SavedFile>,
    ) -> impl Future<Output = Result<bool, OutputError>> + Send;
}

/// What is known of a verified picture.
pub trait Verified: Send + 'static {
    /// The extension that its content calls for.
    fn extension(&self) -> &'static str;

    /// The record of it, under the name that it will have.
    fn saved_as(&self, name: String) -> SavedFile;
}

/// Where pictures are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// In `results/`; the files of the edit that was there before move aside.
    Results {
        /// Those files.
        displaced: Vec<SavedFile>,
    },
    /// In `earlier/`, because the manifest wants another edit under this id by now.
    Aside,
}

/// The name of a job's `number`th picture, from 1.
pub fn file_name(job: &JobId, number: usize, extension: &str) -> String {
    format!("{}.{extension}", file_stem(job, number))
}

/// The same without the extension.
pub fn file_stem(job: &JobId, number: usize) -> String {
    if number == 1 { job.to_string() } else { format!("{job}-{number}") }
}

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
fn disk(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> OutputError {
    let path = path.into();
    move |cause| OutputError::Disk { path, cause }
}

/// The first bytes of a hash, as they stand in the names of files that were moved aside.
fn short(hash: &ContentHash) -> String {
    let mut text = hash.to_string();
    text.truncate(8);
    text
}
