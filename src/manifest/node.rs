//! A YAML document as a tree of nodes that know their places. The only module that knows the YAML crate.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;
use serde_yaml::options::DuplicateKeyPolicy;

use super::diagnostic::quoted;

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// In bytes of the text.
    pub(super) span: Range<usize>,
    /// From 1.
    pub(super) line: u64,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Null,
    /// A text, a number or a boolean, as it is written.
    Scalar(String),
    List(Vec<Node>),
    /// Keys in their order, repeated ones too.
    Map(Vec<(Key, Node)>),
}

/// A key of a map and its place.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) span: Range<usize>,
}

/// Why a text is no YAML.
pub(super) struct Unparsable {
    /// In bytes of the text.
    pub(super) at: Range<usize>,
    pub(super) message: String,
    pub(super) hint: String,
}

/// What the YAML crate hands over: numbers and booleans have lost their spelling, and get it back from their span.
enum Raw {
    Null,
    Spelled,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

/// Parses `text`, a single document.
pub(super) fn parse(text: &str) -> Result<Node, Unparsable> {
    // A manifest of a million jobs is fine, and an alias bomb is not: what aliases unfold to is bound by what is written.
    let most_replayed = 100_000 + 4 * text.len();
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_nodes: 100_000_000,
            max_events: 200_000_000,
            max_total_scalar_bytes: 4 << 30,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        alias_limits: serde_yaml::alias_limits! { max_total_replayed_events: most_replayed },
    };
    let raw: Spanned<Raw> =
        serde_yaml::from_str_with_options(text, options).map_err(|error| unparsable(&error, text))?;
    Ok(node(raw, text))
}

fn unparsable(error: &serde_yaml::Error, text: &str) -> Unparsable {
    use serde_yaml::Error;
    let at = error.location().map_or(0, |location| offset(text, location.line(), location.column()));
    let mut error = error.without_snippet();
    while let Error::AliasError { error: inner, .. } = error {
        error = inner.without_snippet();
    }
    let (message, hint) = match error {
        Error::MultipleDocuments { .. } => {
            ("a second document begins here", "a manifest is one document: remove the `---`, or make a file of each")
        }
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            ("its aliases unfold to more than a manifest holds", "write out what the `*aliases` stand for")
        }
        Error::Budget { .. } => {
            ("it is nested too deeply, or has more aliases than a manifest needs", "write it plainly")
        }
        Error::UnknownAnchor { .. } => (
            "no anchor of this name stands above",
            "an `*alias` needs an `&anchor` before it; a text with `*` needs quotes",
        ),
        Error::MergeValueNotMapOrSeqOfMaps { .. } => (
            "`<<` merges what is no map of keys",
            "let it name a map, as in `<<: *base` with `base: &base {size: small}`",
        ),
        other => return syntax(other, text, at),
    };
    Unparsable { at: at..at + 1, message: message.to_owned(), hint: hint.to_owned() }
}

/// What the parser stumbled over, in words that say how to mend it where the reason is a usual one.
fn syntax(error: &serde_yaml::Error, text: &str, at: usize) -> Unparsable {
    let said = error.to_string();
    let said = said.lines().next().unwrap_or_default();
    let said = said.split(" at line ").next().unwrap_or(said).trim_start_matches("error: ");
    if let Some(color) = text.match_indices('#').find_map(|(hash, _)| commented_color(text, hash)) {
        return Unparsable { at: color.clone(), message: COMMENTED.to_owned(), hint: in_quotes(&text[color]) };
    }
    if said.contains("recursion") {
        let (message, hint) =
            ("it is nested too deeply".to_owned(), "a manifest needs no more than lists of maps".to_owned());
        return Unparsable { at: at..at + 1, message, hint };
    }
    let line = text[..at].rfind('\n').map_or(0, |at| at + 1);
    let is_braced = text[line..].lines().next().is_some_and(|line| line.contains(": {{"));
    let hint = if is_braced {
        "a text that begins with a template needs quotes: id: \"{{ sku }}\""
    } else if said.contains("tab") {
        "indent with spaces: YAML takes no tabs there"
    } else if said.contains("mapping values") {
        "a text with `: ` in it needs quotes around it"
    } else if said.contains("quote") {
        "close the text with the quote that it begins with; inside of '…' a quote is written twice"
    } else if said.contains("document start") && text.trim_start().starts_with('{') {
        "a manifest with a JSON object a line ends in .jsonl"
    } else if said.contains("bracket") {
        "close it, or put the text in quotes if it is one"
    } else {
        "check the indentation and the quotes of this line and the one above"
    };
    Unparsable { at: at..at + 1, message: format!("no valid YAML: {said}"), hint: hint.to_owned() }
}

