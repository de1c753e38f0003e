use std::fmt;
use std::str::FromStr;

use glob::{MatchOptions, Pattern, PatternError};

/// A pattern for job ids: `*` matches any characters, `?` matches one.
///
/// Ids cannot contain these two characters, but they may contain brackets, so brackets have no special meaning. An id
/// therefore matches itself and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdPattern {
    text: String,
    pattern: Pattern,
}

impl IdPattern {
    /// Whether the pattern matches an id.
    pub fn matches(&self, id: &str) -> bool {
        self.pattern.matches(id)
    }

    /// Returns the pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether an id contains text that the pattern matches, ignoring case.
    pub fn matches_within(&self, id: &str) -> bool {
        let loosely = MatchOptions { case_sensitive: false, ..MatchOptions::default() };
        let within = Pattern::new(&format!("*{}*", self.pattern.as_str().trim_matches('*')));
        within.is_ok_and(|within| within.matches_with(id, loosely))
    }
}

impl FromStr for IdPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<IdPattern, PatternError> {
        Ok(IdPattern { text: text.to_owned(), pattern: Pattern::new(&text.replace('[', "[[]"))? })
    }
}

impl fmt::Display for IdPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> IdPattern {
        text.parse().unwrap()
    }

    #[test]
    fn an_id_with_brackets_matches_itself_and_no_other() {
        let id = pattern("mug [1]");
        assert!(id.matches("mug [1]") && !id.matches("mug 1"));
        assert!(pattern("mug [1").matches("mug [1"));
        assert_eq!(id.to_string(), "mug [1]");
    }

    #[test]
    fn stars_and_question_marks_are_wildcards() {
        assert!(pattern("mug-*").matches("mug-red") && pattern("mug-?").matches("mug-1"));
        assert!(!pattern("mug-?").matches("mug-10"));
    }

    #[test]
    fn a_part_of_an_id_matches_within_it_ignoring_case() {
        assert!(pattern("Mug").matches_within("blue-mug-1") && pattern("*mug*").matches_within("blue-mug-1"));
        assert!(!pattern("cup").matches_within("blue-mug-1"));
    }
}
