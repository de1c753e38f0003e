//! The ledger's records, as they stand in its lines.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::api::wire::Generate;
use crate::server::model;

/// The version of the records that this program writes, and the newest that it reads.
const VERSION: u32 = 1;

/// The prompt's beginning is kept for people who read the ledger.
const PROMPT_CHARACTERS: usize = 120;

/// One line of the ledger.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LogRecord {
    v: u32,
    /// When it happened.
    pub(super) at: Timestamp,
    /// The prediction that it happened to.
    pub(super) id: Uuid,
    /// The event.
    #[serde(flatten)]
    pub(super) event: Event,
}

/// An event of a prediction.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// It was accepted, and so charged for.
    Accepted {
        model: String,
        /// The BLAKE3 hash of the body's bytes as they came in: two submits with one fingerprint said the same.
        fingerprint: String,
        cost_cents: u64,
        /// The prompt's first characters.
        prompt: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        base64: bool,
    },
    /// Its outputs are in the folder.
    Completed { outputs: u8 },
    /// It ended without outputs.
    Failed { error: String },
}

/// The BLAKE3 hash of a submit's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct BodyHash(blake3::Hash);

impl BodyHash {
    pub(in crate::server) fn of(body: &[u8]) -> BodyHash {
        BodyHash(blake3::hash(body))
    }
}

/// The reason why a record in the ledger cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It is not a record.
    #[error(transparent)]
    Malformed(#[from] serde_json::Error),
    /// A later program wrote it.
    #[error("the record is of version {version}, newer than this program")]
    Newer {
        /// The version that it names.
        version: u32,
    },
    /// Another before it has accepted the same prediction.
    #[error("prediction {0} is accepted twice")]
    AcceptedTwice(Uuid),
    /// Another before it has finished the same prediction.
    #[error("prediction {0} is finished twice")]
    FinishedTwice(Uuid),
    /// None before it has accepted the prediction that it finishes.
    #[error("prediction {0} is finished and was never accepted")]
    NeverAccepted(Uuid),
}

impl Event {
    pub(super) fn accepted(request: &Generate, fingerprint: BodyHash) -> Event {
        Event::Accepted {
            model: model::ID.to_owned(),
            fingerprint: fingerprint.0.to_hex().to_string(),
            cost_cents: model::PRICE.0,
            prompt: request.prompt.chars().take(PROMPT_CHARACTERS).collect(),
            base64: request.switches.enable_base64_output == Some(true),
        }
    }
}

impl LogRecord {
    pub(super) fn new(id: Uuid, at: Timestamp, event: Event) -> LogRecord {
        LogRecord { v: VERSION, at, id, event }
    }

    /// Reads one line.
    pub(super) fn parse(line: &[u8]) -> Result<LogRecord, LogError> {
        let record: LogRecord = serde_json::from_slice(line)?;
        if record.v > VERSION {
            return Err(LogError::Newer { version: record.v });
        }
        Ok(record)
    }

    /// The record as one line, with its end.
    pub(super) fn line(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}
