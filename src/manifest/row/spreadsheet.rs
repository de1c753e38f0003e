//! Cells that a spreadsheet has changed.

use crate::job::is_shortened_number;
use crate::manifest::diagnostic::quoted;
use crate::manifest::whitespace::trim;

use super::formula::{FORMULA_HINT, is_formula_error};

/// Returns the hint for a hex color without `#` that a spreadsheet has converted to a number: `008080` becomes 8080.
pub(super) fn lost_in_a_spreadsheet(text: &str) -> Option<String> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && (1..6).contains(&text.len()) {
        return Some(format!("write `#` before the hex digits; if a spreadsheet removed zeros, it was `#{text:0>6}`"));
    }
    is_shortened_number(text)
        .then(|| "a spreadsheet changed the hex to a number: write it with `#` in front".to_owned())
}

/// Why a cell does not contain the text that it should.
pub(in crate::manifest) struct Lost {
    pub(in crate::manifest) message: String,
    pub(in crate::manifest) hint: String,
}

impl Lost {
    fn new(text: &str, what: &str, hint: impl Into<String>) -> Option<Lost> {
        Some(Lost { message: format!("{} {what}", quoted(text)), hint: hint.into() })
    }
}

/// Returns the error of a cell that contains a formula, the error of a failed formula, or another marker in place of
/// its text.
pub(in crate::manifest) fn lost(text: &str) -> Option<Lost> {
    let text = trim(text);
    // Every cell is checked, but few start like this.
    match text.as_bytes() {
        [b'=', b'A'..=b'Z' | b'a'..=b'z' | b'"' | b'$' | b'(', ..] => Lost::new(
            text,
            "is a formula, not its result",
            "export the table from the spreadsheet, which writes the results",
        ),
        [b'#' | b'E', ..] if is_formula_error(text) => {
            Lost::new(text, "is what a spreadsheet shows for a failed formula", FORMULA_HINT)
        }
        [b'#', b'#', rest @ ..] if rest.iter().all(|byte| *byte == b'#') => Lost::new(
            text,
            "is what a spreadsheet shows if a column is too narrow",
            "make the column wider, and save the table again",
        ),
        [b'\'', rest @ ..] if !rest.is_empty() && !rest.contains(&b'\'') => Lost::new(
            text,
            "begins with the `'` that marks a text in spreadsheets",
            format!("write {}: the mark is not part of it", quoted(&text[1..])),
        ),
        [b'L', ..] if matches!(text, "Loading..." | "Loading…") => Lost::new(
            text,
            "is what a spreadsheet shows before a formula is done",
            "wait until all cells are there, and export the table again",
        ),
        [b'[', ..] if text == "[object Object]" => {
            Lost::new(text, "is what a program writes for an object that has no text", "write the value itself")
        }
        _ => None,
    }
}
