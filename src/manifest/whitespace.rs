//! Invisible characters, which come along when cells are copied from web pages and chats.

/// Whether a character is invisible on a screen. Paths copied from Windows, for example, start with a directional mark.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{FEFF}')
        || matches!(character, '\u{2066}'..='\u{2069}')
}

/// Returns `text` without whitespace and invisible characters at its start.
pub(super) fn trim_start(text: &str) -> &str {
    if text.as_bytes().first().is_some_and(u8::is_ascii_graphic) { text } else { text.trim_start_matches(is_blank) }
}

/// Returns `text` without whitespace and invisible characters at its start and end.
pub(super) fn trim(text: &str) -> &str {
    // Most cells have nothing to trim, which their first and last byte show.
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim_matches(is_blank),
    }
}

fn is_blank(character: char) -> bool {
    character.is_whitespace() || is_invisible(character)
}
