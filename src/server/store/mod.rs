//! The accepted predictions and their results, on disk.
//!
//! ```text
//! DATA/
//!   server.lock                       held while a server runs; holds its process id
//!   ledger.jsonl                      one record a line, append-only: accepted, completed, failed
//!   requests/<id>.json                the request of a prediction that is not finished yet
//!   outputs/<id>/<timestamp>-<n>.png  the results
//! ```
//! A record is synced before its content is answered, and files are written to a temporary name, synced and renamed
//! before a record names them. So after a crash a prediction is finished, or in the ledger as accepted and worked on
//! again, or it was never answered.

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
