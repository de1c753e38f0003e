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
pub(super) struct Record {
    v: u32,
    /// When it happened.
    pub(super) at: Timestamp,
    /// The prediction that it happened to.
    pub(super) id: Uuid,
    /// What happened.
    #[serde(flatten)]
    pub(super) event: Event,
}

/// What happened to a prediction.
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
    /// It ended without.
    Failed { error: String },
}

/// The BLAKE3 hash of a submit's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct Fingerprint(blake3::Hash);

impl Fingerprint {
    pub(in crate::server) fn of(body: &[u8]) -> Fingerprint {
        Fingerprint(blake3::hash(body))
    }
}

impl Event {
    pub(super) fn accepted(request: &Generate, fingerprint: Fingerprint) -> Event {
        Event::Accepted {
            model: model::ID.to_owned(),
            fingerprint: fingerprint.0.to_hex().to_string(),
            cost_cents: model::PRICE.0,
            prompt: request.prompt.chars().take(PROMPT_CHARACTERS).collect(),
            base64: request.switches.enable_base64_output == Some(true),
        }
    }
}

impl Record {
    pub(super) fn new(id: Uuid, at: Timestamp, event: Event) -> Record {
        Record { v: VERSION, at, id, event }
    }

    /// Reads one line.
    pub(super) fn parse(line: &[u8]) -> Result<Record, String> {
        let record: Record = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        if record.v > VERSION {
            return Err(format!("the record is of version {}, newer than this program", record.v));
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
