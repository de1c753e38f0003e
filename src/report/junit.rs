//! `--junit FILE`: the batch as a test report, for the CI systems that read those.
//!
//! A job is a test case. One that failed or missed its color is a failure, one whose fate nobody knows an error, one that
//! is still to do is skipped. The elements and their order are those of Apache Ant's `junit` task, the strictest of the
//! schemas in use, so that Jenkins, GitLab and GitHub's readers take it alike.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use serde::{Deserialize, Serialize};

use super::model::{BatchView, JobView};
use super::spool::Spool;
use super::{ReportError, page};
use crate::color::Verdict;
use crate::job::{ErrorClass, JobStatus};

/// A job as a test case.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Case {
    name: String,
    seconds: f64,
    ending: Ending,
}

#[derive(Debug, Serialize, Deserialize)]
enum Ending {
    Passed,
    Skipped,
    Failure(Finding),
    Error(Finding),
}

/// What was wrong with a job.
#[derive(Debug, Serialize, Deserialize)]
struct Finding {
    kind: String,
    message: String,
    /// What to do about it, and what tells the job from others.
    text: String,
}

/// What stands above the cases.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
    seconds: f64,
}

impl Case {
    pub(crate) fn of(job: &JobView) -> Case {
        let finding = |kind: &str, message: String| {
            let prediction = job.prediction_id.as_ref().map(|id| format!("prediction {id}"));
            let lines = [job.advice().map(str::to_owned), prediction, Some(job.prompt.clone())];
            let text = lines.into_iter().flatten().collect::<Vec<_>>().join("\n");
            Finding { kind: kind.to_owned(), message, text }
        };
        let said = || job.error.clone().unwrap_or_default();
        let ending = match job.status {
            JobStatus::Completed => match missed(job) {
                Some(message) => Ending::Failure(finding(Verdict::Off.as_str(), message)),
                None => Ending::Passed,
            },
            JobStatus::Pending => Ending::Skipped,
            JobStatus::Failed => Ending::Failure(finding(job.error_class.map_or("failed", ErrorClass::as_str), said())),
            JobStatus::Uncertain => Ending::Error(finding("uncertain", said())),
        };
        Case { name: job.id.to_string(), seconds: job.seconds().unwrap_or_default(), ending }
    }
}

/// How a result missed its color, if it did.
fn missed(job: &JobView) -> Option<String> {
    let check = job.check.as_ref().filter(|check| check.verdict == Verdict::Off)?;
    let found = check.measured.as_deref().unwrap_or("none");
    let difference = check.delta_e.map_or_else(String::new, |delta| format!(", ΔE00 {delta:.1}"));
    Some(format!("asked for {}, found {found}{difference}", check.asked))
}

impl Totals {
    pub(crate) fn add(&mut self, case: &Case) {
        self.tests += 1;
        self.seconds += case.seconds;
        match case.ending {
            Ending::Passed => {}
            Ending::Skipped => self.skipped += 1,
            Ending::Failure(_) => self.failures += 1,
            Ending::Error(_) => self.errors += 1,
        }
    }
}

/// Writes the cases that wait in `spool` to `path`: whole, or not at all.
pub(crate) fn write(path: &Path, batch: &BatchView, totals: Totals, spool: &mut Spool) -> Result<(), ReportError> {
    let failed = |source| ReportError::io("write", path, source);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = crate::files::temporary().prefix(".junit-").tempfile_in(folder).map_err(failed)?;
    let mut file = BufWriter::new(file);
    suites(&mut file, batch, totals, spool).map_err(failed)?;
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn suites(file: impl Write, batch: &BatchView, totals: Totals, spool: &mut Spool) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(file, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let title = attribute(page::title(batch));
    let started = batch.started_at.unwrap_or_default().strftime("%FT%T").to_string();
    xml.create_element("testsuites").write_inner_content(|xml| {
        let suite = xml.create_element("testsuite").with_attributes([
            ("name", title.as_str()),
            ("package", "dyehouse"),
            ("id", "0"),
            ("timestamp", &started),
            // The schema's own word for a host that is not told.
            ("hostname", "localhost"),
            ("tests", &totals.tests.to_string()),
            ("failures", &totals.failures.to_string()),
            ("errors", &totals.errors.to_string()),
            ("skipped", &totals.skipped.to_string()),
            ("time", &format!("{:.3}", totals.seconds)),
        ]);
        suite.write_inner_content(|xml| {
            properties(xml, batch)?;
            spool.replay(|row| row.case.as_ref().map_or(Ok(()), |case| test_case(xml, &title, case)))?;
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
            ("backend", &batch.backend),
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

fn test_case<W: Write>(xml: &mut Writer<W>, suite: &str, case: &Case) -> io::Result<()> {
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

/// Text for an attribute, on one line.
fn attribute(text: &str) -> String {
    characters(text).replace(['\n', '\r', '\t'], " ")
}

/// Text with a mark in place of the characters that XML cannot hold, not even escaped (XML 1.0, section 2.2).
fn characters(text: &str) -> String {
    let is_held = |character: char| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    text.chars().map(|character| if is_held(character) { character } else { '\u{FFFD}' }).collect()
}
