use std::fmt::Write;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::notice::RunNotice;

/// Returns the metrics of a run in Prometheus's text format, for the textfile collector of node_exporter.
///
/// Names end in their unit, and totals over the life of the folder in `_total`. Every metric is labeled with the
/// manifest and the share, so that one directory can have the files of several runs.
pub fn render_metrics(notice: &RunNotice, at: Timestamp) -> String {
    let share = notice.share.map_or_else(String::new, |share| format!(",share=\"{share}\""));
    let label = format!("manifest=\"{}\"{share}", escaped(&notice.manifest));
    let mut text = Text { label, text: String::new() };
    let number = |path: &[&str]| notice.number(path);
    let by_word = |group: &str, words: [&'static str; 4]| words.map(|word| (word, number(&[group, word])));
    let dollars = |cents: Option<f64>| cents.map(|cents| cents / 100.0);
    let charged = |name: &str| dollars(notice.charged(name));

    text.single(
        gauge("last_run_timestamp_seconds", "When the last run ended, in seconds since 1970."),
        Some(seconds(at)),
    );
    let exit_code = Some(f64::from(notice.exit.code()));
    text.single(gauge("last_run_exit_code", "The exit code of the last run: 0 is complete."), exit_code);
    text.single(gauge("last_run_duration_seconds", "How long the last run took."), number(&["seconds"]));
    let jobs = by_word("jobs", ["completed", "failed", "uncertain", "pending"]);
    text.labelled(gauge("jobs", "The jobs of the manifest by status."), "status", &jobs);
    let colors = by_word("colors", ["on", "near", "off", "unmeasurable"]);
    text.labelled(gauge("checked_jobs", "The completed jobs by the verdict on their color."), "color", &colors);
    text.single(gauge("removed_jobs", "Jobs with results that are no longer in the manifest."), number(&["removed"]));
    text.single(counter("spent_dollars_total", "What was charged over the folder's whole life."), charged("spent"));
    text.single(gauge("last_run_spent_dollars", "What was charged in the last run."), charged("spent_now"));
    let reserved = gauge("reserved_dollars", "What uncertain submits may have cost in addition.");
    text.single(reserved, charged("reserved"));
    let budget = dollars(number(&["cost_cents", "budget"]));
    text.single(gauge("budget_dollars", "The budget of the folder."), budget);
    text.single(counter("submits_total", "Submits over the folder's whole life."), number(&["submits"]));
    text.single(gauge("results_bytes", "The size of all results."), number(&["pictures", "bytes"]));
    text.text
}

/// Atomically writes the metrics to `path`, so that a scrape never reads an incomplete file.
///
/// # Errors
///
/// The file cannot be written.
pub fn write_metrics(path: &Path, notice: &RunNotice, at: Timestamp) -> io::Result<()> {
    crate::files::replace(path, render_metrics(notice, at).as_bytes())
}

/// The name and the description of a metric.
#[derive(Clone, Copy)]
struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
}

fn gauge(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: "gauge", help }
}

fn counter(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: "counter", help }
}

struct Text {
    label: String,
    text: String,
}

impl Text {
    /// Adds a metric with one value. An unknown value is left out, because 0 would be wrong.
    fn single(&mut self, metric: Metric, value: Option<f64>) {
        let Some(value) = value else { return };
        self.head(metric);
        let (name, label) = (metric.name, &self.label);
        // Writing to a `String` cannot fail.
        let _ = writeln!(self.text, "dyehouse_{name}{{{label}}} {value}");
    }

    /// Adds a metric with one value per value of the label `key`.
    fn labelled(&mut self, metric: Metric, key: &str, values: &[(&str, Option<f64>)]) {
        if values.iter().all(|(_, value)| value.is_none()) {
            return;
        }
        self.head(metric);
        for (word, value) in values {
            let (name, label, value) = (metric.name, &self.label, value.unwrap_or_default());
            let _ = writeln!(self.text, "dyehouse_{name}{{{label},{key}=\"{word}\"}} {value}");
        }
    }

    fn head(&mut self, Metric { name, kind, help }: Metric) {
        let _ = writeln!(self.text, "# HELP dyehouse_{name} {help}\n# TYPE dyehouse_{name} {kind}");
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_second() as f64
}

/// Escapes a text for a label value.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exit::Exit;
    use crate::notify::Summaries;

    fn summaries(run: serde_json::Value, batch: serde_json::Value) -> Summaries {
        Summaries { text: String::new(), run, batch }
    }

