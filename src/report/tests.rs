use std::fs;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use super::*;
use crate::color::Verdict;
use crate::job::{Cents, ErrorClass, Hex, JobId, JobStatus};
use crate::journal::{Costs, RunState};

const HOSTILE: &str = "<script>\"'&]]>\u{0}\u{1B}\u{FFFF}\n\u{202E}👩🏽‍🎨";

fn job(id: &str, status: JobStatus) -> JobView {
    JobView { status, cost: Cents(7), attempts: 1, ..JobView::new(JobId::new(id).unwrap(), HOSTILE) }
}

/// Returns a job of each kind, with hostile text wherever text is possible.
fn jobs() -> Vec<JobView> {
    let check = |verdict| ColorCheck {
        asked: Hex([0x1E, 0x90, 0xFF]),
        measured: Some(Hex([0x82, 0x3A, 0x22])),
        delta_e: Some(16.04),
        plain: None,
        background: None,
        original: None,
        verdict,
        reason: None,
    };
    let error = Some(HOSTILE.to_owned());
    vec![
        JobView { check: Some(check(Verdict::On)), ..job("good", JobStatus::Completed) },
        JobView { check: Some(check(Verdict::Off)), ..job("off", JobStatus::Completed) },
        JobView { error_class: Some(ErrorClass::Moderated), error: error.clone(), ..job("bad", JobStatus::Failed) },
        JobView {
            error,
            reserved: Cents(7),
            release: Some("dyehouse release runs/n1 doubtful".to_owned()),
            ..job("doubtful", JobStatus::Uncertain)
        },
        job("to come", JobStatus::Pending),
    ]
}

fn report(batch: &BatchView) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let options = ReportOptions { junit: Some(folder.path().join("junit.xml")) };
    write(folder.path(), batch, jobs().into_iter().map(Ok::<_, ReportError>), &options).unwrap();
    folder
}

fn batch() -> BatchView {
    let mut batch = BatchView { title: HOSTILE.to_owned(), manifest: HOSTILE.to_owned(), ..BatchView::default() };
    jobs().iter().for_each(|job| batch.counts.add(job.status));
    batch
}

/// An element of an XML file: its path, its attributes, and the text after it.
type Element = (String, Vec<(String, String)>, String);

fn elements(xml: &str) -> Vec<Element> {
    let mut reader = Reader::from_str(xml);
    let (mut path, mut found) = (Vec::new(), Vec::<Element>::new());
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Start(element) | Event::Empty(element) => {
                path.push(element.name().as_ref().to_owned());
                let attributes = element.attributes().map(|attribute| {
                    let attribute = attribute.unwrap();
                    let value = quick_xml::escape::unescape(&attribute.value).unwrap().into_owned();
                    (attribute.key.as_ref().to_owned(), value)
                });
                found.push((path.join("/"), attributes.collect(), String::new()));
                if matches!(event, Event::Empty(_)) {
                    path.pop();
                }
            }
            Event::End(_) => drop(path.pop()),
            Event::Text(text) => {
                if let Some((_, _, all)) = found.last_mut() {
                    all.push_str(text);
                }
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> &'a str {
    &attributes.iter().find(|(known, _)| known == name).unwrap().1
}

#[test]
fn a_junit_file_has_the_elements_and_attributes_of_the_common_schema_in_their_order() {
    let folder = report(&batch());
    let xml = fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    let elements = elements(&xml);
    let paths: Vec<&str> = elements.iter().map(|(path, ..)| path.as_str()).collect();
    let case = "testsuites/testsuite/testcase";
    let failure = &format!("{case}/failure");
    let (error, skipped) = (&format!("{case}/error"), &format!("{case}/skipped"));
    assert_eq!(paths[..3], ["testsuites", "testsuites/testsuite", "testsuites/testsuite/properties"]);
    let cases: Vec<&str> = paths.iter().copied().filter(|path| path.starts_with(case)).collect();
    assert_eq!(cases, [case, case, failure, case, failure, case, error, case, skipped]);
    assert_eq!(paths[paths.len() - 2..], ["testsuites/testsuite/system-out", "testsuites/testsuite/system-err"]);
    for (path, attributes, _) in &elements {
        let names: Vec<&str> = attributes.iter().map(|(name, _)| name.as_str()).collect();
        let wanted: &[&str] = match path.rsplit('/').next().unwrap() {
            "testsuite" => {
                &["name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time"]
            }
            "testcase" => &["name", "classname", "time"],
            "failure" | "error" => &["type", "message"],
            "property" => &["name", "value"],
            _ => &[],
        };
        assert_eq!(names, wanted, "{path}");
    }
    let suite = &elements[1].1;
    let counts = ["tests", "failures", "errors", "skipped"].map(|name| attribute(suite, name));
    assert_eq!(counts, ["5", "2", "1", "1"]);
    let timestamp = attribute(suite, "timestamp");
    assert!(jiff::civil::DateTime::strptime("%FT%T", timestamp).is_ok(), "{timestamp}");
}

#[test]
fn a_failure_in_a_junit_file_has_a_message_and_a_hint() {
    let folder = report(&batch());
    let elements = elements(&fs::read_to_string(folder.path().join("junit.xml")).unwrap());
    let found: Vec<(&str, &str)> = elements
        .iter()
        .filter(|(path, ..)| path.ends_with("failure") || path.ends_with("error"))
        .map(|(_, attributes, _)| (attribute(attributes, "type"), attribute(attributes, "message")))
        .collect();
    let hostile = "<script>\"'&]]>\u{FFFD}\u{FFFD}\u{FFFD} \u{202E}👩🏽‍🎨";
    assert_eq!(
        found,
        [("off", "requested #1E90FF, measured #823A22, ΔE00 16.0"), ("moderated", hostile), ("uncertain", hostile)]
    );
    let (_, _, text) =
        elements.iter().find(|(_, attributes, _)| attributes.iter().any(|(_, value)| value == "moderated")).unwrap();
    assert!(text.starts_with(ErrorClass::Moderated.hint()), "{text}");
}

#[test]
fn the_summary_conforms_to_its_schema_which_describes_every_field() {
    let schema = summary_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let at = jiff::Timestamp::from_second(1_795_000_000).unwrap();
    let stopped = BatchView {
        state: RunState::Stopped("the budget is used up".to_owned()),
        started_at: Some(at),
        finished_at: Some(at),
        costs: Costs { budget: Some(Cents(100)), ..Costs::default() },
        notes: vec!["a note".to_owned()],
        ..batch()
    };
    for batch in [batch(), stopped] {
        let folder = report(&batch);
        let summary: Value =
            serde_json::from_slice(&fs::read(folder.path().join("report/summary.json")).unwrap()).unwrap();
        let errors: Vec<String> = validator.iter_errors(&summary).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0]);
        assert_is_described(&summary, &schema, "summary");
        let mut other = summary.clone();
        other["jobs"]["completed"] = "many".into();
        assert!(!validator.is_valid(&other));
    }
}

/// Checks that `schema` describes every field of `value`.
fn assert_is_described(value: &Value, schema: &Value, place: &str) {
    for (name, field) in value.as_object().into_iter().flatten() {
        let described = &schema["properties"][name];
        assert!(described["description"].is_string() || name == "version", "{place}.{name} is not described");
        assert_is_described(field, described, &format!("{place}.{name}"));
    }
}
