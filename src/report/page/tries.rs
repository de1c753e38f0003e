use serde::Serialize;

use super::super::files::ReportFolder;
use super::super::model::TryView;
use super::super::rounded::rounded;
use super::super::thumbnails::Thumbnails;
use super::picture::Picture;
use super::value::cut;
use crate::job::{Hex, Seed};

/// One of several attempts at a job's color, in the format of the page's script.
#[derive(Debug, Serialize)]
pub(crate) struct Try<'a> {
    state: &'static str,
    /// Whether its pictures are shown as the job's.
    #[serde(rename = "isShown")]
    is_shown: bool,
    cost: u64,
    reserved: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pictures: Vec<Picture>,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl<'a> Try<'a> {
    pub(crate) fn new(tried: &'a TryView, report: &mut ReportFolder, thumbnails: &mut Thumbnails) -> Try<'a> {
        let check = tried.check.as_ref();
        Try {
            state: tried.status.as_str(),
            is_shown: tried.is_shown,
            cost: tried.cost.0,
            reserved: tried.reserved.0,
            seed: tried.seed.map(Seed::get),
            prediction: tried.prediction_id.as_deref(),
            pictures: tried.files.iter().map(|file| Picture::of(file, report, thumbnails)).collect(),
            measured: check.and_then(|check| check.measured),
            delta: check.and_then(|check| check.delta_e).map(|delta| rounded(delta, 100.0)),
            verdict: check.map(|check| check.verdict.as_str()),
            error: tried.error.as_deref().map(cut),
        }
    }
}
