//! The image-edit API: its contract, our client of it, and what its answers mean.
//!
//! [`client`] sends each request once and hands back what came, raw; [`outcome`] is the pure reading of that, in one table a request.

mod base_url;
pub mod client;
mod exchange;
mod hint;
mod limits;
pub mod outcome;
mod status_path;
pub mod wire;

pub use base_url::{BaseUrl, BaseUrlError};
pub use client::MAX_SUBMIT_DURATION;
pub use exchange::{Answer, EditApi, Exchange, Fault, Intended};
pub use limits::{Quota, RateLimits, Remaining};
pub use status_path::StatusPath;
pub use wire::PredictionId;
