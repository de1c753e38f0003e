//! A job as the page's script takes it.

use std::path::Path;

use serde::Serialize;

use super::super::files::ReportFolder;
use super::super::inputs::Before;
use super::super::links::link;
use super::super::manifest_csv::{self, DataUris};
use super::super::model::JobView;
use super::super::thumbnails::Thumbnails;
use super::super::{ReportError, ResultFile};
use super::tries::Try;
use crate::job::{Cents, ErrorClass, JobStatus, Seed, Size};

/// The most characters of a message of the provider's that the page shows; `results.csv` has all of it.
const ROOM: usize = 20_000;

/// A line of the page's data. What a job does not have is left out.
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
    /// What the provider made of `after`, where the color lock has corrected it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    originals: Vec<Picture>,
    /// All tries, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tries: Vec<Try<'a>>,
    /// Names what a reviewer decides on: other pictures are another result.
    #[serde(skip_serializing_if = "String::is_empty")]
    result: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<&'a str>,
    /// The color of the provider's picture, where it was corrected.
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<&'a str>,
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
    advice: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction: Option<&'a str>,
    cost: u64,
    #[serde(skip_serializing_if = "is_zero")]
    reserved: u64,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    /// What tells the request from all others, where nobody knows whether it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u16>,
    /// The cells of the manifest's own columns but for the id and the prompt, for an export.
    cells: Vec<String>,
    /// The user's own cells, by the number of the column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    own: Vec<(usize, String)>,
}

/// A picture: something to look at, or words in its place.
#[derive(Debug, Serialize)]
pub(crate) struct Picture {
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumb: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
}

impl<'a> Item<'a> {
    /// The job with its pictures to edit and its own cells; thumbnails are ordered.
    pub(crate) fn new(
        job: &'a JobView,
        before: &[Before],
        own: Vec<(usize, String)>,
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
            before: before.iter().map(|before| before_picture(before, report, thumbnails)).collect(),
            after: job.files.iter().map(|file| result_picture(file, report, thumbnails)).collect(),
            originals: job.originals.iter().map(|file| result_picture(file, report, thumbnails)).collect(),
            tries: job.tries.iter().map(|tried| Try::new(tried, report, thumbnails)).collect(),
            result: job.files.iter().map(|file| file.blake3.to_string()[..12].to_owned()).collect(),
            asked: check.map(|check| check.asked.as_str()).or(job.color.as_deref()),
            measured: check.and_then(|check| check.measured.as_deref()),
            original: check.and_then(|check| check.original.as_deref()),
            delta: check.and_then(|check| check.delta_e).map(|delta| rounded(delta, 100.0)),
            background: check.and_then(|check| check.background).map(|delta| rounded(delta, 100.0)),
            verdict: check.map(|check| check.verdict.as_str()),
            reason: check.and_then(|check| check.reason.as_deref()).map(cut),
            class: job.error_class.map(ErrorClass::as_str),
            error: job.error.as_deref().map(cut),
            advice: job.advice().filter(|_| job.status != JobStatus::Completed),
            prediction: job.prediction_id.as_deref(),
            cost: job.cost.0,
            reserved: if job.reserved > Cents::ZERO { job.reserved.0 } else { 0 },
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

fn before_picture(before: &Before, report: &mut ReportFolder, thumbnails: &mut Thumbnails) -> Picture {
    let words = |label: &str| Picture { label: cut(label), link: None, thumb: None, width: None, height: None };
    match before {
        Before::Url(url) => words(url),
        Before::Words(text) => words(text),
        Before::File { path, label, content } => Picture {
            link: Some(link(report.root(), path)),
            thumb: content.map(|content| thumbnails.of(path, &content, report)),
            ..words(label)
        },
    }
}

pub(crate) fn result_picture(file: &ResultFile, report: &mut ReportFolder, thumbnails: &mut Thumbnails) -> Picture {
    let path = report.root().parent().unwrap_or(Path::new("")).join(&file.path);
    Picture {
        label: file.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        link: Some(link(report.root(), &path)),
        thumb: Some(thumbnails.of(&path, &file.blake3, report)),
        width: Some(file.width),
        height: Some(file.height),
    }
}

pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(ROOM) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

pub(crate) fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}
