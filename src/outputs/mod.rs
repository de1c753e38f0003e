//! Outputs: downloads the outputs of a prediction to verified files in the run's folder.
//!
//! A picture is streamed into a temporary file (a small one into memory first), checked by its magic bytes and by
//! decoding it, and synced. Only then is it renamed to a result, and the folder synced as well. All files in `results/`
//! are therefore complete.

mod batches;
mod download;
mod error;
mod free_space;
mod import;
mod incoming;
mod inline;
mod paths;
mod results;
mod slot;
mod store;

pub use download::{DownloadLimits, Downloader};
pub use error::{OutputError, Refetch};
pub use import::{ImportOutcome, PictureImport, ShownIn};
pub use paths::{
    AsideMoves, EARLIER, ORIGINALS, RESULTS, aside_name, candidate_paths, file_name, file_stem, is_aside, presence,
    presence_by_size, remove_leftovers, set_aside,
};
pub use results::{Results, Staged};
pub use slot::Slot;
pub use store::{Destination, ResultStore, Verified};
