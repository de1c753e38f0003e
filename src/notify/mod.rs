//! Notifications of how a run ended: a webhook, a health check, a command, a file of metrics.
//!
//! Nothing here can change how a run ends. A failed notification is a [`NoticeError`], for stderr and the logs.

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
pub use notice::{RunNotice, Summaries};
pub use signature::{Signature, SigningKey, SigningKeyError};
pub use url::{NoticeUrl, NoticeUrlError};
pub use webhook::Webhook;
