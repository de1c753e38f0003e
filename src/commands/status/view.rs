use jiff::Timestamp;
use serde::Serialize;

use crate::color::VerdictCounts;
use crate::job::{Backend, HeldBack, Partition, StatusCounts, StopKind};
use crate::journal::{Costs, RunState};
use crate::progress::UncertainSubmit;

use super::pace::MeasuredPace;

/// The output of `status --json`.
#[derive(Debug, Serialize)]
pub(super) struct StatusView {
    pub(super) version: u32,
    pub(super) folder: String,
    pub(super) state: RunState,
    pub(super) held_by: Option<String>,
    pub(super) stopped: Option<String>,
    pub(super) stop: Option<StopKind>,
    pub(super) manifest: Option<String>,
    pub(super) backend: Option<Backend>,
    pub(super) partition: Option<Partition>,
    pub(super) resume: Option<String>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) last_record_at: Option<Timestamp>,
    pub(super) jobs: StatusCounts,
    pub(super) open: u64,
    pub(super) removed: u64,
    pub(super) outdated: u64,
    pub(super) held_back: HeldBack,
    /// The number of jobs that the next run makes anew.
    pub(super) to_redo: u64,
    pub(super) colors: VerdictCounts,
    pub(super) color_checks_left: u64,
    pub(super) cost_cents: Costs,
    pub(super) pace: Option<MeasuredPace>,
    pub(super) uncertain: Vec<UncertainSubmit>,
}
