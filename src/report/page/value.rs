//! Values as the page shows them.

/// The most characters of a message of the provider's that the page shows; `results.csv` has all of it.
const MAX_CHARACTERS: usize = 20_000;

/// The text, as far as the page shows it.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The value with `parts` to the unit.
pub(super) fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}
