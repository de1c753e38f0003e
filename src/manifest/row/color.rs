use crate::job::Hex;
use crate::manifest::suggest;

use super::nothing::stands_for_nothing;
use super::spreadsheet::lost_in_a_spreadsheet;

/// Parses a hex or CSS color. If that fails, returns a hint.
pub(super) fn color(text: &str) -> Result<Hex, String> {
    if let Some(color) = hex_in_capitals(text) {
        return Ok(color);
    }
    let expected = || "a hex color such as #1E90FF, or a CSS color name".to_owned();
    if let Some(hint) = lost_in_a_spreadsheet(text) {
        return Err(hint);
    }
    if is_beyond(text) {
        return Err("each of red, green and blue is from 0 to 255".to_owned());
    }
    let parsed = csscolorparser::parse(text).map_err(|_| {
        let name = text.to_lowercase();
        if let Some(hint) = nearly_a_color(text) {
            return hint;
        }
        if let Some((_, english)) = TRANSLATIONS.iter().find(|(foreign, _)| *foreign == name) {
            return format!("write `{english}`, as CSS calls it, or the exact hex");
        }
        let names = csscolorparser::NAMED_COLORS.keys().map(|name| name.as_str());
        match suggest::nearest(text, names.clone()) {
            Some(near) if is_slip(&name, near) => format!("did you mean `{near}`?"),
            _ => match name.split([' ', '-']).next().filter(|first| first.len() < name.len()) {
                Some(first) if names.clone().any(|known| known == first) => {
                    format!("CSS knows `{first}`; for another shade, write its hex")
                }
                _ => expected(),
            },
        }
    })?;
    match parsed.to_rgba8() {
        [red, green, blue, 255] => Ok(Hex([red, green, blue])),
        _ => Err("a requested color has no transparency: write six hex digits".to_owned()),
    }
}

/// Returns the hint for a text that resembles a color.
fn nearly_a_color(text: &str) -> Option<String> {
    let digits = text.trim_matches(|sign: char| !sign.is_alphanumeric());
    let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).unwrap_or(digits);
    let is_hex = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex(digits) && digits.len() < text.len() {
        return Some(match digits.len() {
            3 | 6 => format!("write `#{digits}`"),
            count => format!("it has {count} hex digits, and a color has six"),
        });
    }
    let zeros = digits.replace(['O', 'o'], "0");
    if zeros.len() == 6 && is_hex(&zeros) && digits.contains(|sign: char| sign.is_ascii_digit()) {
        return Some(format!("did you mean `#{zeros}`? It has the letter O in the place of a zero"));
    }
    if let Some(hex) = hex_of_parts(text) {
        return Some(format!("write `{hex}`"));
    }
    if matches!(text, "-" | "--" | "?" | "—" | "–") || stands_for_nothing(text) {
        return Some("leave the cell empty if no color is requested".to_owned());
    }
    let colors = text.split(['/', ',', ';', '|', '&', '+']).filter(|color| !color.trim().is_empty());
    if colors.count() > 1 && !text.contains('(') {
        return Some("a job has one color: write a row for each of them".to_owned());
    }
    let is_of = |fan: &str| text.get(..fan.len()).is_some_and(|start| start.eq_ignore_ascii_case(fan));
    let is_of_a_fan = ["pantone", "pms ", "ral ", "ncs ", "hks "].into_iter().any(is_of);
    is_of_a_fan.then(|| "write the hex that it has on screens, as in #1E90FF".to_owned())
}

/// Returns the hex color for red, green and blue as people write them: `30, 144, 255`, `RGB 30 144 255`.
fn hex_of_parts(text: &str) -> Option<String> {
    let is_between = |sign: char| matches!(sign, ' ' | ',' | ';' | '(' | ')' | ':' | '/' | '-');
    let parts = text.get(..3).filter(|start| start.eq_ignore_ascii_case("rgb")).map_or(text, |_| &text[3..]);
    let parts: Vec<&str> = parts.split(is_between).filter(|part| !part.is_empty()).collect();
    let [red, green, blue] = parts[..] else { return None };
    let part = |part: &str| part.parse::<u8>().ok();
    Some(format!("#{:02X}{:02X}{:02X}", part(red)?, part(green)?, part(blue)?))
}

/// Whether a color such as `rgb(300, 0, 0)` has a component that is out of range.
fn is_beyond(text: &str) -> bool {
    let parts = text.get(..3).filter(|start| start.eq_ignore_ascii_case("rgb")).and_then(|_| text.split_once('('));
    let mut parts = parts.map_or("", |(_, parts)| parts).split([',', ' ', '/', ')']).filter(|part| !part.is_empty());
    parts.any(|part| part.parse::<f64>().is_ok_and(|part| !(0.0..=255.0).contains(&part)))
}

/// Parses a color in the most common form, `#RRGGBB` in capitals.
pub(super) fn hex_in_capitals(text: &str) -> Option<Hex> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let is_plain = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'));
    is_plain.then(|| Hex::from_digits(digits)).flatten()
}

/// Whether a word is a misspelling of another one. Short words allow fewer typos, because similar ones name different
/// colors.
fn is_slip(typed: &str, meant: &str) -> bool {
    let slips = match meant.chars().count() {
        0..=6 => 1,
        7..=10 => 2,
        _ => 3,
    };
    strsim::osa_distance(&typed.replace([' ', '-', '_'], ""), meant) <= slips
}

/// Names of colors in German, French, Spanish and Italian, and their names in CSS.
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
