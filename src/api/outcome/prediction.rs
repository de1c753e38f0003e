use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::api::body::LONG_TEXT;
use crate::api::wire::{self, status};
use crate::api::{LongText, Output};
use crate::job::ErrorClass;

use super::{Finished, PollOutcome, cut, failed_poll, refusal_class};

/// The maximum count of outputs that are fetched. The documentation shows one per edit; an answer with thousands must not
/// fill the disk.
pub(super) const MAX_OUTPUTS: usize = 16;

/// The fields of an output that is an object, in which its URL or base64 may be.
const OUTPUT_FIELDS: [&str; 7] = ["url", "image", "image_url", "uri", "b64_json", "base64", "data"];

/// Returns what the description of a prediction means, with the long texts that are not in it.
pub(super) fn of_prediction(body: &Value, long_texts: &[LongText]) -> PollOutcome {
    let Some(word) = body["status"].as_str() else {
        return failed_poll("an answer without a status".to_owned());
    };
    match word.to_ascii_lowercase().as_str() {
        status::COMPLETED => {
            let mut found = outputs(&body["outputs"], long_texts);
            if found.is_empty() {
                return PollOutcome::Finished(match has_content(&body["outputs"]) {
                    true => Finished::UnknownOutputs { excerpt: cut(&body["outputs"].to_string()) },
                    false => Finished::NoOutputs,
                });
            }
            let surplus = found.len().saturating_sub(MAX_OUTPUTS);
            found.truncate(MAX_OUTPUTS);
            PollOutcome::Finished(Finished::Completed { outputs: found, surplus, took: took(body) })
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
fn outputs(value: &Value, long_texts: &[LongText]) -> Vec<Output> {
    match value {
        Value::String(text) if !text.trim().is_empty() => vec![Output::Short(text.clone())],
        Value::Array(items) => items.iter().flat_map(|item| outputs(item, long_texts)).collect(),
        Value::Object(fields) => match fields.get(LONG_TEXT).and_then(Value::as_u64) {
            Some(number) => {
                let text = usize::try_from(number).ok().and_then(|number| long_texts.get(number));
                text.cloned().map(Output::Long).into_iter().collect()
            }
            None => {
                let named = OUTPUT_FIELDS.iter().filter_map(|name| fields.get(*name));
                named.map(|value| outputs(value, long_texts)).find(|found| !found.is_empty()).unwrap_or_default()
            }
        },
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
