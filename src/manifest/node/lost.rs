//! Finds parts of texts that YAML parses as something else.

use std::ops::Range;

use crate::manifest::diagnostic::quoted;
use crate::manifest::field::Field;

use super::tree::{Kind, Node};

/// The message about a color that YAML parses as a comment.
pub(super) const COMMENT_MESSAGE: &str = "what follows ` #` is a comment, so there is no color here";

/// Returns the hint for a color that YAML parses as a comment.
pub(super) fn in_quotes(color: &str) -> String {
    format!("put it in quotes: \"{color}\"")
}

/// A part of a text that YAML parses as something else.
pub(in crate::manifest) struct Lost {
    /// The span, in bytes of the text.
    pub(in crate::manifest) span: Range<usize>,
    pub(in crate::manifest) message: String,
    pub(in crate::manifest) hint: String,
}

/// Returns the span of the hex color that starts with the `#` at byte `hash`, if it is in place of a value and YAML
/// parses it as a comment.
pub(super) fn commented_color(text: &str, hash: usize) -> Option<Range<usize>> {
    let before = text[..hash].trim_end_matches(' ');
    let is_value = before.len() < hash && before.ends_with([':', '-', '[', ',']);
    hex_color(text, hash).filter(|_| is_value)
}

/// Returns the span of the hex color that starts with the `#` at byte `hash`.
fn hex_color(text: &str, hash: usize) -> Option<Range<usize>> {
    let digits = text[hash + 1..].bytes().take_while(u8::is_ascii_hexdigit).count();
    let end = hash + 1 + digits;
    let is_over = !text[end..].starts_with(|next: char| next.is_alphanumeric() || next == '_' || next == '-');
    (matches!(digits, 3 | 4 | 6 | 8) && is_over).then_some(hash..end)
}

/// Returns the end of the text `node` that YAML parses as a comment, if it was probably meant as text. Real comments
/// have a space after the `#`.
fn cut_off(node: &Node, text: &str) -> Option<Lost> {
    let spelt = text.get(node.span.clone())?;
    let line = text[node.span.end..].lines().next()?;
    let hash = node.span.end + line.find('#')?;
    let is_next = text[node.span.end..hash].trim().is_empty() && text[..hash].ends_with([' ', '\t']);
    let is_text = text[hash + 1..].starts_with(|next: char| next.is_alphanumeric());
    let is_plain = !spelt.ends_with(['"', '\'', '\n']);
    (is_next && is_text && is_plain).then(|| {
        let color = hex_color(text, hash);
        let what = if color.is_some() { "the text ends before its color" } else { "the text ends before it" };
        let end = hash + text[hash..].lines().next().unwrap_or_default().trim_end().len();
        Lost {
            span: color.unwrap_or(hash..end),
            message: format!("what follows ` #` is a comment, so {what}"),
            hint: "put the whole text in quotes; leave a space after the `#` of a comment".to_owned(),
        }
    })
}

/// Returns the tag or anchor between byte `from` and the text `node` that YAML does not include in the text, if it was
/// probably meant as text.
fn swallowed(node: &Node, from: usize, text: &str) -> Option<Lost> {
    let before = text.get(from..node.span.start)?;
    let start = from + before.find(['!', '&'])?;
    let word = text[start..].split_whitespace().next()?;
    let name = word.strip_prefix('&').unwrap_or_default();
    let is_used = !name.is_empty() && text.contains(&format!("*{name}"));
    let is_meant = is_used || word.starts_with("!!") || before.contains(['\n', '#']);
    (!is_meant).then(|| Lost {
        span: start..start + word.len(),
        message: format!("{} has a meaning in YAML, and is not part of the text", quoted(word)),
        hint: "put the whole text in quotes".to_owned(),
    })
}

/// Returns the error of a six-digit color that YAML parses as a number: without leading zeros, or with an exponent.
fn color_as_number(color: &Node, text: &str) -> Option<Lost> {
    let digits = color.scalar().filter(|digits| text.get(color.span.clone()) == Some(digits))?;
    let is_hex = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex && digits.parse::<f64>().is_ok()).then(|| Lost {
        span: color.span.clone(),
        message: format!("{} is a number in YAML, not a color", quoted(digits)),
        hint: in_quotes(&format!("#{digits}")),
    })
}

/// Keys that contain no texts to send. Comments in their values are not checked.
const SETTINGS: [&str; 4] = ["version", "backend", "model", "run"];

impl Node {
    /// Restores colors that YAML parses as comments. Returns them and all other lost parts of texts.
    pub(in crate::manifest) fn find_lost(&mut self, text: &str) -> Vec<Lost> {
        let mut found = Vec::new();
        self.find_lost_into(text, &mut found);
        found
    }

    fn find_lost_into(&mut self, text: &str, found: &mut Vec<Lost>) {
        match &mut self.kind {
            Kind::Map(pairs) => {
                for (key, value) in pairs {
                    match value.kind {
                        Kind::Null => found.extend(value.uncomment(key.span.end, text)),
                        _ if SETTINGS.contains(&key.name.as_str()) => {}
                        Kind::Scalar(_) if key.name == Field::Color.key() => found.extend(color_as_number(value, text)),
                        Kind::Scalar(_) => {
                            found.extend(swallowed(value, key.span.end, text).or_else(|| cut_off(value, text)));
                        }
                        Kind::List(_) | Kind::Map(_) => value.find_lost_into(text, found),
                    }
                }
            }
            Kind::List(items) => {
                for item in items {
                    match item.kind {
                        Kind::Null => {
                            let line = text[..item.span.start].rfind('\n').map_or(0, |at| at + 1);
                            found.extend(item.uncomment(line, text));
                        }
                        Kind::Scalar(_) => found.extend(cut_off(item, text)),
                        Kind::List(_) | Kind::Map(_) => item.find_lost_into(text, found),
                    }
                }
            }
            Kind::Null | Kind::Scalar(_) => {}
        }
    }

    /// Makes the color after byte `from` the value of this empty node, if YAML parses it as a comment.
    fn uncomment(&mut self, from: usize, text: &str) -> Option<Lost> {
        let line = text.get(from..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let color = line.find('#').and_then(|hash| commented_color(text, from + hash))?;
        let is_next = text[from..color.start].trim_matches([' ', ':', '-']).is_empty();
        is_next.then(|| {
            self.kind = Kind::Scalar(text[color.clone()].to_owned());
            self.span = color.clone();
            Lost { hint: in_quotes(&text[color.clone()]), span: color, message: COMMENT_MESSAGE.to_owned() }
        })
    }
}
