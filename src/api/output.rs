use std::io::{self, Cursor, Read};

use super::long_text::LongText;

/// An output of a prediction: a URL, a `data:` URI or bare base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A short text, such as a URL.
    Short(String),
    /// A long text, which is no URL.
    Long(LongText),
}

impl Output {
    /// Returns a reader of the text.
    ///
    /// # Errors
    ///
    /// A long text could not be written when it was received.
    pub fn reader(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(match self {
            Output::Short(text) => Box::new(Cursor::new(text.as_bytes())),
            Output::Long(text) => Box::new(text.reader()?),
        })
    }
}

impl From<&str> for Output {
    fn from(text: &str) -> Output {
        Output::Short(text.to_owned())
    }
}
