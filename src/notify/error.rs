/// A failed notification: the operation and the cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {cause}")]
pub(crate) struct NoticeError {
    /// The operation, as a phrase to follow "failed to".
    pub what: String,
    /// The cause.
    pub cause: String,
}
