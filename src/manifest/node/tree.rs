use std::ops::Range;

use crate::manifest::diagnostic::quoted;

/// A value and its location.
#[derive(Clone, Debug)]
pub(in crate::manifest) struct Node {
    pub(in crate::manifest) kind: Kind,
    /// The span, in bytes of the text.
    pub(in crate::manifest) span: Range<usize>,
    /// The line, from 1.
    pub(in crate::manifest) line: u64,
}

/// The value of a node.
#[derive(Clone, Debug)]
pub(in crate::manifest) enum Kind {
    Null,
    /// A text, a number or a boolean, as written.
    Scalar(String),
    List(Vec<Node>),
    /// The pairs in order, including those with repeated keys.
    Map(Vec<(Key, Node)>),
}

/// A key of a map, and its span.
#[derive(Clone, Debug)]
pub(in crate::manifest) struct Key {
    pub(in crate::manifest) name: String,
    pub(in crate::manifest) span: Range<usize>,
}

/// The error of a text that is not YAML.
pub(in crate::manifest) struct Unparsable {
    /// The span, in bytes of the text.
    pub(in crate::manifest) at: Range<usize>,
    pub(in crate::manifest) message: String,
    pub(in crate::manifest) hint: String,
}

impl Unparsable {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> Unparsable {
        Unparsable { at, message: message.into(), hint: hint.into() }
    }
}

impl Node {
    /// Returns what kind of value the node is, for messages.
    pub(in crate::manifest) fn what(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Scalar(_) => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map of keys",
        }
    }

    /// Returns the text of a scalar.
    pub(in crate::manifest) fn scalar(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text) => Some(text),
            _ => None,
        }
    }
}

/// Returns the message and the hint if an earlier pair has the same key as the one at `index`.
pub(in crate::manifest) fn repeated(pairs: &[(Key, Node)], index: usize) -> Option<(String, String)> {
    let name = &pairs[index].0.name;
    let is_there = pairs[..index].iter().any(|(earlier, _)| earlier.name == *name);
    is_there.then(|| (format!("the key {} exists twice", quoted(name)), "keep one of them".to_owned()))
}
