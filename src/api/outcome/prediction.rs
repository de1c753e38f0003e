use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::api::wire::{self, status};
use crate::job::ErrorClass;

use super::{Finished, PollOutcome, cut, failed_poll, refusal_class};

/// The maximum count of outputs that are fetched. The documentation shows one per edit; an answer with thousands must not
/// fill the disk.
pub(super) const MAX_OUTPUTS: usize = 16;

/// The fields of an output that is an object, in which its URL or base64 may be.
const OUTPUT_FIELDS: [&str; 7] = ["url", "image", "image_url", "uri", "b64_json", "base64", "data"];

/// Returns what the description of a prediction means.
pub(super) fn of_prediction(body: &Value) -> PollOutcome {
    let Some(word) = body["status"].as_str() else {
        return failed_poll("an answer without a status".to_owned());
    };
    match word.to_ascii_lowercase().as_str() {
        status::COMPLETED => {
            let mut outputs = texts(&body["outputs"]);
            if outputs.is_empty() {
                return PollOutcome::Finished(match has_content(&body["outputs"]) {
                    true => Finished::UnknownOutputs { excerpt: cut(&body["outputs"].to_string()) },
                    false => Finished::NoOutputs,
                });
            }
            let surplus = outputs.len().saturating_sub(MAX_OUTPUTS);
            outputs.truncate(MAX_OUTPUTS);
            PollOutcome::Finished(Finished::Completed { outputs, surplus, took: took(body) })
        }
        status::FAILED | "canceled" | "cancelled" | "timeout" | "deleted" | "aborted" => {
            let (class, message) = match wire::error_text(body) {
                Some(text) => {
                    let message = cut(&text);
                    (refusal_class(&message, ErrorClass::Provider), message)
                }
                None => (ErrorClass::Provider, format!("the provider says `{word}` without a reason")),
            };
            PollOutcome::Finished(Finished::Failed { class, message })
        }
        status::PROCESSING => PollOutcome::InProgress { unknown_status: None },
        _ => PollOutcome::InProgress { unknown_status: Some(cut(word)) },
    }
}

/// Returns the time from `createdAt` to `completedAt`.
fn took(body: &Value) -> Option<Duration> {
    let time = |name: &str| body[name].as_str()?.parse::<Timestamp>().ok();
    Duration::try_from(time("completedAt")?.duration_since(time("createdAt")?)).ok()
}

/// Returns the outputs. The documentation shows a text each; objects are read as well, because a picture that was paid
/// for must not be lost over its form.
fn texts(outputs: &Value) -> Vec<String> {
    match outputs {
        Value::String(text) if !text.trim().is_empty() => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => OUTPUT_FIELDS.iter().find_map(|name| fields.get(*name)).map(texts).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Whether there is anything but nulls and empty texts, lists and objects.
fn has_content(outputs: &Value) -> bool {
    match outputs {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => items.iter().any(has_content),
        Value::Object(fields) => fields.values().any(has_content),
        Value::Bool(_) | Value::Number(_) => true,
    }
}
