//! The user interface of a run: the screen, progress, logs, and the final summary. It only consumes events, and makes
//! no decisions.

mod bar;
mod changed_jobs;
mod checking;
mod event_log;
mod logs;
mod open_predictions;
mod planned_rerolls;
mod reporter;
mod run_summary;
mod screen;
mod summary_text;
mod uncertain_submit;
mod waiting;

pub(crate) use changed_jobs::{ChangedJobs, outdated_text};
pub(crate) use logs::start_logs;
pub(crate) use open_predictions::open_text;
pub(crate) use planned_rerolls::{PlannedRerolls, at_most};
pub(crate) use reporter::{RemainingWork, Reporter};
pub(crate) use run_summary::{DifferingRows, MoneySummary, RunSummary, cost_here};
pub(crate) use screen::{Screen, style};
pub(crate) use summary_text::SummaryText;
pub(crate) use uncertain_submit::UncertainSubmit;
