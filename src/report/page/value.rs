//! Formatting of values for the page.

/// The maximum number of characters of a provider's message on the page. `results.csv` has the complete text.
const MAX_CHARACTERS: usize = 20_000;

/// Truncates a text to the length that the page shows.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
