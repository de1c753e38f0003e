//! Invisible characters of a text: they are copied along with cells out of web pages and chats.

/// Whether a character leaves no trace on a screen. Paths that Windows shows begin with one that turns the line.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{FEFF}')
        || matches!(character, '\u{2066}'..='\u{2069}')
}

/// Returns `text` without invisible characters at its beginning.
pub(super) fn trim_start(text: &str) -> &str {
    if text.as_bytes().first().is_some_and(u8::is_ascii_graphic) { text } else { text.trim_start_matches(is_blank) }
}

/// Returns `text` without invisible characters at its ends.
pub(super) fn trim(text: &str) -> &str {
    // Most cells have nothing to trim, which two bytes show.
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim_matches(is_blank),
    }
}

fn is_blank(character: char) -> bool {
    character.is_whitespace() || is_invisible(character)
}
