use std::future::Future;

use crate::api::Output;
use crate::journal::{Presence, SavedFile};

use super::error::OutputError;
use super::slot::Slot;

/// A store of results: [`Results`](super::Results), or a simulated one in tests.
pub trait ResultStore: Send + Sync + 'static {
    /// A verified picture under a temporary name.
    type Staged: Verified;

    /// Fetches an output. The picture is verified and durable when this returns.
    /// `slot` is released while nothing arrives, and once the picture is written.
    fn fetch(&self, output: &Output, slot: Slot) -> impl Future<Output = Result<Self::Staged, OutputError>> + Send;

    /// Publishes verified pictures under their names. Nothing is overwritten: files at these paths are moved aside.
    fn publish(
        &self,
        staged: Vec<(Self::Staged, SavedFile)>,
        destination: Destination,
    ) -> impl Future<Output = Result<(), OutputError>> + Send;

    /// Finds and publishes the pictures of a fetch that a crash interrupted before their publication. Returns `false`
    /// if one of them is missing.
    fn recover(
        &self,
        files: Vec<SavedFile>,
        destination: Destination,
    ) -> impl Future<Output = Result<bool, OutputError>> + Send;

    /// Moves the pictures of an earlier edit back, in their present state. Returns `false` if one is missing.
    fn reinstate(
        &self,
        files: Vec<SavedFile>,
        displaced: Vec<SavedFile>,
    ) -> impl Future<Output = Result<bool, OutputError>> + Send;

    /// Checks that there is enough space for the pictures of another submit. A store without this information accepts
    /// it.
    ///
    /// # Errors
    ///
    /// The disk has less than 64 MiB free.
    fn check_free_space(&self) -> Result<(), OutputError> {
        Ok(())
    }

    /// Returns the presence of a picture in `results/`, judged by its size. Submits and polls wait for it, so it must
    /// be as fast as one file lookup.
    fn presence(&self, file: &SavedFile) -> Presence;

    /// Replaces `original` by a corrected picture, and keeps it in `originals/`. Until this is recorded,
    /// [`ResultStore::restore`] undoes it. Returns `None` if the user has changed the original, which then stays.
    fn replace(
        &self,
        original: SavedFile,
        png: Vec<u8>,
    ) -> impl Future<Output = Result<Option<SavedFile>, OutputError>> + Send;

    /// Moves the provider's originals back in place of `corrected` pictures, unless this is already done. Returns
    /// `false` if the user has changed a corrected one, which then stays.
    fn restore(
        &self,
        originals: Vec<SavedFile>,
        corrected: Vec<SavedFile>,
    ) -> impl Future<Output = Result<bool, OutputError>> + Send;
}

/// A verified picture.
pub trait Verified: Send + 'static {
    /// Returns the extension of its format.
    fn extension(&self) -> &'static str;

    /// Returns its record, with the name that it will have.
    fn saved_as(&self, name: String) -> SavedFile;
}

/// The folder in which pictures are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// In `results/`. The files of the previous edit are moved aside.
    Results {
        /// The files of the previous edit.
        displaced: Vec<SavedFile>,
    },
    /// In `earlier/`, because the manifest now asks for another edit with this id.
    Aside,
}
