//! Parts of a product that are named in words.

use super::words::{is_link, is_of_color};
use crate::color::Part;

/// A part that an instruction names, and the word for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::editor) struct NamedPart {
    pub(in crate::editor) word: &'static str,
    pub(in crate::editor) part: Part,
}

/// Words for parts with a known position on a product.
const PARTS: &[(&str, Part)] = &[
    ("handle", Part::Limb),
    ("handles", Part::Limb),
    ("strap", Part::Limb),
    ("straps", Part::Limb),
    ("knob", Part::Limb),
    ("spout", Part::Limb),
    ("lid", Part::Top),
    ("stopper", Part::Top),
    ("cork", Part::Top),
    ("cap", Part::Top),
    ("legs", Part::Bottom),
    ("feet", Part::Bottom),
    ("sole", Part::Bottom),
    ("soles", Part::Bottom),
    ("outsole", Part::Bottom),
    ("midsole", Part::Bottom),
    ("wheels", Part::Bottom),
    ("base", Part::Bottom),
];

/// Words that mean a product more often than a part, unless they have an owner.
const PRODUCTS: &[&str] = &["cap", "strap"];

/// Returns the part whose color is at `words` of a clause: "make the handle white", "give it a white handle", "the lid
/// of the jar to red".
pub(super) fn named_part(clause: &[String], words: (usize, usize)) -> Option<NamedPart> {
    let (before, behind) = (&clause[..words.0], &clause[words.1..]);
    if let Some(named) = behind.first().and_then(|word| known(word)) {
        return is_meant(named, before.last(), behind.get(1)).then_some(named);
    }
    let at = before.iter().rposition(|word| known(word).is_some())?;
    let named = known(&before[at])?;
    let next = before.get(at + 1);
    let is_its_color =
        next.is_some_and(|word| word == "of") || before[at + 1..].iter().all(|word| is_link(word) || is_of_color(word));
    let is_kind_of_color = named.word == "base" && next.is_some_and(|word| matches!(word.as_str(), "color" | "colour"));
    let is_aside = before[..at].iter().rev().take(3).any(|word| matches!(word.as_str(), "with" | "without" | "except"));
    let owner = at.checked_sub(1).and_then(|owner| before.get(owner));
    (is_its_color && !is_kind_of_color && !is_aside && is_meant(named, owner, next)).then_some(named)
}

impl NamedPart {
    /// Whether a word names this part.
    pub(super) fn is(&self, word: &str) -> bool {
        word.trim_end_matches("'s") == self.word
    }
}

fn known(word: &str) -> Option<NamedPart> {
    let word = word.trim_end_matches("'s");
    PARTS.iter().find(|(known, _)| *known == word).map(|(word, part)| NamedPart { word, part: *part })
}

/// Whether a word certainly means a part, judged by the words before and after it: "the bottle's cap", "the cap of the
/// bottle".
fn is_meant(named: NamedPart, before: Option<&String>, behind: Option<&String>) -> bool {
    let is_owned = before.is_some_and(|word| word.ends_with("'s") || word.ends_with("s'") || word == "its");
    !PRODUCTS.contains(&named.word) || is_owned || behind.is_some_and(|word| word == "of")
}
