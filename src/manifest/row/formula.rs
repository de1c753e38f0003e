//! Detects the errors that spreadsheets show in place of a failed formula.

use memchr::memchr_iter;

use crate::manifest::diagnostic::quoted;

/// The hint for a formula that failed.
pub(in crate::manifest) const FORMULA_HINT: &str = "fix the formula in the spreadsheet, and save it again";

/// Returns the message for a text that contains the error of a failed formula, because another formula inserted it:
/// `Change the #N/A to red`.
pub(in crate::manifest) fn failed_formula(text: &str) -> Option<String> {
    let failed = memchr_iter(b'#', text.as_bytes()).find_map(|at| failed_at(&text[at..]))?;
    Some(format!("contains {}, the result of a failed formula", quoted(failed)))
}

/// Returns the error of a failed formula that `text` starts with. Only known errors count, because people also write
/// `#SALE!` in a text.
fn failed_at(text: &str) -> Option<&str> {
    let behind = &text[1..];
    // Nearly all texts continue with a hex color or a number.
    if behind.starts_with(|first: char| first.is_ascii_digit() || first.is_ascii_lowercase()) {
        return None;
    }
    let is_of_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '/' | '_' | '.' | '¡' | '¿');
    let name = &behind[..behind.find(|letter| !is_of_name(letter)).unwrap_or(behind.len())];
    let whole = match behind[name.len()..].starts_with(['!', '?']) {
        true => &text[..1 + name.len() + 1],
        false => text[..1 + name.len()].trim_end_matches('.'),
    };
    let is_failed = match whole.ends_with(['!', '?']) {
        true => ERRORS_WITH_MARKS.contains(&name),
        false => ERRORS_AS_WORDS.contains(&&whole[1..]),
    };
    is_failed.then_some(whole)
}

/// Whether a text is the error that spreadsheets show for a failed formula, in any language: `#REF!`, `#NAME?`, `#N/A`,
/// `Err:502`.
pub(in crate::manifest) fn is_formula_error(text: &str) -> bool {
    if let Some(number) = text.strip_prefix("Err:") {
        return !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    }
    let Some(name) = text.strip_prefix('#') else { return false };
    let is_name = |name: &str| {
        let is_letter =
            |letter: char| letter.is_uppercase() || letter.is_numeric() || matches!(letter, '/' | '_' | '.');
        let name = name.strip_prefix(['¡', '¿']).unwrap_or(name);
        // A hex color may also end in a mark.
        !name.is_empty() && name.chars().all(is_letter) && !name.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let is_abbreviation = |(one, other): (&str, &str)| {
        let is_short = |part: &str| (1..=4).contains(&part.chars().count()) && part.chars().all(char::is_uppercase);
        is_short(one) && is_short(other)
    };
    name.strip_suffix(['!', '?']).is_some_and(is_name)
        || name.split_once('/').is_some_and(is_abbreviation)
        || ERRORS_AS_WORDS.contains(&name)
}

/// Errors that look like hashtags in some languages: the value is not available, or not yet.
const ERRORS_AS_WORDS: [&str; 15] = [
    "N/A",
    "N/D",
    "N/B",
    "I/T",
    "Н/Д",
    "NV",
    "YOK",
    "HIÁNYZIK",
    "NENÍ_K_DISPOZICI",
    "NIE_JE_K_DISPOZÍCII",
    "IKKE.TILG",
    "IKKE.TILGJENGELIG",
    "NIJE_DOSTUPNO",
    "GETTING_DATA",
    "PUUTTUU",
];

/// Errors that end in a mark, without this mark, in the languages of most spreadsheets.
const ERRORS_WITH_MARKS: [&str; 66] = [
    "DIV/0",
    "ДЕЛ/0",
    "¡DIV/0",
    "¡REF",
    "¡VALOR",
    "¡NUM",
    "¡NULO",
    "¿NOMBRE",
    "REF",
    "VALUE",
    "NAME",
    "NULL",
    "NUM",
    "SPILL",
    "CALC",
    "ERROR",
    "FIELD",
    "BLOCKED",
    "UNKNOWN",
    "EXTERNAL",
    "ARG",
    "BEZUG",
    "WERT",
    "ZAHL",
    "FELD",
    "ÜBERLAUF",
    "BLOCKIERT",
    "KALK",
    "NOM",
    "VALEUR",
    "NOMBRE",
    "PROPAGATION",
    "VALOR",
    "NULO",
    "NÚM",
    "DESBORDAMIENTO",
    "CAMPO",
    "VALORE",
    "NOME",
    "RIF",
    "NULLO",
    "NUL",
    "WAARDE",
    "NAAM",
    "VERW",
    "GETAL",
    "ADR",
    "NAZWA",
    "LICZBA",
    "SAKNAS",
    "VÄRDEFEL",
    "NAMN",
    "REFERENS",
    "OGILTIGT",
    "VERDI",
    "NAVN",
    "VÆRDI",
    "ARVO",
    "NIMI",
    "ССЫЛКА",
    "ЗНАЧ",
    "ИМЯ",
    "ЧИСЛО",
    "HODNOTA",
    "NÁZEV",
    "DEĞER",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_formulas_in_texts_are_found_in_any_language() {
        for failed in [
            "#N/A",
            "#REF!",
            "#DIV/0!",
            "#N/D",
            "#NV",
            "#¡VALOR!",
            "#¿NOMBRE?",
            "#ZAHL!",
            "#N/B",
            "#I/T",
            "#SAKNAS!",
            "#Н/Д",
            "#FIELD!",
            "#ARG!",
            "#ДЕЛ/0!",
        ] {
            assert!(
                failed_formula(&format!("Change the {failed} to red")).is_some_and(|message| message.contains(failed)),
                "{failed}"
            );
            assert!(failed_formula(&format!("to {failed}")).is_some(), "{failed}");
        }
        for text in [
            "#1E90FF!",
            "make it #FACADE?",
            "#summer",
            "#SALE!",
            "#1",
            "#S/M",
            "#NVIDIA",
            "no Err: 5",
            "Error:500",
            "Err:404",
            "#AC/DC!",
            "#¡OLÉ!",
            "#PYTHON!",
            "#é",
            "#",
        ] {
            assert_eq!(failed_formula(text), None, "{text}");
        }
    }
}
