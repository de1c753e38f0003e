//! The colors in instructions: codes, CSS functions and names.

use std::ops::Range;

use crate::color::Hex;

/// A word that is a CSS color but more often describes a material.
const MATERIAL_NAME: &str = "linen";

/// Names that shops use and CSS does not have, with the values from encyclopedias. Many of them are also names of
/// things, so they count only if no word follows that they could describe.
const SHOP_NAMES: &[(&str, [u8; 3])] = &[
    ("amber", [0xFF, 0xBF, 0x00]),
    ("apricot", [0xFB, 0xCE, 0xB1]),
    ("blush", [0xDE, 0x5D, 0x83]),
    ("bronze", [0xCD, 0x7F, 0x32]),
    ("burgundy", [0x80, 0x00, 0x20]),
    ("camel", [0xC1, 0x9A, 0x6B]),
    ("cerulean", [0x00, 0x7B, 0xA7]),
    ("champagne", [0xF7, 0xE7, 0xCE]),
    ("charcoal", [0x36, 0x45, 0x4F]),
    ("cobalt", [0x00, 0x47, 0xAB]),
    ("copper", [0xB8, 0x73, 0x33]),
    ("cream", [0xFF, 0xFD, 0xD0]),
    ("denim", [0x15, 0x60, 0xBD]),
    ("ecru", [0xC2, 0xB2, 0x80]),
    ("emerald", [0x50, 0xC8, 0x78]),
    ("jade", [0x00, 0xA8, 0x6B]),
    ("lilac", [0xC8, 0xA2, 0xC8]),
    ("mahogany", [0xC0, 0x40, 0x00]),
    ("mauve", [0xE0, 0xB0, 0xFF]),
    ("mint", [0x3E, 0xB4, 0x89]),
    ("mustard", [0xFF, 0xDB, 0x58]),
    ("ochre", [0xCC, 0x77, 0x22]),
    ("peach", [0xFF, 0xE5, 0xB4]),
    ("rosegold", [0xB7, 0x6E, 0x79]),
    ("ruby", [0xE0, 0x11, 0x5F]),
    ("rust", [0xB7, 0x41, 0x0E]),
    ("sage", [0xB2, 0xAC, 0x88]),
    ("sapphire", [0x0F, 0x52, 0xBA]),
    ("scarlet", [0xFF, 0x24, 0x00]),
    ("taupe", [0x48, 0x3C, 0x32]),
    ("terracotta", [0xE2, 0x72, 0x5B]),
    ("ultramarine", [0x12, 0x0A, 0x8F]),
    ("vermilion", [0xE3, 0x42, 0x34]),
    ("wine", [0x72, 0x2F, 0x37]),
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
        let shop = || SHOP_NAMES.iter().find(|(known, _)| *known == name && ends(&words[length..]));
        css.or_else(|| shop().map(|(_, hex)| Hex(*hex))).map(|hex| Named { hex, length, is_code: false })
    };
    (1..=words.len().min(3)).rev().find_map(named)
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
