//! The colors in instructions: codes, CSS functions and names.

use std::ops::Range;

use crate::color::{Hex, MAX_NAME_WORDS, shop_color};

use super::preposition;
use super::words::{is_change, is_determiner, is_filler, is_link, is_of_color};

/// A word that is a CSS color but more often describes a material.
const MATERIAL_NAME: &str = "linen";

/// Names that are also products: "the bottle green" is a bottle that becomes green.
const PRODUCTS_IN_NAMES: &[&str] = &["bottle", "brick", "leaf", "petrol", "slate", "wine"];

/// The colors of which two in a row name a mixture, as "blue green". A finer name before them is only explained: "navy
/// blue".
const BASIC: &[&str] = &[
    "black", "blue", "brown", "gray", "green", "grey", "orange", "pink", "purple", "red", "violet", "white", "yellow",
];

/// Nouns and adjectives that make another color of the one after them.
const QUALIFIERS: &[&str] = &[
    "acid",
    "antique",
    "apple",
    "army",
    "ash",
    "baby",
    "blood",
    "bubblegum",
    "burnt",
    "cherry",
    "chocolate",
    "coffee",
    "cool",
    "dove",
    "duck",
    "dull",
    "dusky",
    "dusty",
    "earth",
    "electric",
    "faded",
    "fluorescent",
    "forest",
    "grass",
    "heather",
    "honey",
    "ice",
    "icy",
    "khaki",
    "leaf",
    "lemon",
    "mid",
    "midnight",
    "mint",
    "moss",
    "muted",
    "neon",
    "ocean",
    "off",
    "oxford",
    "pearl",
    "petrol",
    "pine",
    "pigeon",
    "powder",
    "racing",
    "sand",
    "sandy",
    "sea",
    "signal",
    "sky",
    "smoke",
    "smoky",
    "soft",
    "steel",
    "stone",
    "storm",
    "sunny",
    "traffic",
    "warm",
    "wine",
];

/// Words that modify the color after them, with the channel value that is mixed in and its share.
const SHADE_WORDS: &[(&str, u8, f32)] = &[
    ("dark", 0, 0.4),
    ("darker", 0, 0.4),
    ("light", 255, 0.5),
    ("lighter", 255, 0.5),
    ("pale", 255, 0.65),
    ("pastel", 255, 0.6),
];

/// A color that is named in a clause.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub(super) hex: Hex,
    /// The number of words: `dark green` is one color.
    pub(super) length: usize,
    pub(super) is_code: bool,
}

/// Returns the color that begins at the word with the index `at`.
pub(super) fn color_at(clause: &[String], at: usize) -> Option<Named> {
    plain(clause, at).or_else(|| shaded(clause, at))
}

fn plain(clause: &[String], at: usize) -> Option<Named> {
    let words = &clause[at..];
    if let Some(hex) = code(clause, at) {
        return Some(Named { hex, length: 1, is_code: true });
    }
    let named = |length: usize| {
        let name: String = words[..length].iter().map(|word| word.trim_end_matches("'s")).collect();
        let is_name = name != MATERIAL_NAME && name.chars().all(|character| character.is_ascii_alphabetic());
        let css = is_name.then(|| name.parse().ok()).flatten();
        let is_meant = || if length > 1 { !is_of_product(clause, at, length) } else { ends(&words[1..]) };
        let hex = css.or_else(|| shop_color(&name).filter(|_| is_meant()))?;
        Some(Named { hex, length, is_code: false })
    };
    (1..=words.len().min(MAX_NAME_WORDS)).rev().find_map(named)
}

/// Whether the first word of a name is a product that the others describe, as in "make the bottle green".
fn is_of_product(clause: &[String], at: usize, length: usize) -> bool {
    let before = at.checked_sub(1).map(|before| clause[before].as_str());
    let is_thing = before.is_none_or(|word| is_determiner(word) || is_change(word));
    let ends = clause.get(at + length).is_none_or(|word| is_link(word));
    is_thing && ends && PRODUCTS_IN_NAMES.contains(&clause[at].as_str())
}

