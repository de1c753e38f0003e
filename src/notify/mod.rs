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

pub(crate) use command::run_command;
pub(crate) use error::NoticeError;
pub(crate) use healthcheck::{Healthcheck, Ping};
pub(crate) use metrics::write_metrics;
pub(crate) use notice::{Breakdown, Figures, RunNotice, Summaries};
pub(crate) use signature::SigningKey;
pub(crate) use url::NoticeUrl;
pub(crate) use webhook::Webhook;
