/// A notification that failed: what was tried, and why it failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {cause}")]
pub struct NoticeError {
    /// What was tried, to follow "failed to".
    pub what: String,
    /// What was seen.
    pub cause: String,
}
