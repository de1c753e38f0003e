/// Something could not be told: what, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {cause}")]
pub struct NoticeError {
    /// What was tried, to follow "failed to".
    pub what: String,
    /// What was seen.
    pub cause: String,
}
