use std::future::Future;

use crate::journal::{Presence, SavedFile};

use super::error::OutputError;
use super::slot::Slot;

/// Where results go. The real one is [`Results`](super::Results); a simulation keeps its own.
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
        destination: Destination,
    ) -> impl Future<Output = Result<(), OutputError>> + Send;

    /// After a crash between the fetch and its publication: finds the pictures again and publishes them. `false`
    /// where one of them is gone.
    fn recover(
        &self,
        files: Vec<SavedFile>,
        destination: Destination,
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

    /// Whether `results/` has a picture as it was saved, told from its size.
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
