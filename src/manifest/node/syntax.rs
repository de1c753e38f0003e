use std::ops::Range;

use crate::manifest::diagnostic::quoted;

use super::lost::{COMMENT_MESSAGE, commented_color, in_quotes};
use super::marks::Marks;
use super::tree::Unparsable;

/// The message about the `.nan` of a data frame, which would otherwise be sent as a text.
pub(super) const NOT_A_NUMBER: &str = "not a number";

/// Returns the parser's error, with its span and a hint.
pub(super) fn unparsable(error: &serde_yaml::Error, text: &str) -> Unparsable {
    use serde_yaml::Error;
    let at = error.location().map_or(0, |location| offset(text, location.line(), location.column()));
    let mut error = error.without_snippet();
    while let Error::AliasError { error: inner, .. } = error {
        error = inner.without_snippet();
    }
    let (message, hint) = match error {
        Error::MultipleDocuments { .. } => {
            let dashes = text[..at].rfind("\n---").map_or(at..at + 1, |before| before + 1..before + 4);
            let hint = "a manifest is one document: remove the `---`, or make a file of each";
            return Unparsable::new(dashes, "a second document begins here", hint);
        }
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            ("its aliases expand to more than a manifest may contain", "write out what the `*aliases` stand for")
        }
        Error::Budget { .. } => {
            ("it is nested too deeply, or has more aliases than a manifest needs", "write it plainly")
        }
        Error::UnknownAnchor { .. } => (
            "there is no anchor of this name above",
            "an `*alias` needs an `&anchor` before it; a text with `*` needs quotes",
        ),
        Error::MergeValueNotMapOrSeqOfMaps { .. } => (
            "`<<` merges something that is not a map of keys",
            "let it name a job that begins with `- &first`, as in `<<: *first`; defaults for all jobs go under `defaults:`",
        ),
        other => return syntax(other, text, at),
    };
    Unparsable::new(at..at + 1, message, hint)
}

/// Parts of the parser's messages, and their hints. The first match is used.
const HINTS_BY_MESSAGE: [(&str, &str); 8] = [
    ("tab", "indent with spaces: YAML does not allow tabs there"),
    ("mapping values", "a text with `: ` in it needs quotes around it"),
    ("expected ','", "put a comma before it, or close the bracket above"),
    ("after single-quoted", "inside '…' a quote is written twice, or put the text between \"…\""),
    (
        "trailing content",
        "between brackets a comma separates it from what follows; inside \"…\" a quote is written `\\\"`",
    ),
    ("inside a block", "close the bracket that is open above"),
    ("quote", "close the text with the quote that it begins with; inside '…' a quote is written twice"),
    ("bracket", "close it, or put the text in quotes if it is one"),
];

/// Returns the parser's error at byte `at`, with a hint if the mistake is a common one.
fn syntax(error: &serde_yaml::Error, text: &str, at: usize) -> Unparsable {
    let parser_message = error.to_string();
    let parser_message = parser_message.lines().next().unwrap_or_default();
    let parser_message =
        parser_message.split(" at line ").next().unwrap_or(parser_message).trim_start_matches("error: ");
    let is_object = |line: &str| line.trim().starts_with('{') && line.trim().ends_with('}');
    if parser_message.contains("document start") && text[..at].lines().any(is_object) {
        let hint = "a manifest with one JSON object per line ends in .jsonl";
        return Unparsable::new(at..at + 1, format!("invalid YAML: {parser_message}"), hint);
    }
    let marks = Marks::of(text);
    if let Some(cut) = cut_by_a_comment(text, at, &marks) {
        return cut;
    }
    if parser_message.contains("recursion") {
        return Unparsable::new(at..at + 1, "it is nested too deeply", "a manifest needs only lists of maps");
    }
    if let Some(mistake) = common_mistake(parser_message, text, at, &marks) {
        return mistake;
    }
    let line = line_at(text, at);
    let is_of_slip = |(slip, _): &&(&str, &str)| parser_message.contains(*slip);
    let hint = match HINTS_BY_MESSAGE.iter().find(is_of_slip) {
        _ if text[line].contains(": {{") => "a text that begins with a template needs quotes: id: \"{{ sku }}\"",
        Some((_, hint)) => hint,
        None => "check the indentation and the quotes of this line and the one above",
    };
    Unparsable::new(at..at + 1, format!("invalid YAML: {parser_message}"), hint)
}

