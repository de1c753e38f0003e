//! The user interface of a run: the screen, progress, logs, and the final summary. It only consumes events, and makes
//! no decisions.

mod bar;
mod changed_jobs;
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

pub use changed_jobs::{ChangedJobs, outdated_text};
pub use logs::start_logs;
pub use open_predictions::open_text;
pub use planned_rerolls::{PlannedRerolls, at_most};
pub use reporter::{RemainingWork, Reporter};
pub use run_summary::{DifferingRows, MoneySummary, RunSummary, cost_here};
pub use screen::{Screen, style};
pub use summary_text::SummaryText;
pub use uncertain_submit::{Advice, Row, UncertainKind, UncertainSubmit};