/// The byte of a line and a column, both from 1.
fn offset(text: &str, line: u64, column: u64) -> usize {
    let start = match usize::try_from(line).unwrap_or(1) {
        0 | 1 => 0,
        line => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(at, _)| at + 1),
    };
    let column = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let in_line = text[start..].split('\n').next().unwrap_or_default();
    start + in_line.char_indices().nth(column).map_or(in_line.len(), |(at, _)| at)
}

/// What is said of a color that YAML takes for a comment.
const COMMENTED: &str = "what follows ` #` is a comment, so that there is no color here";

/// The way out of it.
fn in_quotes(color: &str) -> String {
    format!("put it in quotes: \"{color}\"")
}

/// A color that YAML takes for a comment.
pub(super) struct Commented {
    /// In bytes of the text.
    pub(super) span: Range<usize>,
    pub(super) message: &'static str,
    pub(super) hint: String,
}

/// The hex color that begins with the `#` at byte `hash`, where YAML takes it for a comment instead of a value.
fn commented_color(text: &str, hash: usize) -> Option<Range<usize>> {
    let before = text[..hash].trim_end_matches(' ');
    let is_value = before.len() < hash && before.ends_with([':', '-', '[', ',']);
    hex_color(text, hash).filter(|_| is_value)
}

/// The hex color that begins with the `#` at byte `hash`.
fn hex_color(text: &str, hash: usize) -> Option<Range<usize>> {
    let digits = text[hash + 1..].bytes().take_while(u8::is_ascii_hexdigit).count();
    let end = hash + 1 + digits;
    let is_over = !text[end..].starts_with(|next: char| next.is_alphanumeric() || next == '_' || next == '-');
    (matches!(digits, 3 | 4 | 6 | 8) && is_over).then_some(hash..end)
}

/// The hex color behind the prompt `node`, which ends for YAML where it begins.
fn color_behind(node: &Node, text: &str) -> Option<Range<usize>> {
    let line = text.get(node.span.end..)?.lines().next()?;
    let hash = node.span.end + line.find('#')?;
    let is_next = text[node.span.end..hash].trim().is_empty() && text[..hash].ends_with([' ', '\t']);
    hex_color(text, hash).filter(|_| is_next)
}

/// What is wrong with the key at `index` where the same one stands before it, and the way out.
pub(super) fn repeated(pairs: &[(Key, Node)], index: usize) -> Option<(String, String)> {
    let name = &pairs[index].0.name;
    let is_there = pairs[..index].iter().any(|(earlier, _)| earlier.name == *name);
    is_there.then(|| (format!("the key {} is there twice", quoted(name)), "keep one of them".to_owned()))
}

impl Node {
    /// Takes the colors for values that YAML takes for comments, and tells where they stand.
    pub(super) fn uncomment(&mut self, text: &str) -> Vec<Commented> {
        let mut found = Vec::new();
        self.uncomment_into(text, &mut found);
        found
    }

