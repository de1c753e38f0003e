//! What was accepted and what became of it, on disk.
//!
//! ```text
//! DATA/
//!   server.lock                       held while a server runs; holds its process id
//!   ledger.jsonl                      one record a line, append-only: accepted, completed, failed
//!   requests/<id>.json                the request of a prediction that is not finished yet
//!   outputs/<id>/<timestamp>-<n>.png  what came out
//! ```
//! A record is synced before anybody is told what it says, and files are written aside, synced and renamed before a
//! record speaks of them. So what a crash leaves is either finished, or in the ledger as accepted and worked on again,
//! or was never answered for.

mod entry;
mod error;
mod files;
mod ledger;
mod lock;
mod predictions;
mod record;

pub(super) use entry::{PredictionState, StoredPrediction};
pub use error::StoreError;
pub(super) use predictions::{Store, now};
pub(super) use record::BodyHash;
pub use record::LogError;
