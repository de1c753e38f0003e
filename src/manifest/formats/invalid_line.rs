//! The errors of lines that are not JSON objects, and their hints.

use crate::manifest::row::{At, RowError};

const NO_LIST_HINT: &str = "write one object per line, without the brackets and commas of a list: jq -c '.[]'";

/// Returns an error if `line` shows that the file does not have one object per line. Then no other line can be read.
pub(super) fn not_one_object_per_line(line: &str) -> Option<RowError> {
    match line.trim() {
        "[" => Some(RowError::new(At::Row, "a JSON list spans the lines", NO_LIST_HINT.to_owned())),
        "{" => {
            let hint = "write one object per line: jq -c .".to_owned();
            Some(RowError::new(At::Row, "a JSON object spans the lines", hint))
        }
        _ if line.contains('\r') => {
            let hint = "end them in line feeds: tr '\\r' '\\n'".to_owned();
            Some(RowError::new(At::Source(0..1), "its lines end only in carriage returns", hint))
        }
        _ => None,
    }
}

/// Returns the error of a line that is not an object, given the parser's `error`.
pub(super) fn no_object(line: &str, error: &serde_json::Error) -> RowError {
    if error.is_data() && line.starts_with('[') {
        return RowError::new(At::Row, "the line is a JSON list", NO_LIST_HINT.to_owned());
    }
    if error.is_data() {
        let hint = "as in {\"prompt\": \"Make it #1E90FF\", \"images\": [\"https://…\"]}".to_owned();
        return RowError::new(At::Row, "the line is not a JSON object", hint);
    }
    let at = error.column().saturating_sub(1).min(line.len());
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    RowError::new(At::Source(at..at + 1), format!("invalid JSON: {message}"), json_hint(line, at).to_owned())
}

/// Returns the hint for a line that is invalid JSON from byte `at` on.
fn json_hint(line: &str, at: usize) -> &'static str {
    let rest = line.get(at..).unwrap_or_default().trim_start();
    let begins = |words: &[&str]| words.iter().any(|word| rest.starts_with(word));
    match rest.as_bytes().first() {
        Some(b'#' | b'/') => "JSON has no comments: remove it",
        Some(b'\'') => "JSON uses double quotes for names and texts",
        Some(b'{') if at > 0 => "begin each object on its own line",
        _ if begins(&["NaN", "Infinity", "-Infinity", "None", "undefined"]) => "write null, or leave it out",
        _ if begins(&["True", "False"]) => "JSON writes true and false in lower case",
        _ if line.ends_with(',') => "remove the comma at its end: the lines are not a list",
        _ => "each line is one whole JSON object",
    }
}
