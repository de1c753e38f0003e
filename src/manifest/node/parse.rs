use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;
use serde_yaml::options::DuplicateKeyPolicy;

use super::syntax::{endless_number, unparsable};
use super::tree::{Key, Kind, Node, Unparsable};

/// A value of the YAML crate. The crate does not keep the spelling of numbers and booleans, so it is restored from
/// their spans.
enum Raw {
    Null,
    Spelled,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

/// Parses `text`, a single document.
pub(in crate::manifest) fn parse(text: &str) -> Result<Node, Unparsable> {
    // The limits allow a million jobs, but not an alias bomb: the expansion of aliases is limited by the length of the
    // text.
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
    // A number that is too large is meant as a text. With its exponent's letter replaced, the parser reads it as a text
    // as well.
    let mut readable = Cow::Borrowed(text);
    loop {
        match serde_yaml::from_str_with_options::<Spanned<Raw>>(&readable, options.clone()) {
            Ok(raw) if matches!(readable, Cow::Borrowed(_)) => return Ok(node(raw, text)),
            Ok(raw) => return Ok(node(raw, text).respelt(&readable, text)),
            Err(error) => {
                let endless = endless_number(&error, &readable).ok_or_else(|| unparsable(&error, text))?;
                readable.to_mut().replace_range(endless..endless + 1, "_");
            }
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
        deserializer.deserialize_any(RawVisitor)
    }
}

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

impl Node {
    /// Restores the spelling in `text` of scalars that were parsed from `parsed`, in which letters were replaced.
    fn respelt(mut self, parsed: &str, text: &str) -> Node {
        match &mut self.kind {
            Kind::Null => {}
            Kind::Scalar(scalar) => {
                let spelt = text.get(self.span.clone()).unwrap_or_default();
                if parsed.get(self.span.clone()).is_some_and(|parsed| parsed != spelt) {
                    spelt.trim().clone_into(scalar);
                }
            }
            Kind::List(items) => {
                *items = std::mem::take(items).into_iter().map(|item| item.respelt(parsed, text)).collect();
            }
            Kind::Map(pairs) => {
                let taken = std::mem::take(pairs).into_iter();
                *pairs = taken.map(|(key, value)| (key, value.respelt(parsed, text))).collect();
            }
        }
        self
    }
}
