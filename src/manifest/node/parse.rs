use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;
use serde_yaml::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};

use super::syntax::{NOT_A_NUMBER, unparsable};
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
        // A number that is too large is meant as a text.
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        alias_limits: serde_yaml::alias_limits! { max_total_replayed_events: most_replayed },
    };
    let raw = serde_yaml::from_str_with_options::<Spanned<Raw>>(text, options);
    raw.map(|raw| node(raw, text)).map_err(|error| unparsable(&error, text))
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

    fn visit_f64<E: Error>(self, value: f64) -> Result<Raw, E> {
        if value.is_nan() { Err(E::custom(NOT_A_NUMBER)) } else { Ok(Raw::Spelled) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_too_large_are_read_as_they_are_written() {
        let long = "9".repeat(400);
        for number in ["12E450", "1e999", "-1e+999", &long] {
            let text = format!("- {number}\n- [{number}, \"{number}\"] # {number}\n- see {number}\n");
            let Kind::List(items) = parse(&text).map_err(|error| error.message).unwrap().kind else { panic!("{text}") };
            let Kind::List(inner) = &items[1].kind else { panic!("{text}") };
            let read = [&items[0], &inner[0], &inner[1]].map(|node| node.scalar().unwrap());
            assert_eq!(read, [number; 3]);
            assert_eq!(items[2].scalar().unwrap(), format!("see {number}"));
        }
    }
}
