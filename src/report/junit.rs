//! `--junit FILE`: the batch as a JUnit report, for CI systems.
//!
//! The elements and their order are those of Apache Ant's `junit` task, the strictest schema in use. Jenkins, GitLab
//! and the report readers for GitHub accept it.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::files;
use crate::job::Backend;

use super::error::ReportError;
use super::model::BatchView;
use super::row_buffer::RowBuffer;
use super::test_case::{Ending, TestCase, TestTotals};

/// Atomically writes the test cases in `spool` to `path`.
pub(crate) fn write(
    path: &Path,
    batch: &BatchView,
    totals: TestTotals,
    row_buffer: &mut RowBuffer,
) -> Result<(), ReportError> {
    let failed = |source| ReportError::io("write", path, source);
    let file = files::temporary_in(files::folder_of(path), ".junit-").map_err(failed)?;
    let mut file = BufWriter::new(file);
    suites(&mut file, batch, totals, row_buffer).map_err(failed)?;
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn suites(file: impl Write, batch: &BatchView, totals: TestTotals, row_buffer: &mut RowBuffer) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(file, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let title = attribute(batch.heading());
    let started = batch.started_at.unwrap_or_default().strftime("%FT%T").to_string();
    xml.create_element("testsuites").write_inner_content(|xml| {
        let suite = xml.create_element("testsuite").with_attributes([
            ("name", title.as_str()),
            ("package", "dyehouse"),
            ("id", "0"),
            ("timestamp", &started),
            // The schema's value for an unknown host.
            ("hostname", "localhost"),
            ("tests", &totals.tests.to_string()),
            ("failures", &totals.failures.to_string()),
            ("errors", &totals.errors.to_string()),
            ("skipped", &totals.skipped.to_string()),
            ("time", &format!("{:.3}", totals.seconds)),
        ]);
        suite.write_inner_content(|xml| {
            properties(xml, batch)?;
            row_buffer.replay(|row| row.case.as_ref().map_or(Ok(()), |case| test_case(xml, &title, case)))?;
            xml.create_element("system-out").write_empty()?;
            xml.create_element("system-err").write_empty()?;
            Ok(())
        })?;
        Ok(())
    })?;
    xml.into_inner().write_all(b"\n")
}

fn properties(xml: &mut Writer<impl Write>, batch: &BatchView) -> io::Result<()> {
    let (spent, reserved) = (batch.spent.0.to_string(), batch.reserved.0.to_string());
    let manifest = attribute(&batch.manifest);
    xml.create_element("properties").write_inner_content(|xml| {
        for (name, value) in [
            ("manifest", manifest.as_str()),
            ("backend", batch.backend.map_or("", Backend::as_str)),
            ("state", batch.state.as_str()),
            ("spent_cents", &spent),
            ("reserved_cents", &reserved),
        ] {
            xml.create_element("property").with_attributes([("name", name), ("value", value)]).write_empty()?;
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
