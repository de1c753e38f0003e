use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::exit::Exit;
use crate::job::Partition;

/// How a run ended, for the receivers of notifications: the summary as it is sent, and the fields that they read from
/// it.
#[derive(Clone, Debug)]
pub struct RunNotice {
    /// The code that the program ends with.
    pub exit: Exit,
    /// Whether it stopped at a limit that the user set, so that no action is needed.
    pub is_planned_stop: bool,
    /// The manifest, as it was named.
    pub manifest: String,
    /// The share of the manifest, if only one is meant.
    pub share: Option<Partition>,
    /// The run's folder, if it is known.
    pub folder: Option<PathBuf>,
    /// The summary for people.
    pub text: String,
    /// The summary for programs: one JSON object.
    pub summary: Value,
}

/// The summaries of a run that ended.
#[derive(Clone, Debug)]
pub struct Summaries {
    /// For people.
    pub text: String,
    /// The output of `--json`.
    pub run: Value,
    /// The content of `summary.json`.
    pub batch: Value,
}

impl RunNotice {
    /// Returns the notice of a run that ended, well or not. The batch's fields are added to the run's where those have none.
    pub fn ended(exit: Exit, manifest: String, folder: PathBuf, summaries: Summaries) -> RunNotice {
        let mut summary = object(summaries.run);
        for (key, value) in object(summaries.batch) {
            summary.entry(key).or_insert(value);
        }
        RunNotice { exit, folder: Some(folder), ..RunNotice::new(exit, manifest, summaries.text, summary) }
    }

    /// Returns the notice of a run that could not continue: `error` and `hint` are printed on stderr too.
    pub fn broken(exit: Exit, manifest: String, error: String, hint: Option<&str>) -> RunNotice {
        let summary = json!({"version": 1, "exit_code": exit.code(), "state": "broken", "error": error, "hint": hint});
        RunNotice::new(exit, manifest, error, object(summary))
    }

    fn new(exit: Exit, manifest: String, text: String, mut summary: Map<String, Value>) -> RunNotice {
        summary.entry("manifest").or_insert_with(|| manifest.clone().into());
        // Chats show this field of a webhook, and most other receivers ignore it.
        summary.insert("text".to_owned(), format!("{manifest}: {}", text.trim_end()).into());
        RunNotice { exit, is_planned_stop: false, manifest, share: None, folder: None, text, summary: summary.into() }
    }

    /// Returns the charged part of the sum `name` in cents: 0 if the run's backend does not charge.
    pub(super) fn charged(&self, name: &str) -> Option<f64> {
        let cents = self.number(&["cost_cents", name])?;
        Some(if self.summary["cost_cents"]["charged"] == true { cents } else { 0.0 })
    }

    /// The number at `path` in the summary, such as `["jobs", "total"]`.
    pub(super) fn number(&self, path: &[&str]) -> Option<f64> {
        path.iter().try_fold(&self.summary, |value, key| value.get(key)).and_then(Value::as_f64)
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
