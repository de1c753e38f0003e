//! Notifications about the end of a run: a webhook, a health check, a command, and a file of metrics.
//!
//! Nothing here can change the result of a run. A failed notification is a [`NoticeError`], which is only logged.

mod command;
mod delivery;
mod error;
mod healthcheck;
mod metrics;
mod notice;
mod signature;
mod url;
mod webhook;

pub use command::run_command;
pub use error::NoticeError;
pub use healthcheck::{Healthcheck, Ping};
pub use metrics::{render_metrics, write_metrics};
pub use notice::{Breakdown, Figures, RunNotice, Summaries};
pub use signature::{Signature, SigningKey, SigningKeyError};
pub use url::{NoticeUrl, NoticeUrlError};
pub use webhook::Webhook;
