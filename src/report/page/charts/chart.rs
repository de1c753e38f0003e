use serde::Serialize;

/// A chart, and what it says to whoever cannot see it.
#[derive(Debug, Serialize)]
pub(crate) struct Chart {
    pub(crate) name: &'static str,
    /// The figures in one sentence.
    pub(crate) words: String,
    /// The drawing: numbers and words of the program's own, nobody else's text.
    pub(crate) svg: String,
}
