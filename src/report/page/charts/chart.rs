use serde::Serialize;

/// A chart, and its text for readers who cannot see it.
#[derive(Debug, Serialize)]
pub(crate) struct Chart {
    pub(crate) name: &'static str,
    /// The figures in one sentence.
    pub(crate) words: String,
    /// The drawing: numbers and words of the program, no text of the user or the provider.
    pub(crate) svg: String,
}
