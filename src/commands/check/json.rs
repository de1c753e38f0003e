use std::collections::BTreeMap;

use serde::Serialize;

use crate::manifest::Diagnostic;

use super::forecast::Forecast;
use super::probe::Probed;

/// The output of `check --json`.
#[derive(Debug, Serialize)]
pub(super) struct CheckOutput {
    pub(super) version: u32,
    pub(super) errors: Vec<Diagnostic>,
    /// The number of errors that are not listed.
    pub(super) more_errors: u64,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) plan: Option<Plan>,
    /// The result of `--probe`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) probe: Option<Probed>,
}

/// The forecast of a run, and what its jobs request.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    #[serde(flatten)]
    pub(super) forecast: Forecast,
    pub(super) sizes: BTreeMap<&'static str, u64>,
    pub(super) colors: BTreeMap<String, u64>,
}