/// Returns the common mistake that causes the parser's message about byte `at`, if it is known.
fn common_mistake(parser_message: &str, text: &str, at: usize, marks: &Marks) -> Option<Unparsable> {
    let says_any = |words: &[&str]| words.iter().any(|word| parser_message.contains(*word));
    let line = line_at(text, at);
    let above = line_at(text, text[..line.start].trim_end().len());
    if let Some(mistake) = [&line, &above].into_iter().find_map(|near| no_break_space(text, near, marks)) {
        return Some(mistake);
    }
    if let Some(tab) = indenting_tab(text, line.start).filter(|_| says_any(&["tab"])) {
        let message = "invalid YAML: a tab in the indentation";
        return Some(Unparsable::new(tab..tab + 1, message, "indent with spaces: YAML does not allow tabs there"));
    }
    if says_any(&["unknown escape", "hexadecimal"]) {
        return unknown_escape(text, at);
    }
    if says_any(&["unexpected character"]) {
        let sign = text[at..].chars().next()?;
        let message = format!("invalid YAML: no text begins with {}", quoted(&sign.to_string()));
        return Some(Unparsable::new(at..at + sign.len_utf8(), message, "put the text in quotes"));
    }
    if says_any(&[NOT_A_NUMBER]) {
        let message = "there is no value, only what stands for a missing number";
        return Some(Unparsable::new(at..at + ".nan".len(), message, "write a value, or leave the key out"));
    }
    if !says_any(&["mapping values", "simple key", "comment intercepting"]) {
        return None;
    }
    let missing_space = [&above, &line].into_iter().find_map(|near| missing_space(text, near));
    missing_space.or_else(|| too_deep(text, &above, line.start..at))
}

fn no_break_space(text: &str, line: &Range<usize>, marks: &Marks) -> Option<Unparsable> {
    let mut blanks = text[line.clone()].match_indices('\u{A0}').map(|(blank, _)| line.start + blank);
    let blank = blanks.find(|blank| !marks.hide(*blank) && !is_between_words(text, *blank))?;
    let message = "YAML does not accept a no-break space here";
    Some(Unparsable::new(blank..blank + 2, message, "write a plain space in its place"))
}

fn unknown_escape(text: &str, at: usize) -> Option<Unparsable> {
    let escape = broken_escape(text, at)?;
    let end = escape + 1 + text[escape + 1..].chars().next().map_or(0, char::len_utf8);
    let message = format!("invalid YAML: {} means nothing between double quotes", quoted(&text[escape..end]));
    let hint = "write `\\\\` for a backslash, `/` between folders, or put the text in '…'";
    Some(Unparsable::new(escape..end, message, hint))
}

/// Returns the error of a key or a dash without a space after it.
fn missing_space(text: &str, line: &Range<usize>) -> Option<Unparsable> {
    let written = text[line.clone()].trim_start();
    let written = written.strip_prefix("- ").map_or(written, str::trim_start);
    let start = line.end - written.len();
    let key = written.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let is_joined = |next: char| !next.is_whitespace() && next != '/';
    if key > 0 && written[key..].strip_prefix(':').is_some_and(|rest| rest.starts_with(is_joined)) {
        let message = format!("invalid YAML: there is no space after {}", quoted(&written[..=key]));
        return Some(Unparsable::new(start..start + key + 1, message, format!("write `{}: …`", &written[..key])));
    }
    written.strip_prefix('-').filter(|rest| rest.starts_with(|next: char| next.is_alphabetic()))?;
    let message = "invalid YAML: there is no space after the `-`";
    Some(Unparsable::new(start..start + 1, message, "write `- ` before each entry"))
}

/// Returns the error of a line that is indented deeper than the line above, although that one has a value. `indented`
/// is the span from the start of the line to the parser's error.
fn too_deep(text: &str, above: &Range<usize>, indented: Range<usize>) -> Option<Unparsable> {
    let depth = |line: &str| line.bytes().take_while(|byte| matches!(byte, b' ' | b'-')).count();
    let has_value = text[above.clone()].split_once(": ").is_some_and(|(_, value)| !value.trim().is_empty());
    let line = line_at(text, indented.start);
    (has_value && depth(&text[line]) > depth(&text[above.clone()])).then(|| {
        let message = "invalid YAML: the line is indented deeper than the one above, which has its value";
        Unparsable::new(indented, message, "begin both at the same column")
    })
}

/// Returns the first tab in the indentation of the line that starts at `start` or of the next few, because the parser
/// may have read them as one text.
fn indenting_tab(text: &str, start: usize) -> Option<usize> {
    const MAX_LINES: usize = 3;
    let mut at = start;
    for line in text[start..].split_inclusive('\n').take(MAX_LINES) {
        let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..blank].find('\t') {
            return Some(at + tab);
        }
        at += line.len();
    }
    None
}

