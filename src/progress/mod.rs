//! What a person sees: the screen, the progress of a run, logs, and the closing summary. Consumers of events; nothing
//! here decides anything.

mod changed;
mod closing;
mod logs;
mod reporter;
mod screen;
mod uncertain_submit;

pub use changed::Changed;
pub use closing::{Closing, cost_here};
pub use logs::start_logs;
pub use reporter::{Outlook, Reporter};
pub use screen::{Screen, style};
pub use uncertain_submit::{Row, UncertainSubmit};
