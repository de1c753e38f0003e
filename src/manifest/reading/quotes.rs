//! Finds the ends of quoted cells, and of the last complete record of a text.

use std::ops::Range;

use memchr::{memchr_iter, memchr3, memrchr2};

/// The quote that closes a cell.
pub(in crate::manifest) struct Close {
    pub(in crate::manifest) at: usize,
    /// Whether the cell contains doubled quotes.
    pub(in crate::manifest) is_behind_others: bool,
    /// Whether the cell contains line breaks.
    pub(in crate::manifest) is_behind_breaks: bool,
}

/// Returns the quote that closes a cell whose text starts at `from`. Doubled quotes are part of the text.
pub(in crate::manifest) fn closing(raw: &[u8], mut from: usize) -> Option<Close> {
    let (mut is_behind_others, mut is_behind_breaks) = (false, false);
    loop {
        let at = from + memchr3(b'"', b'\n', b'\r', raw.get(from..)?)?;
        if raw[at] != b'"' {
            (from, is_behind_breaks) = (at + 1, true);
        } else if raw.get(at + 1) == Some(&b'"') {
            (from, is_behind_others) = (at + 2, true);
        } else {
            return Some(Close { at, is_behind_others, is_behind_breaks });
        }
    }
}

/// Returns the end of the last complete record of `text`, which must start with a record.
pub(in crate::manifest) fn last_record_end(text: &[u8], delimiter: u8) -> Option<usize> {
    // A carriage return at the end may be the first half of a CRLF, whose line feed belongs to the same record.
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let opens = |at: usize| at == 0 || matches!(text[at - 1], b'\n' | b'\r') || text[at - 1] == delimiter;
    let end = |plain: Range<usize>| memrchr2(b'\n', b'\r', &text[plain.clone()]).map(|at| plain.start + at + 1);
    let (mut from, mut last, mut is_inside) = (0, None, false);
    let mut quotes = memchr_iter(b'"', text).peekable();
    while let Some(at) = quotes.next() {
        if !is_inside {
            is_inside = opens(at);
            last = if is_inside { end(from..at).or(last) } else { last };
        } else if quotes.next_if_eq(&(at + 1)).is_none() {
            (from, is_inside) = (at + 1, false);
        }
    }
    if is_inside { last } else { end(from..text.len()).or(last) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_records_end_outside_of_quotes() {
        let end = |text: &str| last_record_end(text.as_bytes(), b',');
        for (text, expected) in [
            ("a", None),
            ("a,\"b\n", None),
            ("a\n\"b\nc", Some(2)),
            ("a\n\"b\nc\"\nd", Some(8)),
            ("a,5\" mug\nb", Some(9)),
            ("\"a\"\" \n\"\n", Some(8)),
            ("a\r\nb\r", Some(3)),
            ("a\rb\r", Some(2)),
            ("a,\"\"\n\"", Some(5)),
        ] {
            assert_eq!(end(text), expected, "{text:?}");
        }
    }
}