/// Returns the first invalid escape from byte `at` on, which is in double quotes.
fn broken_escape(text: &str, at: usize) -> Option<usize> {
    let mut rest = text[at..].char_indices();
    while let Some((escape, letter)) = rest.next() {
        if letter != '\\' {
            continue;
        }
        let (_, named) = rest.next()?;
        let digits = match named {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ if "0abtnvfre \"/\\N_LP\t\n\r".contains(named) => continue,
            _ => return Some(at + escape),
        };
        let written = text[at + escape + 2..].bytes().take(digits).take_while(u8::is_ascii_hexdigit).count();
        if written < digits {
            return Some(at + escape);
        }
    }
    None
}

/// Returns the error of a comment near byte `at` that hides a closing bracket or a color.
fn cut_by_a_comment(text: &str, at: usize, marks: &Marks) -> Option<Unparsable> {
    let line = line_at(text, at);
    let above = line_at(text, text[..line.start].trim_end().len());
    let count = |comment: &str, brackets: [char; 2]| comment.matches(brackets).count();
    marks.comments.iter().find_map(|comment| {
        let start = comment.span.start;
        let words = &text[comment.span.clone()];
        let has_close = count(words, [']', '}']) > count(words, ['[', '{']);
        let is_open = has_close && !comment.open.is_empty() && (start <= at || comment.open.contains(&at));
        if let Some(color) =
            commented_color(text, start).filter(|_| is_open || (above.start..line.end).contains(&start))
        {
            let hint = in_quotes(&text[color.clone()]);
            return Some(Unparsable::new(color, COMMENT_MESSAGE, hint));
        }
        (is_open && !words.starts_with("# ")).then(|| {
            let message = "invalid YAML: what follows ` #` is a comment, so the brackets stay open";
            let hint = "put the text in quotes; leave a space after the `#` of a comment";
            Unparsable::new(comment.span.clone(), message, hint)
        })
    })
}

/// Whether the no-break space at byte `blank` is inside a text.
fn is_between_words(text: &str, blank: usize) -> bool {
    let before = text[..blank].chars().next_back();
    let behind = text[blank + '\u{A0}'.len_utf8()..].chars().next();
    [before, behind].into_iter().all(|letter| letter.is_some_and(char::is_alphanumeric))
}

/// Returns the span of the line that contains byte `at`, without its line break.
fn line_at(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |before| before + 1);
    start..start + text[start..].lines().next().unwrap_or_default().len()
}

/// Returns the offset of a line and a column, both from 1.
fn offset(text: &str, line: u64, column: u64) -> usize {
    let start = match usize::try_from(line).unwrap_or(1) {
        0 | 1 => 0,
        line => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(at, _)| at + 1),
    };
    let column = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let in_line = text[start..].split('\n').next().unwrap_or_default();
    start + in_line.char_indices().nth(column).map_or(in_line.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    /// Texts, each of which is explained by another phrase of the parser's message.
    const BROKEN: [&str; 20] = [
        "{\"id\": \"a\"}\n{\"id\": \"b\"}\n",
        "a: 1\n--- b\n",
        "a:\n\tb: 1\n",
        "a: [b,\n\tc\n",
        "a: b: c\n",
        "a: {b: c d: e}\n",
        "a: [b: c d: e]\n",
        "a: 'it's'\n",
        "a: \"5\" disc\"\n",
        "a: [b,\n- c\n",
        "a: \"b\n",
        "a: [b\n",
        "a: \"C:\\photos\"\n",
        "a: \"\\xzz\"\n",
        "a: @b\n",
        "a:b\nc: d\n",
        "- id:a # c\n  prompt: p\n",
        "a: b\nc:d\n",
        "a: *b\n",
        "a: [.nan]\n",
    ];

    #[test]
    fn the_parsers_messages_contain_the_phrases_by_which_mistakes_are_known() {
        let deep = "[".repeat(5000);
        let explained = BROKEN.into_iter().chain([&*deep]).map(|text| {
            let start: String = text.chars().take(30).collect();
            match parse(text) {
                Ok(_) => format!("{start:?}\n  is read\n"),
                Err(error) => format!("{start:?}\n  {}\n  {}\n", error.message, error.hint),
            }
        });
        insta::assert_snapshot!(explained.collect::<String>());
    }
}
