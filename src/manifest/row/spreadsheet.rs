//! What is left of a cell when a spreadsheet has had its way with it.

use memchr::memchr_iter;

use crate::job::is_shortened_number;
use crate::manifest::diagnostic::quoted;
use crate::manifest::whitespace::trim;

/// The way out where a spreadsheet took a hex without its `#` for a number: `008080` is 8080 then.
pub(super) fn lost_in_a_spreadsheet(text: &str) -> Option<String> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && (1..6).contains(&text.len()) {
        return Some(format!(
            "write `#` before the hex digits; if a spreadsheet took away zeros, it was `#{text:0>6}`"
        ));
    }
    is_shortened_number(text).then(|| "a spreadsheet took the hex for a number: write it with `#` in front".to_owned())
}

/// Why a cell has not the text that it should have.
pub(in crate::manifest) struct Lost {
    pub(in crate::manifest) message: String,
    pub(in crate::manifest) hint: String,
}

impl Lost {
    fn new(text: &str, what: &str, hint: impl Into<String>) -> Option<Lost> {
        Some(Lost { message: format!("{} {what}", quoted(text)), hint: hint.into() })
    }
}

/// What is to be said of a cell that has a formula in it, what is left of one that failed, or a mark of the program that
/// wrote it in place of its text.
pub(in crate::manifest) fn lost(text: &str) -> Option<Lost> {
    let text = trim(text);
    // Few cells begin like that, and all of them are looked at.
    match text.as_bytes() {
        [b'=', b'A'..=b'Z' | b'a'..=b'z' | b'"' | b'$' | b'(', ..] => Lost::new(
            text,
            "is a formula, and not what it comes to",
            "save the table out of the spreadsheet, which writes what the cells show",
        ),
        [b'#' | b'E', ..] if is_formula_error(text) => {
            Lost::new(text, "is what a spreadsheet shows for a formula that failed", MEND_FORMULA)
        }
        [b'#', b'#', rest @ ..] if rest.iter().all(|byte| *byte == b'#') => Lost::new(
            text,
            "is what a spreadsheet shows where a column is too narrow",
            "make the column wider, and save the table again",
        ),
        [b'\'', rest @ ..] if !rest.is_empty() && !rest.contains(&b'\'') => Lost::new(
            text,
            "begins with the `'` that marks a text in spreadsheets",
            format!("write {}: the mark is not part of it", quoted(&text[1..])),
        ),
        [b'L', ..] if matches!(text, "Loading..." | "Loading…") => Lost::new(
            text,
            "is what a spreadsheet shows before a formula is done",
            "wait until all cells are there, and export the table again",
        ),
        [b'[', ..] if text == "[object Object]" => Lost::new(
            text,
            "is what a program writes for an object that has no text",
            "write out the part of it that is meant",
        ),
        _ => None,
    }
}

/// The way out of a formula that failed.
pub(in crate::manifest) const MEND_FORMULA: &str = "fix the formula in the spreadsheet, and save it again";

/// What is to be said of a text that holds what is left of a formula that failed, for others have put it together: `Change the
/// #N/A to red`.
pub(in crate::manifest) fn failed_formula(text: &str) -> Option<String> {
    let failed = memchr_iter(b'#', text.as_bytes()).find_map(|at| failed_at(&text[at..]))?;
    Some(format!("holds {}, what is left of a formula that failed", quoted(failed)))
}

/// The failed formula that `text` begins with. Inside of a text the looks of a name alone say too little, for people write
/// `#SALE!` as well.
fn failed_at(text: &str) -> Option<&str> {
    let behind = &text[1..];
    // Nearly all are hex colors and numbers.
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

/// Whether a text is what spreadsheets leave where a formula failed: `#REF!`, `#NAME?`, `#N/A`, `Err:502`, in whatever
/// language they speak.
fn is_formula_error(text: &str) -> bool {
    if let Some(number) = text.strip_prefix("Err:") {
        return !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    }
    let Some(name) = text.strip_prefix('#') else { return false };
    let is_name = |name: &str| {
        let is_letter =
            |letter: char| letter.is_uppercase() || letter.is_numeric() || matches!(letter, '/' | '_' | '.');
        let name = name.strip_prefix(['¡', '¿']).unwrap_or(name);
        // A hex color may have a mark behind it as well.
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

/// What failed formulas show in some languages, and a hashtag could be by its looks: that there is no value, or not yet.
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

/// What stands before the mark where a formula failed, in the languages of most spreadsheets.
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
    fn a_failed_formula_inside_of_a_text_is_told_in_any_language() {
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
                failed_formula(&format!("Change the {failed} to red")).is_some_and(|said| said.contains(failed)),
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
