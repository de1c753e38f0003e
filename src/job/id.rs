use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bytes;

/// The id of a job, unique in its manifest, and safe as a file name on every common file system.
///
/// The result of a job is `results/<id>.<ext>`. Ids that could leave that folder, be hidden in it, or be refused by a
/// file system are rejected when they are read, from manifests and from journals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(Arc<str>);

/// A [`JobId`], or a borrowed text that is a valid id.
#[derive(Clone, Debug)]
pub struct JobIdRef<'a>(Held<'a>);

#[derive(Clone, Debug)]
enum Held<'a> {
    Text(&'a str),
    Id(JobId),
}

/// The reason why a job id is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobIdError {
    /// The id is empty.
    #[error("the id is empty")]
    Empty,
    /// The id is too long for a file name once an extension is added.
    #[error("the id is {bytes} bytes long, over the {} that a file name has room for", JobId::MAX_BYTES)]
    TooLong {
        /// The length, in bytes of UTF-8.
        bytes: usize,
    },
    /// The id has a character that separates folders or that file systems refuse.
    #[error("the id contains {0:?}, which a file name cannot have")]
    Character(char),
    /// The id begins with a dot or a dash, or ends with a dot or a space.
    #[error("the id {0}")]
    Edge(&'static str),
    /// The id is a device name that Windows reserves.
    #[error("the id is a device name on Windows")]
    Reserved,
}

impl JobId {
    /// The maximum length of an id, in bytes. File systems allow 255 for a name, and a number, a hash and an extension
    /// are appended.
    pub const MAX_BYTES: usize = 180;

    /// Accepts `text` as an id, if it can be a file name.
    pub fn new(text: &str) -> Result<JobId, JobIdError> {
        Ok(JobIdRef::new(text)?.to_id())
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'a> JobIdRef<'a> {
    /// Accepts `text` as an id, if it can be a file name.
    pub fn new(text: &'a str) -> Result<JobIdRef<'a>, JobIdError> {
        if text.is_empty() {
            return Err(JobIdError::Empty);
        }
        if text.len() > JobId::MAX_BYTES {
            return Err(JobIdError::TooLong { bytes: text.len() });
        }
        // Bytes that are always allowed.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() | (byte == b'-') | (byte == b'_') | (byte == b'.');
        if !bytes::all_match(text.as_bytes(), is_plain)
            && let Some(character) = text.chars().find(|character| is_refused(*character))
        {
            return Err(JobIdError::Character(character));
        }
        if text.starts_with('.') {
            return Err(JobIdError::Edge("begins with a dot, which hides a file or leaves its folder"));
        }
        if text.starts_with('-') {
            return Err(JobIdError::Edge("begins with a dash, which programs treat as an option"));
        }
        if text.starts_with(' ') || text.ends_with([' ', '.']) {
            return Err(JobIdError::Edge("begins or ends with a space, or ends with a dot"));
        }
        if is_device(text) {
            return Err(JobIdError::Reserved);
        }
        Ok(JobIdRef(Held::Text(text)))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Held::Text(text) => text,
            Held::Id(id) => id.as_str(),
        }
    }

    /// Returns an owned id.
    pub fn to_id(&self) -> JobId {
        match &self.0 {
            Held::Text(text) => JobId((*text).into()),
            Held::Id(id) => id.clone(),
        }
    }
}

impl From<JobId> for JobIdRef<'_> {
    fn from(id: JobId) -> Self {
        JobIdRef(Held::Id(id))
    }
}

impl<'a> From<&'a JobId> for JobIdRef<'a> {
    fn from(id: &'a JobId) -> Self {
        JobIdRef(Held::Text(id.as_str()))
    }
}

impl PartialEq for JobIdRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JobIdRef<'_> {}

/// Whether a text is a number that a spreadsheet has shortened because it was too long, such as `4.01E+12`, or
/// `4,01E+12` in locales with a decimal comma.
pub fn is_shortened_number(text: &str) -> bool {
    // Few of a million texts begin like a number.
    text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.' | ','))
        && text.contains('+')
        && text.contains(['E', 'e'])
        && text.replacen(',', ".", 1).parse::<f64>().is_ok()
}

/// Whether a character is a separator, refused by Windows, a control character, a bidirectional mark, or invisible.
fn is_refused(character: char) -> bool {
    matches!(character, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        || character.is_control()
        || matches!(character, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

fn is_device(text: &str) -> bool {
    // Most names do not begin with the first letter of a device.
    if !matches!(text.as_bytes(), [b'A' | b'a' | b'C' | b'c' | b'L' | b'l' | b'N' | b'n' | b'P' | b'p', ..]) {
        return false;
    }
    let stem = text.split('.').next().unwrap_or(text).trim_end();
    let is_one_of = |names: &[&str], stem: &str| names.iter().any(|name| stem.eq_ignore_ascii_case(name));
    match stem.len() {
        3 => is_one_of(&["CON", "PRN", "AUX", "NUL"], stem),
        4 if stem.ends_with(|last: char| last.is_ascii_digit()) => is_one_of(&["COM", "LPT"], &stem[..3]),
        _ => false,
    }
}

impl Borrow<str> for JobId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for JobId {
    type Error = JobIdError;

    fn try_from(text: String) -> Result<JobId, JobIdError> {
        JobId::new(&text)
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> String {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_catalog_names_are_valid_ids() {
        for good in ["mug", "mug-ocean", "SKU 12.3_b", "größe-Ü", "商品1", "a", "x-2"] {
            assert_eq!(JobId::new(good).map(|id| id.to_string()), Ok(good.to_owned()));
        }
    }

    #[test]
    fn ids_that_could_leave_the_results_folder_are_refused() {
        for bad in [
            "",
            "..",
            ".",
            "../x",
            "a/b",
            "a\\b",
            "a\0b",
            ".hidden",
            "-rf",
            "x.",
            "x ",
            " x",
            "c:x",
            "NUL",
            "com1.txt",
            "a\nb",
            "a\u{202E}b",
        ] {
            assert!(JobId::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(JobId::new(&"x".repeat(300)), Err(JobIdError::TooLong { bytes: 300 }));
        assert!(JobId::new(&"x".repeat(JobId::MAX_BYTES)).is_ok());
    }
}