    fn uncomment_into(&mut self, text: &str, found: &mut Vec<Commented>) {
        let take = |node: &mut Node, from: usize, found: &mut Vec<Commented>| {
            let line = text.get(from..).and_then(|rest| rest.lines().next()).unwrap_or_default();
            let color = line.find('#').and_then(|hash| commented_color(text, from + hash));
            if let Some(color) = color.filter(|color| text[from..color.start].trim_matches([' ', ':', '-']).is_empty())
            {
                node.kind = Kind::Scalar(text[color.clone()].to_owned());
                node.span = color.clone();
                found.push(Commented { hint: in_quotes(&text[color.clone()]), span: color, message: COMMENTED });
            }
        };
        match &mut self.kind {
            Kind::Map(pairs) => {
                for (key, value) in pairs {
                    match value.kind {
                        Kind::Null => take(value, key.span.end, found),
                        Kind::Scalar(_) if key.name == "prompt" => {
                            found.extend(color_behind(value, text).map(|span| Commented {
                                span,
                                message: "what follows ` #` is a comment, so that the prompt ends before its color",
                                hint: "put the whole prompt in quotes".to_owned(),
                            }));
                        }
                        _ => value.uncomment_into(text, found),
                    }
                }
            }
            Kind::List(items) => {
                for item in items {
                    match item.kind {
                        Kind::Null => {
                            let line = text[..item.span.start].rfind('\n').map_or(0, |at| at + 1);
                            take(item, line, found);
                        }
                        _ => item.uncomment_into(text, found),
                    }
                }
            }
            Kind::Null | Kind::Scalar(_) => {}
        }
    }
}

fn span(location: &serde_yaml::Location) -> Range<usize> {
    let span = location.span();
    let at = |byte: Option<u64>| byte.and_then(|byte| usize::try_from(byte).ok()).unwrap_or(0);
    let start = at(span.byte_offset());
    start..start + at(span.byte_len())
}

fn node(raw: Spanned<Raw>, text: &str) -> Node {
    let span = span(&raw.defined);
    let kind = match raw.value {
        Raw::Null => Kind::Null,
        Raw::Text(text) => Kind::Scalar(text),
        Raw::Spelled => Kind::Scalar(text.get(span.clone()).unwrap_or_default().trim().to_owned()),
        Raw::List(items) => Kind::List(items.into_iter().map(|item| node(item, text)).collect()),
        Raw::Map(pairs) => {
            Kind::Map(pairs.into_iter().map(|(key, value)| (self::key(key), node(value, text))).collect())
        }
    };
    Node { kind, span, line: raw.defined.line() }
}

fn key(raw: Spanned<String>) -> Key {
    Key { span: span(&raw.defined), name: raw.value }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        struct RawVisitor;

        impl<'de> Visitor<'de> for RawVisitor {
            type Value = Raw;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }

            fn visit_none<E>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }

            fn visit_bool<E>(self, _value: bool) -> Result<Raw, E> {
                Ok(Raw::Spelled)
            }

            fn visit_i64<E>(self, _value: i64) -> Result<Raw, E> {
                Ok(Raw::Spelled)
            }

            fn visit_u64<E>(self, _value: u64) -> Result<Raw, E> {
                Ok(Raw::Spelled)
            }

            fn visit_i128<E>(self, _value: i128) -> Result<Raw, E> {
                Ok(Raw::Spelled)
            }

            fn visit_u128<E>(self, _value: u128) -> Result<Raw, E> {
                Ok(Raw::Spelled)
            }

            fn visit_f64<E>(self, _value: f64) -> Result<Raw, E> {
                Ok(Raw::Spelled)
            }

            fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
                Ok(Raw::Text(value.to_owned()))
            }

            fn visit_string<E>(self, value: String) -> Result<Raw, E> {
                Ok(Raw::Text(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Raw, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = sequence.next_element()? {
                    items.push(item);
                }
                Ok(Raw::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Raw::Map(pairs))
            }
        }

        deserializer.deserialize_any(RawVisitor)
    }
}

impl Node {
    /// The word for what kind of thing the node is.
    pub(super) fn what(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Scalar(_) => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map of keys",
        }
    }

    /// The scalar's text.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text) => Some(text),
            _ => None,
        }
    }
}
