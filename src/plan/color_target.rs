use std::sync::Arc;

use crate::color::Hex;
use crate::job::{EditRequest, Fingerprint};

/// What the results of a job are compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct ColorTarget {
    /// The edit that the manifest asks for.
    pub fingerprint: Fingerprint,
    /// What is sent for it; its first picture is the one before.
    pub request: Arc<EditRequest>,
    /// The colors asked for, at least one.
    pub colors: Vec<Hex>,
}
