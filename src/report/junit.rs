//! `--junit FILE`: the batch as a JUnit report, for CI systems.
//!
//! The elements and their order are those of Apache Ant's `junit` task, the strictest schema in use. Jenkins, GitLab
//! and the report readers for GitHub accept it.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::files;
use crate::job::Backend;

use super::error::ReportError;
use super::model::BatchView;
use super::row_buffer::RowBuffer;
use super::test_case::{Ending, Finding, TestCase, TestTotals};

/// The file, while it is written.
type Xml<'a> = Writer<BufWriter<&'a mut File>>;

/// A test suite without its cases. All texts are attributes.
struct Suite<'a> {
    title: &'a str,
    started: Timestamp,
    totals: TestTotals,
    properties: &'a [(&'a str, &'a str)],
}

/// Atomically writes the test cases in `row_buffer` to `path`.
pub(crate) fn write(
    path: &Path,
    batch: &BatchView,
    totals: TestTotals,
    row_buffer: &mut RowBuffer,
) -> Result<(), ReportError> {
    let (title, manifest) = (attribute(batch.heading()), attribute(&batch.manifest));
    let (spent, reserved) = (batch.costs.spent.0.to_string(), batch.costs.reserved.0.to_string());
    let properties = [
        ("manifest", manifest.as_str()),
        ("backend", batch.backend.map_or("", Backend::as_str)),
        ("state", batch.state_name()),
        ("spent_cents", &spent),
        ("reserved_cents", &reserved),
    ];
    let started = batch.started_at.unwrap_or_default();
    put(path, &Suite { title: &title, started, totals, properties: &properties }, |xml| {
        row_buffer.rows()?.try_for_each(|row| row?.case.map_or(Ok(()), |case| test_case(xml, &title, &case)))
    })
}

/// Atomically writes a report with a single error to `path`: a run of `manifest` could not start or continue. `text`
/// has the details of `message`.
///
/// # Errors
///
/// The file cannot be written.
pub(crate) fn write_junit_error(path: &Path, manifest: &str, message: &str, text: &str) -> Result<(), ReportError> {
    let title = attribute(&Path::new(manifest).file_stem().unwrap_or_default().to_string_lossy());
    let manifest = attribute(manifest);
    let totals = TestTotals { tests: 1, errors: 1, ..TestTotals::default() };
    let properties = [("manifest", manifest.as_str()), ("state", "broken")];
    let finding = Finding { kind: "broken".to_owned(), message: message.to_owned(), text: text.to_owned() };
    let case = TestCase { name: "run".to_owned(), seconds: 0.0, ending: Ending::Error(finding) };
    let suite = Suite { title: &title, started: Timestamp::now(), totals, properties: &properties };
    put(path, &suite, |xml| test_case(xml, &title, &case))
}

fn put(path: &Path, suite: &Suite, cases: impl FnOnce(&mut Xml) -> io::Result<()>) -> Result<(), ReportError> {
    let write = |file: &mut File| suites(BufWriter::new(file), suite, cases);
    files::replace_with(path, write).map_err(|cause| ReportError::io("write", path, cause))
}

fn suites(file: BufWriter<&mut File>, suite: &Suite, cases: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<()> {
    let Suite { title, started, totals, properties: named } = suite;
    let mut xml = Writer::new_with_indent(file, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("testsuites").write_inner_content(|xml| {
        let suite = xml.create_element("testsuite").with_attributes([
            ("name", *title),
            ("package", "dyehouse"),
            ("id", "0"),
            ("timestamp", &started.strftime("%FT%T").to_string()),
            // The schema's value for an unknown host.
            ("hostname", "localhost"),
            ("tests", &totals.tests.to_string()),
            ("failures", &totals.failures.to_string()),
            ("errors", &totals.errors.to_string()),
            ("skipped", &totals.skipped.to_string()),
            ("time", &format!("{:.3}", totals.seconds)),
        ]);
        suite.write_inner_content(|xml| {
            properties(xml, named)?;
            cases(xml)?;
            xml.create_element("system-out").write_empty()?;
            xml.create_element("system-err").write_empty()?;
            Ok(())
        })?;
        Ok(())
    })?;
    let mut file = xml.into_inner();
    file.write_all(b"\n")?;
    file.flush()
}

fn properties(xml: &mut Xml, properties: &[(&str, &str)]) -> io::Result<()> {
    xml.create_element("properties").write_inner_content(|xml| {
        for (name, value) in properties {
            xml.create_element("property").with_attributes([("name", *name), ("value", *value)]).write_empty()?;
        }
        Ok(())
    })?;
    Ok(())
}

fn test_case<W: Write>(xml: &mut Writer<W>, suite: &str, case: &TestCase) -> io::Result<()> {
    let (name, seconds) = (attribute(&case.name), format!("{:.3}", case.seconds));
    let element = xml.create_element("testcase").with_attributes([
        ("name", name.as_str()),
        ("classname", suite),
        ("time", &seconds),
    ]);
    let (word, finding) = match &case.ending {
        Ending::Passed => return element.write_empty().map(drop),
        Ending::Skipped => {
            let skipped = |xml: &mut Writer<W>| xml.create_element("skipped").write_empty().map(drop);
            return element.write_inner_content(skipped).map(drop);
        }
        Ending::Failure(finding) => ("failure", finding),
        Ending::Error(finding) => ("error", finding),
    };
    element.write_inner_content(|xml| {
        let message = attribute(&finding.message);
        let found = xml.create_element(word).with_attributes([("type", finding.kind.as_str()), ("message", &message)]);
        found.write_text_content(BytesText::new(&characters(&finding.text)))?;
        Ok(())
    })?;
    Ok(())
}

/// Returns a text for an attribute, on one line.
fn attribute(text: &str) -> String {
    characters(text).replace(['\n', '\r', '\t'], " ")
}

/// Replaces characters that XML does not allow, not even escaped (XML 1.0, section 2.2).
fn characters(text: &str) -> String {
    let is_held = |character: char| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    text.chars().map(|character| if is_held(character) { character } else { '\u{FFFD}' }).collect()
}
