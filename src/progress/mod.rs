//! What a person sees: the screen, the progress of a run, logs, and the closing summary. Consumers of events; nothing
//! here decides anything.

mod changed_jobs;
mod logs;
mod reporter;
mod run_summary;
mod screen;
mod uncertain_submit;

pub use changed_jobs::ChangedJobs;
pub use logs::start_logs;
pub use reporter::{RemainingWork, Reporter};
pub use run_summary::{MoneySummary, RunSummary, cost_here};
pub use screen::{Screen, style};
pub use uncertain_submit::{Row, UncertainSubmit};
