//! The image-edit API: its contract, the client, and the meaning of its answers.
//!
//! [`client`] sends each request once and returns the raw answer. [`outcome`] interprets it without I/O, with one table
//! per kind of request.

mod base_url;
mod body;
pub mod client;
mod exchange;
mod gate;
mod hint;
mod limits;
mod long_answers;
mod long_text;
pub mod outcome;
mod output;
mod poll_patience;
mod status_path;
mod time_limit;
pub mod wire;

pub use base_url::{BaseUrl, BaseUrlError};
pub use client::MAX_SUBMIT_DURATION;
pub use exchange::{Answer, EditApi, Exchange, Fault, Intended};
pub use limits::{Quota, RateLimits, Remaining};
pub use long_text::LongText;
pub use output::Output;
pub use status_path::StatusPath;
pub use wire::PredictionId;
