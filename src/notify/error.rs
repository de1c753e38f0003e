/// A notification that failed: what was tried, and why it failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {cause}")]
pub struct NoticeError {
    /// The attempt, to follow "failed to".
    pub what: String,
    /// The error.
    pub cause: String,
}
