use std::sync::Arc;

use crate::color::Hex;
use crate::job::{EditRequest, Fingerprint};

/// The target that the results of a job are compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct ColorTarget {
    /// The edit that the manifest asks for.
    pub fingerprint: Fingerprint,
    /// Its request. The first picture is the one before the edit.
    pub request: Arc<EditRequest>,
    /// The requested colors, at least one.
    pub colors: Vec<Hex>,
}
