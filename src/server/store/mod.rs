//! The accepted predictions and their results, on disk.
//!
//! ```text
//! DATA/
//!   server.lock                       held while a server runs; has the name of its process
//!   ledger.jsonl                      the log: a record per line, append-only: accepted, completed, failed
//!   requests/<id>.json                the request of an unfinished prediction
//!   outputs/<id>/<timestamp>-<n>.png  the results
//! ```
//! A record is synced before its content is returned to a client, and files are written to a temporary name, synced and
//! renamed before a record refers to them. After a crash, every prediction is therefore finished, recorded as accepted
//! and worked on again, or was never acknowledged.

mod error;
mod files;
mod prediction_log;
mod predictions;
mod record;
mod stored_prediction;

pub use error::StoreError;
pub(super) use predictions::{Store, now};
pub(super) use record::BodyHash;
pub use record::LogError;
pub(super) use stored_prediction::{PredictionState, StoredPrediction};