/// Returns the words of a color, up to the index after its last word, if they are more than the names in them say:
/// "elephant grey", "green brown". With `is_stated`, a preposition before them says that they are a color.
pub(super) fn unknown_name(clause: &[String], words: (usize, usize), is_stated: bool) -> Option<String> {
    let (first, end) = words;
    let begins_before = first.checked_sub(1).filter(|before| {
        let word = clause[*before].as_str();
        let is_owner = before.checked_sub(1).is_some_and(|owner| is_determiner(&clause[owner]));
        let says_nothing =
            is_link(word) || is_of_color(word) || is_determiner(word) || is_filler(word) || is_change(word);
        let is_unknown = !says_nothing && preposition(clause, word).is_none() && color_at(clause, *before).is_none();
        if is_stated { is_unknown } else { !is_owner && (QUALIFIERS.contains(&word) || word.ends_with("ish")) }
    });
    let is_mixed = end - first == 2
        && plain(clause, first).is_some_and(|named| named.length == 1)
        && (first..end).all(|at| BASIC.contains(&clause[at].as_str()));
    let first = begins_before.or(is_mixed.then_some(first))?;
    Some(clause[first..end].join(" "))
}

/// Returns the color of a name after a word such as `dark`, unless CSS has a name for the combination. Black or white
/// is mixed in, like `color-mix()` in sRGB.
fn shaded(clause: &[String], at: usize) -> Option<Named> {
    let (_, mixed, share) = SHADE_WORDS.iter().find(|(word, ..)| *word == clause[at])?;
    clause.get(at + 1)?;
    let plain = plain(clause, at + 1).filter(|named| !named.is_code)?;
    let mix = |channel: u8| (f32::from(channel) * (1.0 - share) + f32::from(*mixed) * share).round() as u8;
    Some(Named { hex: Hex(plain.hex.0.map(mix)), length: plain.length + 1, is_code: false })
}

/// Whether no word follows that the color could describe.
fn ends(behind: &[String]) -> bool {
    behind.first().is_none_or(|word| {
        let is_joined = matches!(
            word.as_str(),
            "color"
                | "colour"
                | "shade"
                | "tone"
                | "please"
                | "and"
                | "but"
                | "instead"
                | "from"
                | "in"
                | "on"
                | "with"
        );
        is_joined || word.starts_with('#') || word.parse::<Hex>().is_ok()
    })
}

/// Returns the color of a word that is a code: `#1e90ff`, `#abc`, `0x1e90ff`, or six hex digits that cannot be a word
/// or a number.
fn code(clause: &[String], at: usize) -> Option<Hex> {
    let word = clause[at].trim_end_matches("'s");
    if word.starts_with('#') {
        return word.parse().ok();
    }
    let (digits, is_marked) = word.strip_prefix("0x").map_or((word, false), |digits| (digits, true));
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let before = at.checked_sub(1).map(|before| clause[before].as_str());
    let is_announced = matches!(before, Some("hex" | "code" | "#"));
    let (has_digit, has_letter) =
        (digits.bytes().any(|byte| byte.is_ascii_digit()), digits.bytes().any(|byte| byte.is_ascii_alphabetic()));
    let follows_link = matches!(before, Some("to" | "into" | "color" | "colour" | "in"));
    let is_certain = is_marked || is_announced || (has_digit && has_letter) || (has_digit && follows_link);
    let is_certain = is_certain || digits.bytes().all(|byte| byte == digits.as_bytes()[0]);
    is_certain.then(|| format!("#{digits}").parse().ok()).flatten()
}

/// Finds a CSS color function in a lowercase text, such as `rgb(30, 144, 255)`. Returns its range in the text and its
/// hex code.
pub(super) fn function(text: &str) -> Option<(Range<usize>, Hex)> {
    ["rgba(", "rgb(", "hsla(", "hsl(", "hwb(", "oklch(", "oklab("].iter().find_map(|name| {
        let from = text.find(name)?;
        let to = from + text[from..].find(')')? + 1;
        let [red, green, blue, _] = csscolorparser::parse(&text[from..to]).ok()?.to_rgba8();
        Some((from..to, Hex([red, green, blue])))
    })
}
