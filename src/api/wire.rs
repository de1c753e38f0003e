//! The API's contract as JSON: the documented types, shared by the client and the embedded server.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::job::{EditRequest, Seed, Size, Switches};

/// The documented host of the provider.
pub const PROVIDER_URL: &str = "https://api.vibedream.ai";

/// Returns the path of a submit for `model`.
pub fn generate_path(model: &str) -> String {
    format!("/api/v1/models/{model}/generate")
}

/// Returns the path of a poll of a prediction.
pub fn prediction_path(id: &PredictionId) -> String {
    format!("/api/v1/predictions/{id}")
}

/// The id of a prediction, as the provider gave it.
///
/// It is documented as a UUID, but any text of 1 to 128 letters, digits, `-`, `_` and `.` is accepted: an id that was
/// paid for must not be lost because of its format, but one that could change the path of a URL must be refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PredictionId(String);

/// The error of a text that cannot be a prediction's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a prediction id: {0:?}")]
pub struct PredictionIdError(String);

impl PredictionId {
    /// Accepts `text` as an id, if it is safe as a path segment of a URL.
    pub fn new(text: &str) -> Result<PredictionId, PredictionIdError> {
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let dots_only = text.bytes().all(|byte| byte == b'.');
        if (1..=128).contains(&text.len()) && text.bytes().all(is_safe) && !dots_only {
            return Ok(PredictionId(text.to_owned()));
        }
        Err(PredictionIdError(text.chars().take(128).collect()))
    }

    /// Accepts an id as people paste it: with white space around it, or as the end of a URL's path.
    pub fn pasted(text: &str) -> Result<PredictionId, PredictionIdError> {
        let text = text.trim();
        let Some((_, rest)) = text.split_once("://") else { return PredictionId::new(text) };
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let Some((_, id)) = path.trim_end_matches('/').rsplit_once('/') else {
            return Err(PredictionIdError(text.chars().take(128).collect()));
        };
        PredictionId::new(id)
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PredictionId {
    type Error = PredictionIdError;

    fn try_from(text: String) -> Result<PredictionId, PredictionIdError> {
        PredictionId::new(&text)
    }
}

impl From<PredictionId> for String {
    fn from(id: PredictionId) -> String {
        id.0
    }
}

impl std::fmt::Display for PredictionId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(&self.0)
    }
}

/// The body of a submit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generate {
    /// The instruction.
    pub prompt: String,
    /// URLs or `data:` URIs, in order. They are always sent as an array.
    pub images: Vec<String>,
    /// The requested size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// The seed. 0 is an ordinary seed, and is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<Seed>,
    /// The three switches.
    #[serde(flatten)]
    pub switches: Switches,
}

impl Generate {
    /// Returns the body for `request`, with its images as they are sent.
    pub fn new(request: &EditRequest, images: Vec<String>) -> Generate {
        Generate {
            prompt: request.prompt.clone(),
            images,
            size: request.size,
            seed: request.seed,
            switches: request.switches,
        }
    }
}

/// The answer to a submit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Submitted {
    /// The prediction's id.
    pub id: PredictionId,
    /// Always `processing`.
    pub status: String,
    /// The URL to poll.
    pub status_url: String,
    /// Free text.
    pub estimated_time: String,
    /// The price, in cents.
    pub cost_cents: u64,
    /// The time of the submit: ISO 8601 with milliseconds, UTC.
    pub created_at: String,
}

/// The answer to a poll, and to a submit in sync mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prediction {
    /// The prediction's id.
    pub id: PredictionId,
    /// The model's id, `flux-2-pro-edit`.
    pub model_id: String,
    /// The display name of the model.
    pub model_name: String,
    /// `processing`, `completed` or `failed`.
    pub status: String,
    /// One item per image: a URL, or base64 text if that was requested.
    pub outputs: Option<Vec<String>>,
    /// The error, if it failed.
    pub error: Option<String>,
    /// The time of the submit: ISO 8601 with milliseconds, UTC.
    pub created_at: String,
    /// The time of the end: ISO 8601 with milliseconds, UTC; `null` while processing.
    pub completed_at: Option<String>,
}

/// The documented statuses.
pub mod status {
    /// Queued or in progress.
    pub const PROCESSING: &str = "processing";
    /// Ended with outputs.
    pub const COMPLETED: &str = "completed";
    /// Ended with an error.
    pub const FAILED: &str = "failed";
}

/// Parses the body of an answer, with or without a byte order mark.
///
/// # Errors
///
/// The body is not JSON.
pub fn json(body: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body))
}

/// Returns the text of an error body from any of the fields that similar APIs use: `error` (a string, or an object with
/// `message`), `message`, `detail`, `code`.
pub fn error_text(body: &Value) -> Option<String> {
    let fields = body.as_object()?;
    ["error", "message", "detail", "code"].iter().find_map(|name| text_of(fields, name))
}

fn text_of(fields: &Map<String, Value>, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Object(inner) => ["message", "detail", "error", "code"].iter().find_map(|name| text_of(inner, name)),
        Value::Array(items) => items.first().and_then(|item| match item {
            Value::String(text) => Some(text.clone()),
            Value::Object(inner) => ["message", "msg", "detail"].iter().find_map(|name| text_of(inner, name)),
            _ => None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn error_texts_are_found_in_every_supported_field() {
        for body in [
            json!({"error": "no"}),
            json!({"error": {"message": "no", "code": 3}}),
            json!({"message": "no"}),
            json!({"detail": "no"}),
            json!({"detail": [{"msg": "no", "loc": ["body"]}]}),
            json!({"error": "", "code": "no"}),
        ] {
            assert_eq!(error_text(&body).as_deref(), Some("no"), "{body}");
        }
        assert_eq!(error_text(&json!(["no"])), None);
        assert_eq!(error_text(&json!({"error": null})), None);
    }

    #[test]
    fn an_id_is_accepted_as_people_paste_it() {
        let id = |text| PredictionId::pasted(text).map(String::from).ok();
        for text in [" p-1\n", "https://example.com/predictions/p-1", "https://example.com/predictions/p-1/?tab=2#x"] {
            assert_eq!(id(text).as_deref(), Some("p-1"), "{text}");
        }
        for text in ["", "a b", "../p-1", "https://example.com", "https://example.com/", "p-1 p-2"] {
            assert_eq!(id(text), None, "{text}");
        }
    }

    #[test]
    fn a_seed_of_zero_is_sent_and_an_unset_one_is_not() {
        let body = Generate {
            prompt: "p".into(),
            images: vec!["u".into()],
            size: None,
            seed: Seed::new(0),
            switches: Switches::default(),
        };
        assert_eq!(serde_json::to_string(&body).unwrap(), r#"{"prompt":"p","images":["u"],"seed":0}"#);
    }

    #[test]
    fn ids_that_could_change_a_path_are_refused() {
        for bad in ["", "..", "a/b", "a?b", "a b", "ü"] {
            assert!(PredictionId::new(bad).is_err(), "{bad}");
        }
        assert!(PredictionId::new("550e8400-e29b-41d4-a716-446655440000").is_ok());
    }
}
