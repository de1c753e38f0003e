use std::borrow::Cow;

use crate::manifest::suggest;

use super::spreadsheet::lost_in_a_spreadsheet;

/// `text`, a hex or CSS color, as `#RRGGBB` in capitals; otherwise a hint.
pub(super) fn color(text: &str) -> Result<Cow<'_, str>, String> {
    if is_hex_in_capitals(text) {
        return Ok(Cow::Borrowed(text));
    }
    let expected = || "a hex color such as #1E90FF, or a CSS color name".to_owned();
    if let Some(hint) = lost_in_a_spreadsheet(text) {
        return Err(hint);
    }
    let parsed = csscolorparser::parse(text).map_err(|_| {
        let name = text.to_lowercase();
        if let Some((_, english)) = TRANSLATIONS.iter().find(|(foreign, _)| *foreign == name) {
            return format!("write `{english}`, as CSS calls it, or the hex of the very color");
        }
        let names = csscolorparser::NAMED_COLORS.keys().map(|name| name.as_str());
        match suggest::nearest(text, names) {
            Some(near) if is_slip(&name, near) => format!("did you mean `{near}`?"),
            _ => expected(),
        }
    })?;
    match parsed.to_rgba8() {
        [red, green, blue, 255] => Ok(Cow::Owned(format!("#{red:02X}{green:02X}{blue:02X}"))),
        _ => Err("a color to reach has no transparency: write six hex digits".to_owned()),
    }
}

/// Whether a text is a color as it is sent on.
pub(super) fn is_hex_in_capitals(text: &str) -> bool {
    matches!(text.as_bytes(), [b'#', digits @ ..] if digits.len() == 6
        && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F')))
}

/// Whether a word is another one with a slip in it. Short words that have some letters in common are different colors.
fn is_slip(typed: &str, meant: &str) -> bool {
    let slips = match meant.chars().count() {
        0..=6 => 1,
        7..=10 => 2,
        _ => 3,
    };
    strsim::osa_distance(&typed.replace([' ', '-', '_'], ""), meant) <= slips
}

/// What colors are called in German, French, Spanish and Italian, and in CSS.
const TRANSLATIONS: [(&str, &str); 64] = [
    ("rot", "red"),
    ("blau", "blue"),
    ("grün", "green"),
    ("gruen", "green"),
    ("gelb", "yellow"),
    ("schwarz", "black"),
    ("weiß", "white"),
    ("weiss", "white"),
    ("grau", "gray"),
    ("braun", "brown"),
    ("lila", "purple"),
    ("violett", "violet"),
    ("rosa", "pink"),
    ("türkis", "turquoise"),
    ("tuerkis", "turquoise"),
    ("silber", "silver"),
    ("oliv", "olive"),
    ("weinrot", "maroon"),
    ("marineblau", "navy"),
    ("himmelblau", "skyblue"),
    ("hellblau", "lightblue"),
    ("dunkelblau", "darkblue"),
    ("hellgrün", "lightgreen"),
    ("dunkelgrün", "darkgreen"),
    ("hellgrau", "lightgray"),
    ("dunkelgrau", "darkgray"),
    ("dunkelrot", "darkred"),
    ("rouge", "red"),
    ("bleu", "blue"),
    ("vert", "green"),
    ("jaune", "yellow"),
    ("noir", "black"),
    ("blanc", "white"),
    ("gris", "gray"),
    ("marron", "brown"),
    ("brun", "brown"),
    ("rose", "pink"),
    ("argent", "silver"),
    ("doré", "gold"),
    ("bordeaux", "maroon"),
    ("rojo", "red"),
    ("roja", "red"),
    ("azul", "blue"),
    ("verde", "green"),
    ("amarillo", "yellow"),
    ("amarilla", "yellow"),
    ("negro", "black"),
    ("negra", "black"),
    ("blanco", "white"),
    ("blanca", "white"),
    ("marrón", "brown"),
    ("morado", "purple"),
    ("naranja", "orange"),
    ("plata", "silver"),
    ("dorado", "gold"),
    ("celeste", "skyblue"),
    ("turquesa", "turquoise"),
    ("rosso", "red"),
    ("blu", "blue"),
    ("giallo", "yellow"),
    ("nero", "black"),
    ("bianco", "white"),
    ("grigio", "gray"),
    ("arancione", "orange"),
];
