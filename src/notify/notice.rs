use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::exit::Exit;
use crate::job::Partition;

/// The end of a run, for the receivers of notifications: the summary that is sent, and the fields that the
/// notifications need.
#[derive(Clone, Debug)]
pub struct RunNotice {
    /// The exit code of the program.
    pub exit: Exit,
    /// Whether the run stopped at a limit that the user set, so that no action is needed.
    pub is_planned_stop: bool,
    /// The path of the manifest, as the user wrote it.
    pub manifest: String,
    /// The share of the manifest, if the run is limited to one.
    pub share: Option<Partition>,
    /// The folder of the run, if known.
    pub folder: Option<PathBuf>,
    /// The summary as text.
    pub text: String,
    /// The summary as a JSON object.
    pub summary: Value,
}

/// The summaries of a run.
#[derive(Clone, Debug)]
pub struct Summaries {
    /// The text for people.
    pub text: String,
    /// The output of `--json`.
    pub run: Value,
    /// The content of `summary.json`.
    pub batch: Value,
}

impl RunNotice {
    /// Returns the notice of a run that ended, successfully or not. The fields of the batch are added to those of the
    /// run, which take precedence.
    pub fn ended(exit: Exit, manifest: String, folder: PathBuf, summaries: Summaries) -> RunNotice {
        let mut summary = object(summaries.run);
        for (key, value) in object(summaries.batch) {
            summary.entry(key).or_insert(value);
        }
        RunNotice { exit, folder: Some(folder), ..RunNotice::new(exit, manifest, summaries.text, summary) }
    }

    /// Returns the notice of a run that failed. `error` and `hint` are also printed to stderr.
    pub fn broken(exit: Exit, manifest: String, error: String, hint: Option<&str>) -> RunNotice {
        let summary = json!({"version": 1, "exit_code": exit.code(), "state": "broken", "error": error, "hint": hint});
        RunNotice::new(exit, manifest, error, object(summary))
    }

    fn new(exit: Exit, manifest: String, text: String, mut summary: Map<String, Value>) -> RunNotice {
        summary.entry("manifest").or_insert_with(|| manifest.clone().into());
        // Chat services show this field of a webhook, and most other receivers ignore it.
        summary.insert("text".to_owned(), format!("{manifest}: {}", text.trim_end()).into());
        RunNotice { exit, is_planned_stop: false, manifest, share: None, folder: None, text, summary: summary.into() }
    }

    /// Returns the charged part of the sum `name` in cents, which is 0 if the run's backend does not charge.
    pub(super) fn charged(&self, name: &str) -> Option<f64> {
        let cents = self.number(&["cost_cents", name])?;
        Some(if self.summary["cost_cents"]["charged"] == true { cents } else { 0.0 })
    }

    /// Returns the number at `path` in the summary, such as `["jobs", "total"]`.
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
