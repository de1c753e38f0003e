//! What is left of a cell when a spreadsheet has had its way with it.

use crate::job::is_shortened_number;
use crate::manifest::blank::trim;
use crate::manifest::diagnostic::quoted;

/// The way out where a spreadsheet took a hex without its `#` for a number: `008080` is 8080 then.
pub(super) fn lost_in_a_spreadsheet(text: &str) -> Option<String> {
    if let Some(text) = text.strip_prefix('\'') {
        return Some(format!("write {}: the `'` marks a text in spreadsheets, and is no part of it", quoted(text)));
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && (1..6).contains(&text.len()) {
        return Some(format!(
            "write `#` before the hex digits; if a spreadsheet took away zeros, it was `#{text:0>6}`"
        ));
    }
    is_shortened_number(text).then(|| "a spreadsheet took the hex for a number: write it with `#` in front".to_owned())
}

/// Why a cell has not the text that it should have.
pub(super) struct Formula {
    pub(super) message: String,
    pub(super) hint: &'static str,
}

/// What is to be said of a cell that has a formula in it, or what is left of one that failed.
pub(super) fn formula(text: &str) -> Option<Formula> {
    let text = trim(text);
    // Few cells begin like that, and all of them are looked at.
    match text.as_bytes() {
        [b'=', b'A'..=b'Z' | b'a'..=b'z' | b'"' | b'$' | b'(', ..] => Some(Formula {
            message: format!("{} is a formula, and not what it comes to", quoted(text)),
            hint: "save the table out of the spreadsheet, which writes what the cells show",
        }),
        [b'#' | b'E', ..] if is_formula_error(text) => Some(Formula {
            message: format!("{} is what a spreadsheet shows for a formula that failed", quoted(text)),
            hint: "mend the formula in the spreadsheet, and save it again",
        }),
        _ => None,
    }
}

/// Whether a text is what spreadsheets leave where a formula failed: `#REF!`, `#NAME?`, `#N/A`, `Err:502`, in whatever
/// language they speak.
fn is_formula_error(text: &str) -> bool {
    if let Some(number) = text.strip_prefix("Err:") {
        return !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    }
    let Some(name) = text.strip_prefix('#') else { return false };
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|letter| letter.is_uppercase() || letter.is_numeric() || matches!(letter, '/' | '_'))
    };
    matches!(name, "N/A" | "NV" | "N/D" | "N/B") || name.strip_suffix(['!', '?']).is_some_and(is_name)
}