    #[test]
    fn a_run_is_written_as_prometheus_metrics() {
        let summary = json!({
            "seconds": 151.5, "removed": 1, "submits": 61, "jobs": {"total": 48, "completed": 47, "failed": 1, "uncertain": 0, "pending": 0},
            "colors": {"on": 45, "near": 1, "off": 1, "unmeasurable": 0},
            "cost_cents": {"charged": true, "spent": 336, "spent_now": 14, "reserved": 0, "budget": 2500},
        });
        let batch = json!({"attempts": 49, "pictures": {"files": 47, "bytes": 123_456}});
        let manifest = "a \"good\" one.yaml".to_owned();
        let mut notice = RunNotice::ended(Exit::Incomplete, manifest, "runs/x".into(), summaries(summary, batch));
        notice.share = Some("2/8".parse().unwrap());
        insta::assert_snapshot!(render_metrics(&notice, Timestamp::from_second(1_700_000_000).unwrap()), @r#"
        # HELP dyehouse_last_run_timestamp_seconds When the last run ended, in seconds since 1970.
        # TYPE dyehouse_last_run_timestamp_seconds gauge
        dyehouse_last_run_timestamp_seconds{manifest="a \"good\" one.yaml",share="2/8"} 1700000000
        # HELP dyehouse_last_run_exit_code The exit code of the last run: 0 is complete.
        # TYPE dyehouse_last_run_exit_code gauge
        dyehouse_last_run_exit_code{manifest="a \"good\" one.yaml",share="2/8"} 3
        # HELP dyehouse_last_run_duration_seconds How long the last run took.
        # TYPE dyehouse_last_run_duration_seconds gauge
        dyehouse_last_run_duration_seconds{manifest="a \"good\" one.yaml",share="2/8"} 151.5
        # HELP dyehouse_jobs The jobs of the manifest by status.
        # TYPE dyehouse_jobs gauge
        dyehouse_jobs{manifest="a \"good\" one.yaml",share="2/8",status="completed"} 47
        dyehouse_jobs{manifest="a \"good\" one.yaml",share="2/8",status="failed"} 1
        dyehouse_jobs{manifest="a \"good\" one.yaml",share="2/8",status="uncertain"} 0
        dyehouse_jobs{manifest="a \"good\" one.yaml",share="2/8",status="pending"} 0
        # HELP dyehouse_checked_jobs The completed jobs by the verdict on their color.
        # TYPE dyehouse_checked_jobs gauge
        dyehouse_checked_jobs{manifest="a \"good\" one.yaml",share="2/8",color="on"} 45
        dyehouse_checked_jobs{manifest="a \"good\" one.yaml",share="2/8",color="near"} 1
        dyehouse_checked_jobs{manifest="a \"good\" one.yaml",share="2/8",color="off"} 1
        dyehouse_checked_jobs{manifest="a \"good\" one.yaml",share="2/8",color="unmeasurable"} 0
        # HELP dyehouse_removed_jobs Jobs with results that are no longer in the manifest.
        # TYPE dyehouse_removed_jobs gauge
        dyehouse_removed_jobs{manifest="a \"good\" one.yaml",share="2/8"} 1
        # HELP dyehouse_spent_dollars_total What was charged over the folder's whole life.
        # TYPE dyehouse_spent_dollars_total counter
        dyehouse_spent_dollars_total{manifest="a \"good\" one.yaml",share="2/8"} 3.36
        # HELP dyehouse_last_run_spent_dollars What was charged in the last run.
        # TYPE dyehouse_last_run_spent_dollars gauge
        dyehouse_last_run_spent_dollars{manifest="a \"good\" one.yaml",share="2/8"} 0.14
        # HELP dyehouse_reserved_dollars What uncertain submits may have cost in addition.
        # TYPE dyehouse_reserved_dollars gauge
        dyehouse_reserved_dollars{manifest="a \"good\" one.yaml",share="2/8"} 0
        # HELP dyehouse_budget_dollars The budget of the folder.
        # TYPE dyehouse_budget_dollars gauge
        dyehouse_budget_dollars{manifest="a \"good\" one.yaml",share="2/8"} 25
        # HELP dyehouse_submits_total Submits over the folder's whole life.
        # TYPE dyehouse_submits_total counter
        dyehouse_submits_total{manifest="a \"good\" one.yaml",share="2/8"} 61
        # HELP dyehouse_results_bytes The size of all results.
        # TYPE dyehouse_results_bytes gauge
        dyehouse_results_bytes{manifest="a \"good\" one.yaml",share="2/8"} 123456
        "#);
    }

    #[test]
    fn edits_of_the_embedded_backend_are_not_charged() {
        let summary = json!({"backend": "embedded", "cost_cents": {"charged": false, "spent": 84, "spent_now": 84, "reserved": 0, "budget": 500}});
        let manifest = "m.csv".to_owned();
        let notice = RunNotice::ended(Exit::Complete, manifest, "x".into(), summaries(summary, json!({})));
        let text = render_metrics(&notice, Timestamp::UNIX_EPOCH);
        assert!(text.contains("dyehouse_spent_dollars_total{manifest=\"m.csv\"} 0\n"), "{text}");
        assert!(text.contains("dyehouse_budget_dollars{manifest=\"m.csv\"} 5\n"), "{text}");
    }

    #[test]
    fn a_run_that_could_not_start_has_an_exit_code_and_no_other_numbers() {
        let notice = RunNotice::broken(Exit::CannotGoOn, "m.csv".into(), "no key".into(), None);
        let text = render_metrics(&notice, Timestamp::UNIX_EPOCH);
        assert!(text.contains("dyehouse_last_run_exit_code{manifest=\"m.csv\"} 1\n"), "{text}");
        assert!(!text.contains("dyehouse_jobs") && !text.contains("dollars"), "{text}");
    }
}
