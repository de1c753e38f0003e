//! What a person sees: the screen, the progress of a run, logs, and the closing summary. Consumers of events; nothing
//! here decides anything.

mod changed;
mod closing;
mod doubt;
mod logs;
mod narrator;
mod screen;

pub use changed::Changed;
pub use closing::Closing;
pub use doubt::{Doubt, Row};
pub use logs::start_logs;
pub use narrator::Narrator;
pub use screen::{Screen, style};
