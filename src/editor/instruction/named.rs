//! Parts of a product that are named in words.

use super::colors::color_at;
use super::words::{is_determiner, is_part, is_preposition, may_precede_color};
use crate::color::Part;

/// A part that an instruction names, and the word for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::editor) struct NamedPart {
    pub(in crate::editor) word: &'static str,
    pub(in crate::editor) part: Part,
}

/// A part that an instruction keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::editor) struct KeptPart {
    pub(in crate::editor) word: &'static str,
    /// Where it is. Otherwise it is any area of the product that does not change.
    pub(in crate::editor) part: Option<Part>,
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
    ("foot", Part::Bottom),
    ("base", Part::Bottom),
];

/// Words for parts that can be kept, but not recolored: their shadow is too similar.
const KEPT_PARTS: &[(&str, Part)] = &[("wheel", Part::Bottom), ("wheels", Part::Bottom), ("casters", Part::Bottom)];

/// Words for parts that are kept if any area of the product is.
const INSIDES: &[&str] = &["inside", "interior", "lining"];

/// Words for parts that usually have the product's color. They cannot be kept, unless another one is named.
const SAME_COLOR_PARTS: &[&str] = &[
    "arm", "arms", "armrest", "armrests", "backrest", "collar", "cuff", "cuffs", "hem", "hood", "neck", "neckline",
    "pocket", "pockets", "rim", "seat", "sleeve", "sleeves", "tongue",
];

/// Words before such a part that say that it has another color.
const MATERIALS: &[&str] = &[
    "aluminum",
    "aluminium",
    "brass",
    "chrome",
    "contrasting",
    "fabric",
    "glass",
    "leather",
    "metal",
    "metallic",
    "plastic",
    "rubber",
    "steel",
    "wood",
    "wooden",
];

/// Words that mean a product more often than a part, unless they have an owner.
const PRODUCTS: &[&str] = &[
    "badge", "band", "button", "buttons", "cap", "frame", "frames", "heels", "panel", "panels", "pump", "pumps",
    "ring", "rings", "screen", "seat", "strap", "tag", "tags", "visor",
];

/// Words for products with a cap, and for their other part. A cap is a hat without them.
const CAPPED: &[&str] =
    &["body", "bottle", "bottles", "canister", "flask", "jar", "jars", "marker", "thermos", "tube", "tubes"];

/// Whether a word names a product that has a cap.
pub(super) fn has_cap(word: &str) -> bool {
    CAPPED.contains(&word.trim_end_matches("'s"))
}

/// Returns what has the color at `words` of a clause, if it is not the product: "make the handle white", "give it a
/// white handle", "the lid of the jar to red". With `is_further`, the product is named before.
pub(super) fn thing(clause: &[String], words: (usize, usize), is_further: bool) -> Option<Thing> {
    let (before, behind) = (&clause[..words.0], &clause[words.1..]);
    if let Some(thing) = behind.first().and_then(|word| known(word)) {
        let next = behind.get(1).map(String::as_str);
        let is_everywhere = matches!(next, Some("and")) && behind.get(2).is_some_and(|word| word.starts_with("out"));
        let ends = matches!(thing, Thing::Part(_)) || next.is_none_or(is_preposition);
        return (ends && !is_everywhere && (is_further || is_meant(&thing, before.last(), behind.get(1))))
            .then_some(thing);
    }
    let at = before.iter().rposition(|word| known(word).is_some())?;
    let thing = known(&before[at])?;
    let next = before.get(at + 1).map(String::as_str);
    let is_its_color =
        matches!(next, Some("of" | "on" | "at")) || before[at + 1..].iter().all(|word| may_precede_color(word));
    let is_kind_of_color = thing.is("base") && matches!(next, Some("color" | "colour"));
    let is_aside = before[..at].iter().rev().take(3).any(|word| matches!(word.as_str(), "with" | "without" | "except"));
    let owner = at.checked_sub(1).and_then(|owner| before.get(owner));
    let is_thing =
        is_its_color && !is_kind_of_color && !is_aside && (is_further || is_meant(&thing, owner, before.get(at + 1)));
    // "make the lid and the handle red"
    let mut others = before[..at].iter().rev().skip_while(|word| is_determiner(word));
    let is_one_of_several = others.next().is_some_and(|word| word == "and" || word == "or")
        && (0..at).all(|index| color_at(before, index).is_none());
    is_thing.then_some(if is_one_of_several { Thing::Several } else { thing })
}

/// Returns the parts that a clause wants to keep, if the product may have the same color. The error is a part that the
/// editor cannot keep.
pub(super) fn kept_parts(clause: &[String]) -> Result<Vec<KeptPart>, String> {
    // "without changing the shape of the handle"
    const OTHER_PROPERTIES: &[&str] = &["shape", "form", "position", "size", "proportions", "texture", "design"];
    if clause.iter().any(|word| OTHER_PROPERTIES.contains(&word.as_str())) {
        return Ok(Vec::new());
    }
    let mut kept = Vec::new();
    for (at, word) in clause.iter().enumerate() {
        let of = |parts: &[(&'static str, Part)]| parts.iter().find(|(known, _)| known == word).copied();
        if let Some((word, part)) = of(PARTS).or_else(|| of(KEPT_PARTS)).filter(|(word, _)| *word != "knob") {
            kept.push(KeptPart { word, part: Some(part) });
        } else if let Some(word) = INSIDES.iter().find(|known| *known == word) {
            kept.push(KeptPart { word, part: None });
        } else if SAME_COLOR_PARTS.contains(&word.as_str()) {
            let before = at.checked_sub(1).map(|before| clause[before].as_str());
            let is_of_other_color = before.is_some_and(|word| MATERIALS.contains(&word) || is_color(word));
            let is_described =
                clause.get(at + 1).is_some_and(|word| MATERIALS.contains(&word.as_str()) || is_color(word));
            if !is_of_other_color && !is_described {
                return Err(word.clone());
            }
        }
    }
    Ok(kept)
}

fn is_color(word: &str) -> bool {
    color_at(&[word.to_owned()], 0).is_some()
}

/// Something that is not the whole product.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Thing {
    /// A part that may be found by its position.
    Part(NamedPart),
    /// A part that is found by its color only.
    Other(String),
    /// Several things get the same color.
    Several,
}

impl Thing {
    /// Whether a word names this thing.
    pub(super) fn is(&self, word: &str) -> bool {
        let word = word.trim_end_matches("'s");
        match self {
            Thing::Part(named) => named.word == word,
            Thing::Other(name) => name == word,
            Thing::Several => false,
        }
    }
}

fn known(word: &str) -> Option<Thing> {
    let word = word.trim_end_matches("'s");
    let part = PARTS.iter().find(|(known, _)| *known == word).map(|(word, part)| NamedPart { word, part: *part });
    part.map(Thing::Part).or_else(|| is_part(word).then(|| Thing::Other(word.to_owned())))
}

/// Whether a word certainly means a part, judged by the words before and after it: "the bottle's cap", "the cap of the
/// bottle".
fn is_meant(thing: &Thing, before: Option<&String>, behind: Option<&String>) -> bool {
    let is_owned = before.is_some_and(|word| word.ends_with("'s") || word.ends_with("s'") || word == "its");
    !PRODUCTS.iter().any(|product| thing.is(product)) || is_owned || behind.is_some_and(|word| word == "of")
}
