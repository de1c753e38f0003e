use std::ops::Range;

/// The quoted texts and the comments of a YAML text, as far as finding mistakes needs them. The text need not be valid
/// YAML.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// The spans of quoted texts and block scalars, in bytes. Syntax characters have no meaning in them.
    texts: Vec<Range<usize>>,
    pub(super) comments: Vec<Comment>,
}

/// A comment, and the brackets that are open around it.
#[derive(Debug)]
pub(super) struct Comment {
    /// The span from its `#` to the end of its words, in bytes.
    pub(super) span: Range<usize>,
    /// The offsets of the brackets that are open before it.
    pub(super) open: Vec<usize>,
}

impl Marks {
    pub(super) fn of(text: &str) -> Marks {
        let mut marks = Marks::default();
        let bytes = text.as_bytes();
        let mut open: Vec<usize> = Vec::new();
        // Syntax characters count only where a value may start, and a `#` only after whitespace.
        let (mut is_fresh, mut is_behind_blank) = (true, true);
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let is_in_brackets = !open.is_empty();
            let is_before_blank = bytes.get(at + 1).is_none_or(u8::is_ascii_whitespace);
            let (was_fresh, was_behind_blank) = (is_fresh, is_behind_blank);
            is_behind_blank = byte.is_ascii_whitespace();
            is_fresh = false;
            let mut end = at + 1;
            match byte {
                b'\n' => is_fresh = true,
                b' ' | b'\t' | b'\r' => is_fresh = was_fresh,
                b'#' if was_behind_blank => {
                    end = end_of_line(text, at);
                    let words = text[at..end].trim_end().len();
                    marks.comments.push(Comment { span: at..at + words, open: open.clone() });
                }
                b'"' | b'\'' if was_fresh => {
                    end = behind_quote(text, at);
                    marks.texts.push(at..end);
                }
                b'|' | b'>' if was_fresh && !is_in_brackets => {
                    end = behind_block(text, at);
                    marks.texts.push(at..end);
                    (is_fresh, is_behind_blank) = (true, true);
                }
                b'&' | b'!' if was_fresh => {
                    end = at + text[at..].find(|next: char| next.is_ascii_whitespace()).unwrap_or(text.len() - at);
                    is_fresh = true;
                }
                b'[' | b'{' if was_fresh || is_in_brackets => {
                    open.push(at);
                    is_fresh = true;
                }
                b']' | b'}' => {
                    open.pop();
                }
                b',' => is_fresh = is_in_brackets,
                b':' => is_fresh = is_in_brackets || is_before_blank,
                b'-' | b'?' => is_fresh = was_fresh && is_before_blank,
                _ => {}
            }
            at = end;
        }
        marks
    }

    /// Whether byte `at` is in a quoted text, a block scalar or a comment.
    pub(super) fn hide(&self, at: usize) -> bool {
        let comments = self.comments.iter().map(|comment| &comment.span);
        self.texts.iter().chain(comments).any(|span| span.contains(&at))
    }
}

fn end_of_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end)
}

/// Returns the end of the quoted text that starts at byte `at`.
fn behind_quote(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let quote = bytes[at];
    let mut end = at + 1;
    while let Some(byte) = bytes.get(end) {
        let is_escape = if quote == b'"' { *byte == b'\\' } else { bytes[end..].starts_with(b"''") };
        match *byte {
            _ if is_escape => end += 2,
            byte if byte == quote => return end + 1,
            _ => end += 1,
        }
    }
    text.len()
}

/// Returns the end of the block scalar whose `|` or `>` is at byte `at`. It includes all lines that are indented deeper
/// than the line of its key.
fn behind_block(text: &str, at: usize) -> usize {
    let start = text[..at].rfind('\n').map_or(0, |before| before + 1);
    let before = &text[start..at];
    // A key after a dash is as deep as its map, and a dash without a key is as deep as its list.
    let is_sign = |sign: char| matches!(sign, ' ' | '-');
    let key = before.trim_start_matches(is_sign);
    let depth = if key.is_empty() { before.trim_end().len().saturating_sub(1) } else { before.len() - key.len() };
    let mut end = (end_of_line(text, at) + 1).min(text.len());
    for line in text[end..].split_inclusive('\n') {
        let indentation = line.len() - line.trim_start_matches(' ').len();
        if !line.trim().is_empty() && indentation <= depth {
            break;
        }
        end += line.len();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_distinguished_from_text() {
        for (text, comments) in [
            ("# palette: #1E90FF\ncolor: red", &["# palette: #1E90FF"][..]),
            ("prompt: \"to this: #1E90FF\"  # as said \nid: a", &["# as said"]),
            ("prompt: 'it''s: #1E90FF'", &[]),
            ("prompt: it's: #1E90FF", &["#1E90FF"]),
            ("prompt: \"a \\\" #b\" #c", &["#c"]),
            ("{\"a\":\"b #c\",\"d\":[\"e #f\"]} #g", &["#g"]),
            ("color: [#1, #2]\nred#3", &["#2]"]),
            ("- prompt: |\n    '90s: #1E90FF\n  id: a #b", &["#b"]),
            ("- >-\n  '90s: #1E90FF\n\n- a #b", &["#b"]),
            ("prompt: &first \"a #b\" #c", &["#c"]),
            ("prompt: \"open #a\nid: b #c", &[]),
        ] {
            let marks = Marks::of(text);
            let found: Vec<&str> = marks.comments.iter().map(|comment| &text[comment.span.clone()]).collect();
            assert_eq!(found, comments, "{text}");
        }
    }
}
