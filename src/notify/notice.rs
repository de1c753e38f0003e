use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::color::VerdictCounts;
use crate::exit::Exit;
use crate::job::{Cents, Partition, StatusCounts, StopKind};
use crate::journal::Costs;

/// The end of a run, for the receivers of notifications: the summary that is sent, and the figures that the
/// notifications need.
#[derive(Clone, Debug)]
pub(crate) struct RunNotice {
    /// The exit code of the program.
    pub exit: Exit,
    /// Why the run stopped before its work was done, if it did.
    pub stop: Option<StopKind>,
    /// Whether a job failed, is uncertain or held back, or has another color.
    pub needs_attention: bool,
    /// The path of the manifest, as the user wrote it.
    pub manifest: String,
    /// The share of the manifest, if the run is limited to one.
    pub share: Option<Partition>,
    /// The folder of the run, if known.
    pub folder: Option<PathBuf>,
    /// The figures; `None` if the run could not start or continue.
    pub figures: Option<Figures>,
    /// The summary as text.
    pub text: String,
    /// The summary as a JSON object.
    pub summary: Value,
}

/// The figures of a run for metrics and variables.
///
/// Those about jobs are about the whole manifest, also after a run of only some of its jobs, so that they can be
/// compared from night to night.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// The duration of the run.
    pub elapsed: Duration,
    /// The jobs of the manifest, by status.
    pub jobs: StatusCounts,
    /// The results, by the verdict on their color.
    pub colors: VerdictCounts,
    /// The number of predictions that are open at the provider.
    pub open: u64,
    /// The number of jobs with results that are no longer in the manifest.
    pub removed: u64,
    /// What was charged over the folder's whole life, and its budget. Sums that were not charged are zero.
    pub costs: Costs,
    /// The amount that was charged in this run.
    pub spent_now: Cents,
    /// The number of submits over the folder's whole life.
    pub submits: u64,
    /// The size of all results, if known.
    pub result_bytes: Option<u64>,
}

/// The summaries of a run.
#[derive(Clone, Debug)]
pub(crate) struct Summaries {
    /// The text for people.
    pub text: String,
    /// The output of `--json`, which is about the selected jobs.
    pub run: Value,
    /// The content of `summary.json`, which is about the whole manifest.
    pub batch: Value,
}

/// What prevented a run from starting or continuing.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Breakdown {
    /// What failed, in one line.
    pub error: String,
    /// What the user can do about it.
    pub hint: Option<String>,
    /// The errors, as in the output of `check --json`.
    pub errors: Vec<Value>,
}

impl RunNotice {
    /// Returns the notice of a run that ended, successfully or not.
    pub(crate) fn ended(
        exit: Exit,
        manifest: String,
        folder: PathBuf,
        summaries: Summaries,
        figures: Figures,
    ) -> RunNotice {
        let Summaries { text, run, batch } = summaries;
        let mut summary = object(run);
        summary.insert("state".to_owned(), batch.get("state").cloned().unwrap_or_default());
        summary.insert("batch".to_owned(), batch);
        let notice = RunNotice::new(exit, manifest, text, summary);
        RunNotice { folder: Some(folder), figures: Some(figures), ..notice }
    }

    /// Returns the notice of a run that failed. `text` is also printed to stderr.
    pub(crate) fn broken(exit: Exit, manifest: String, text: String, breakdown: &Breakdown) -> RunNotice {
        let mut summary = object(json!(breakdown));
        summary.extend(object(json!({"version": 1, "exit_code": exit.code(), "state": "broken"})));
        RunNotice::new(exit, manifest, text, summary)
    }

    fn new(exit: Exit, manifest: String, text: String, mut summary: Map<String, Value>) -> RunNotice {
        summary.insert("manifest".to_owned(), manifest.clone().into());
        // Chat services show this field of a webhook, and most other receivers ignore it.
        summary.insert("text".to_owned(), format!("{manifest}: {}", text.trim_end()).into());
        let summary = summary.into();
        RunNotice {
            exit,
            stop: None,
            needs_attention: false,
            manifest,
            share: None,
            folder: None,
            figures: None,
            text,
            summary,
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_fields_of_a_run_of_some_jobs_are_not_mixed_with_those_of_the_whole_batch() {
        let run = json!({"exit_code": 0, "jobs": {"total": 1}});
        let batch = json!({"state": "finished", "jobs": {"total": 48}, "pictures": {"files": 48}, "title": "m"});
        let summaries = Summaries { text: "1 job completed".to_owned(), run, batch };
        let notice = RunNotice::ended(Exit::Complete, "m.csv".into(), "runs/m".into(), summaries, Figures::default());
        let keys: BTreeSet<&str> = notice.summary.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(Vec::from_iter(keys), ["batch", "exit_code", "jobs", "manifest", "state", "text"]);
        assert_eq!(
            (&notice.summary["jobs"]["total"], &notice.summary["batch"]["jobs"]["total"]),
            (&json!(1), &json!(48))
        );
    }
}
