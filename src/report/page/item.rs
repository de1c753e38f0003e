//! A job in the format of the page's script.

use serde::Serialize;

use super::super::error::ReportError;
use super::super::files::ReportFolder;
use super::super::inputs::Before;
use super::super::manifest_csv::{self, DataUris};
use super::super::model::JobView;
use super::super::rounded::rounded;
use super::super::thumbnails::Thumbnails;
use super::picture::Picture;
use super::tries::Try;
use super::value::cut;
use crate::job::{Cents, ErrorClass, Hex, JobStatus, Seed, Size};

/// A line of the page's data. Missing values are left out.
#[derive(Debug, Serialize)]
pub(crate) struct Item<'a> {
    id: &'a str,
    line: u64,
    state: &'static str,
    prompt: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<Picture>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    after: Vec<Picture>,
    /// The pictures as the provider made them, if the color lock has corrected `after`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    originals: Vec<Picture>,
    /// All attempts, if there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tries: Vec<Try<'a>>,
    /// The number of the first job, from 0, that shows the same picture for another request.
    #[serde(skip_serializing_if = "Option::is_none")]
    alike: Option<u32>,
    /// Identifies the result that a reviewer decides on. It changes with the pictures.
    #[serde(skip_serializing_if = "String::is_empty")]
    result: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<Hex>,
    /// The color of the provider's picture, if it was corrected.
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    background: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction: Option<&'a str>,
    cost: u64,
    #[serde(skip_serializing_if = "is_zero")]
    reserved: u64,
    /// The command that frees the reserved money, if `advice` does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<&'a str>,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    /// The fingerprint of the request, if it is unknown whether it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u16>,
    /// The cells of the manifest's standard columns except the id and the prompt, for an export.
    cells: Vec<String>,
    /// The user's own cells, with the numbers of their columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    own: Vec<(usize, String)>,
}

/// A job for the page.
pub(crate) struct PageJob<'a> {
    pub(crate) view: &'a JobView,
    /// The input pictures.
    pub(crate) before: &'a [Before],
    /// The user's own cells, with the numbers of their columns.
    pub(crate) own: Vec<(usize, String)>,
    /// The number of the first job, from 0, that shows the same picture for another request.
    pub(crate) twin: Option<u32>,
}

impl<'a> Item<'a> {
    /// Returns the data of a job, and requests its thumbnails.
    pub(crate) fn new(
        PageJob { view: job, before, own, twin }: PageJob<'a>,
        report: &mut ReportFolder,
        thumbnails: &mut Thumbnails,
    ) -> Result<Item<'a>, ReportError> {
        let check = job.check.as_ref();
        let cells = manifest_csv::cells(job, DataUris::AsFiles, report)?;
        let utc = |at: jiff::Timestamp| at.strftime("%F %T UTC").to_string();
        Ok(Item {
            id: job.id.as_str(),
            line: job.line,
            state: job.status.as_str(),
            prompt: &job.prompt,
            before: before.iter().map(|before| Picture::before(before, report, thumbnails)).collect(),
            after: job.files.iter().map(|file| Picture::of(file, report, thumbnails)).collect(),
            originals: job.originals.iter().map(|file| Picture::of(file, report, thumbnails)).collect(),
            tries: job.tries.iter().map(|tried| Try::new(tried, report, thumbnails)).collect(),
            alike: twin,
            result: job.files.iter().map(|file| file.blake3.to_string()[..12].to_owned()).collect(),
            asked: check.map(|check| check.asked).or(job.color),
            measured: check.and_then(|check| check.measured),
            original: check.and_then(|check| check.original),
            delta: check.and_then(|check| check.delta_e).map(|delta| rounded(delta, 100.0)),
            background: check.and_then(|check| check.background).map(|delta| rounded(delta, 100.0)),
            verdict: check.map(|check| check.verdict.as_str()),
            reason: check.and_then(|check| check.reason.as_deref()).map(cut),
            class: job.error_class.map(ErrorClass::as_str),
            error: job.error.as_deref().map(cut),
            advice: job.advice(),
            prediction: job.prediction_id.as_deref(),
            cost: job.cost.0,
            reserved: if job.reserved > Cents::ZERO { job.reserved.0 } else { 0 },
            release: job.release.as_deref().filter(|_| job.status != JobStatus::Uncertain),
            attempts: job.attempts,
            seconds: job.seconds().map(|seconds| rounded(seconds, 10.0)),
            submitted: job.submitted_at.map(utc),
            ended: job.finished_at.map(utc),
            request: job
                .fingerprint
                .filter(|_| job.status == JobStatus::Uncertain)
                .map(|fingerprint| fingerprint.to_string()),
            size: job.size.map(Size::as_str),
            seed: job.seed.map(Seed::get),
            cells: cells.into_iter().skip(2).collect(),
            own,
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}
