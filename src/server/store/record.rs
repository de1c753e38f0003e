//! The records of the log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::api::wire::Generate;
use crate::server::model;

/// The version of the records that this program writes, and the newest that it reads.
const VERSION: u32 = 1;

/// The number of characters of a prompt that are recorded, for people who read the log.
const PROMPT_CHARACTERS: usize = 120;

/// A line of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LogRecord {
    v: u32,
    /// The time of the event.
    pub(super) at: Timestamp,
    /// The prediction of the event.
    pub(super) id: Uuid,
    /// The event.
    #[serde(flatten)]
    pub(super) event: Event,
}

/// An event of a prediction.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// The prediction was accepted, and charged for.
    Accepted {
        model: String,
        /// The BLAKE3 hash of the raw body. Equal fingerprints mean identical submits.
        fingerprint: String,
        cost_cents: u64,
        /// The beginning of the prompt.
        prompt: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        base64: bool,
    },
    /// The prediction was completed, and its outputs are in the folder.
    Completed { outputs: u8 },
    /// The prediction failed.
    Failed { error: String },
}

/// The BLAKE3 hash of the body of a submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct BodyHash(blake3::Hash);

impl BodyHash {
    pub(in crate::server) fn of(body: &[u8]) -> BodyHash {
        BodyHash(blake3::hash(body))
    }
}

/// The reason why a record of the log is invalid.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The line is not a record.
    #[error(transparent)]
    Malformed(#[from] serde_json::Error),
    /// The record was written by a later version of the program.
    #[error("the record is of version {version}, newer than this program")]
    Newer {
        /// The version of the record.
        version: u32,
    },
    /// The prediction was already accepted.
    #[error("prediction {0} is accepted twice")]
    AcceptedTwice(Uuid),
    /// The prediction was already finished.
    #[error("prediction {0} is finished twice")]
    FinishedTwice(Uuid),
    /// The prediction was finished but never accepted.
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

    /// Parses a line.
    pub(super) fn parse(line: &[u8]) -> Result<LogRecord, LogError> {
        let record: LogRecord = serde_json::from_slice(line)?;
        if record.v > VERSION {
            return Err(LogError::Newer { version: record.v });
        }
        Ok(record)
    }

    /// Returns the record as a line, with its line feed.
    pub(super) fn line(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}
