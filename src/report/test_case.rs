//! Jobs as test cases. A failed job or a missed color is a failure, an unknown outcome is an error, and a pending job
//! is skipped.

use serde::{Deserialize, Serialize};

use super::model::JobView;
use crate::color::Verdict;
use crate::job::{ErrorClass, JobStatus};

/// A job as a test case.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TestCase {
    pub(super) name: String,
    pub(super) seconds: f64,
    pub(super) ending: Ending,
}

/// The outcome of a test case.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Ending {
    Passed,
    Skipped,
    Failure(Finding),
    Error(Finding),
}

/// The failure or error of a job.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Finding {
    pub(super) kind: String,
    pub(super) message: String,
    /// A hint, and the fingerprint of the request.
    pub(super) text: String,
}

/// The totals of all test cases.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TestTotals {
    pub(super) tests: u64,
    pub(super) failures: u64,
    pub(super) errors: u64,
    pub(super) skipped: u64,
    pub(super) seconds: f64,
}

impl TestCase {
    pub(crate) fn of(job: &JobView) -> TestCase {
        let finding = |kind: &str, message: String| {
            let prediction = job.prediction_id.as_ref().map(|id| format!("prediction {id}"));
            let lines = [job.advice(), prediction, Some(job.prompt.clone())];
            let text = lines.into_iter().flatten().collect::<Vec<_>>().join("\n");
            Finding { kind: kind.to_owned(), message, text }
        };
        let error_text = || job.error.clone().unwrap_or_default();
        let ending = match job.status {
            JobStatus::Completed => match missed(job) {
                Some(message) => Ending::Failure(finding(Verdict::Off.as_str(), message)),
                None => Ending::Passed,
            },
            JobStatus::Pending => Ending::Skipped,
            JobStatus::Failed => {
                Ending::Failure(finding(job.error_class.map_or("failed", ErrorClass::as_str), error_text()))
            }
            JobStatus::Uncertain => Ending::Error(finding("uncertain", error_text())),
        };
        TestCase { name: job.id.to_string(), seconds: job.seconds().unwrap_or_default(), ending }
    }
}

/// Returns a description of how a result missed its color, if it did.
fn missed(job: &JobView) -> Option<String> {
    let check = job.check.as_ref().filter(|check| check.verdict == Verdict::Off)?;
    let found = check.measured.map_or_else(|| "none".to_owned(), |measured| measured.to_string());
    let difference = check.delta_e.map_or_else(String::new, |delta| format!(", ΔE00 {delta:.1}"));
    Some(format!("requested {}, measured {found}{difference}", check.asked))
}

impl TestTotals {
    pub(crate) fn add(&mut self, case: &TestCase) {
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
