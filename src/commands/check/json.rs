use std::collections::BTreeMap;

use serde::Serialize;

use crate::manifest::Diagnostic;

use super::forecast::Forecast;
use super::probe::Probed;

/// What `check --json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    pub(super) version: u32,
    pub(super) errors: Vec<Diagnostic>,
    /// How many there are beyond those.
    pub(super) more_errors: u64,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) plan: Option<Plan>,
    /// What came of `--probe`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) probe: Option<Probed>,
}

/// What a run would do, and what the jobs ask for.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    #[serde(flatten)]
    pub(super) forecast: Forecast,
    pub(super) sizes: BTreeMap<&'static str, u64>,
    pub(super) colors: BTreeMap<String, u64>,
}
