use std::fmt::Write;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::notice::RunNotice;
use crate::job::{Cents, JobStatus};

/// Returns the metrics of a run in Prometheus's text format, for the textfile collector of node_exporter.
///
/// Names end in their unit, and totals over the life of the folder in `_total`. Every metric is labeled with the
/// manifest and the share, so that one directory can have the files of several runs.
pub(crate) fn render_metrics(notice: &RunNotice, at: Timestamp) -> String {
    let mut text = Text { label: label(notice), text: String::new() };

    text.single(gauge("last_run_timestamp_seconds", "When the last run ended, in seconds since 1970."), seconds(at));
    let exit_code = f64::from(notice.exit.code());
    text.single(gauge("last_run_exit_code", "The exit code of the last run: 0 is complete."), exit_code);
    let Some(figures) = &notice.figures else { return text.text };
    let elapsed = figures.elapsed.as_secs_f64();
    text.single(gauge("last_run_duration_seconds", "How long the last run took."), elapsed);
    let statuses = [JobStatus::Completed, JobStatus::Failed, JobStatus::Uncertain, JobStatus::Pending];
    let jobs = statuses.map(|status| (status.as_str(), figures.jobs.of(status)));
    text.labelled(gauge("jobs", "The jobs of the manifest by status."), "status", &jobs);
    let colors = gauge("checked_jobs", "The completed jobs by the verdict on their color.");
    text.labelled(colors, "color", &figures.colors.by_word());
    let open = gauge("open_predictions", "Predictions at the provider that are paid for and not saved yet.");
    text.single(open, figures.open as f64);
    let removed = gauge("removed_jobs", "Jobs with results that are no longer in the manifest.");
    text.single(removed, figures.removed as f64);
    let spent = counter("spent_dollars_total", "What was charged over the folder's whole life.");
    text.single(spent, dollars(figures.costs.spent));
    text.single(gauge("last_run_spent_dollars", "What was charged in the last run."), dollars(figures.spent_now));
    let reserved = gauge("reserved_dollars", "What uncertain submits may have cost in addition.");
    text.single(reserved, dollars(figures.costs.reserved));
    if let Some(budget) = figures.costs.budget {
        text.single(gauge("budget_dollars", "The budget of the folder."), dollars(budget));
    }
    text.single(counter("submits_total", "Submits over the folder's whole life."), figures.submits as f64);
    if let Some(bytes) = figures.result_bytes {
        text.single(gauge("results_bytes", "The size of all results."), bytes as f64);
    }
    text.text
}

/// Atomically writes the metrics to `path`, so that a scrape never reads an incomplete file. A run that could not start
/// keeps what is known of the jobs and the money, because counters must not vanish.
///
/// # Errors
///
/// The file cannot be written.
pub(crate) fn write_metrics(path: &Path, notice: &RunNotice, at: Timestamp) -> io::Result<()> {
    let mut text = render_metrics(notice, at);
    if notice.figures.is_none() {
        let known = std::fs::read_to_string(path).unwrap_or_default();
        text.push_str(&lasting(&known, &label(notice)));
    }
    crate::files::replace(path, text.as_bytes())
}

/// Returns those metrics of an earlier file with the same `label` that are not about its last run.
fn lasting(known: &str, label: &str) -> String {
    let name_of = |line: &str| {
        let name = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE ")).unwrap_or(line);
        name.split([' ', '{']).next().unwrap_or_default().to_owned()
    };
    let is_of_this_run = known.lines().all(|line| line.starts_with('#') || line.contains(&format!("{{{label}")));
    let lines = known.lines().filter(|line| is_of_this_run && !name_of(line).starts_with("dyehouse_last_run_"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Returns the labels of all metrics of a run.
fn label(notice: &RunNotice) -> String {
    let share = notice.share.map_or_else(String::new, |share| format!(",share=\"{share}\""));
    format!("manifest=\"{}\"{share}", escaped(&notice.manifest))
}

fn dollars(cents: Cents) -> f64 {
    cents.0 as f64 / 100.0
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
    /// Adds a metric with one value.
    fn single(&mut self, metric: Metric, value: f64) {
        self.head(metric);
        let (name, label) = (metric.name, &self.label);
        // Writing to a `String` cannot fail.
        let _ = writeln!(self.text, "dyehouse_{name}{{{label}}} {value}");
    }

    /// Adds a metric with one value per value of the label `key`.
    fn labelled(&mut self, metric: Metric, key: &str, values: &[(&str, u64)]) {
        self.head(metric);
        for (word, value) in values {
            let (name, label) = (metric.name, &self.label);
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
    use std::time::Duration;

    use super::*;
    use crate::color::VerdictCounts;
    use crate::exit::Exit;
    use crate::job::StatusCounts;
    use crate::journal::Costs;
    use crate::notify::{Breakdown, Figures, Summaries};

    fn figures() -> Figures {
        Figures {
            elapsed: Duration::from_millis(151_500),
            jobs: StatusCounts { total: 48, completed: 47, failed: 1, uncertain: 0, pending: 0 },
            colors: VerdictCounts { on: 45, near: 1, off: 1, unmeasurable: 0 },
            open: 2,
            removed: 1,
            costs: Costs { charged: true, spent: Cents(336), reserved: Cents::ZERO, budget: Some(Cents(2500)) },
            spent_now: Cents(14),
            submits: 61,
            result_bytes: Some(123_456),
        }
    }

    fn ended(manifest: &str) -> RunNotice {
        let summaries = Summaries { text: String::new(), run: serde_json::Value::Null, batch: serde_json::Value::Null };
        RunNotice::ended(Exit::Incomplete, manifest.to_owned(), "runs/x".into(), summaries, figures())
    }

    fn broken(manifest: &str) -> RunNotice {
        RunNotice::broken(Exit::CannotGoOn, manifest.to_owned(), "no key".to_owned(), &Breakdown::default())
    }

    #[test]
    fn a_run_is_written_as_prometheus_metrics() {
        let mut notice = ended("a \"good\" one.yaml");
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
        # HELP dyehouse_open_predictions Predictions at the provider that are paid for and not saved yet.
        # TYPE dyehouse_open_predictions gauge
        dyehouse_open_predictions{manifest="a \"good\" one.yaml",share="2/8"} 2
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
    fn a_run_that_could_not_start_keeps_the_counters_of_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("night.prom");
        write_metrics(&path, &ended("m.csv"), Timestamp::UNIX_EPOCH).unwrap();
        for _ in 0..2 {
            write_metrics(&path, &broken("m.csv"), Timestamp::UNIX_EPOCH).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("dyehouse_last_run_exit_code{manifest=\"m.csv\"} 1\n"), "{text}");
        assert_eq!(text.matches("\ndyehouse_spent_dollars_total{manifest=\"m.csv\"} 3.36\n").count(), 1, "{text}");
        assert_eq!(text.matches("# TYPE dyehouse_jobs gauge\n").count(), 1, "{text}");
        assert!(!text.contains("last_run_duration") && !text.contains("last_run_spent"), "{text}");

        write_metrics(&path, &broken("other.csv"), Timestamp::UNIX_EPOCH).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("m.csv") && !text.contains("dollars"), "{text}");
    }
}
