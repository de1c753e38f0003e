use serde::Serialize;

/// A chart, with a text alternative.
#[derive(Debug, Serialize)]
pub(crate) struct Chart {
    pub(crate) name: &'static str,
    /// The figures in one sentence.
    pub(crate) words: String,
    /// The SVG. It contains only numbers and words of the program, no text of the user or the provider.
    pub(crate) svg: String,
}
