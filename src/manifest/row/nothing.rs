//! Texts without content: what programs write for a missing value, and what people note in its place.

use crate::job::is_shortened_number;
use crate::manifest::whitespace::is_invisible;

/// Whether a text is what data frames and programs write for a missing value.
pub(super) fn stands_for_nothing(text: &str) -> bool {
    match text.len() {
        3 => ["nan", "n/a", "nil"].iter().any(|word| text.eq_ignore_ascii_case(word)),
        4 => ["null", "none"].iter().any(|word| text.eq_ignore_ascii_case(word)),
        9 => text.eq_ignore_ascii_case("undefined"),
        _ => false,
    }
}

/// Whether a cell is what data frames and databases write for a missing value, and cannot be a word. `none` may be a
/// pattern, `NA` a country and `NAN` a brand, and a template may insert `-` and `N/A` as words.
pub(in crate::manifest) fn is_missing_value(cell: &str) -> bool {
    const MISSING_VALUES: [&str; 9] = ["NULL", "null", "(null)", "(NULL)", "NaN", "nan", "undefined", "\\N", "<NA>"];
    cell.len() <= "undefined".len() && MISSING_VALUES.contains(&cell)
}

/// Whether a prompt is not an instruction, but a note that there is none yet, a reference to another row, a price, a
/// number, or a text without words.
pub(super) fn asks_for_nothing(text: &str) -> bool {
    const NOTES: [&str; 34] = [
        "na",
        "n.a.",
        "k.a.",
        "nat",
        "\\n",
        "tbd",
        "todo",
        "x",
        "xxx",
        "y",
        "n",
        "ok",
        "yes",
        "no",
        "ja",
        "nein",
        "oui",
        "non",
        "true",
        "false",
        "ditto",
        "dito",
        "dto",
        "idem",
        "same",
        "s.o.",
        "as above",
        "see above",
        "see below",
        "same as above",
        "siehe oben",
        "wie oben",
        "blank",
        "empty",
    ];
    let is_note = |text: &str| NOTES.iter().any(|note| text.eq_ignore_ascii_case(note));
    let bare = text.trim_matches(['<', '>', '[', ']', '(', ')', '-', '.']);
    !text.chars().any(says_something)
        || [text, bare].into_iter().any(|text| stands_for_nothing(text) || is_note(text))
        || text.trim_start_matches('-').starts_with("1.#")
        || is_shortened_number(text)
        || is_price(text)
        || is_another_row(text)
}

/// Whether a character may be part of an instruction: a letter, a symbol that stands for a word, as in Chinese, or a
/// pictogram.
fn says_something(character: char) -> bool {
    match character {
        '#' => true,
        '\0'..='\u{7F}' => character.is_ascii_alphabetic(),
        // Hearts, colored circles and similar symbols, but no check marks.
        '\u{2600}'..='\u{2712}' | '\u{2719}'..='\u{27BF}' | '\u{2801}'..='\u{28FF}' => true,
        '\u{2B1B}' | '\u{2B1C}' | '\u{2B50}' => true,
        // Punctuation, currencies, arrows, lines and bullets, then Chinese and Japanese punctuation.
        '\u{80}'..='\u{BF}' | '×' | '÷' | '\u{2000}'..='\u{2BFF}' => false,
        '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}' | '\u{FE0E}' | '\u{FE0F}' => false,
        '\u{FF01}'..='\u{FF20}' | '\u{FF3B}'..='\u{FF40}' | '\u{FF5B}'..='\u{FF65}' | '\u{FFE0}'..='\u{FFEF}' => false,
        '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{3164}' | '\u{FFA0}' => false,
        _ => !is_invisible(character) && !character.is_whitespace(),
    }
}

/// Whether a text is an amount of money: `14.90 USD`, `CHF 12.-`.
fn is_price(text: &str) -> bool {
    const CURRENCIES: [&str; 20] = [
        "EUR", "USD", "GBP", "CHF", "JPY", "CNY", "RMB", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "AUD", "CAD",
        "INR", "BRL", "TRY", "KR",
    ];
    let mut words = text.split(|sign: char| !sign.is_alphabetic()).filter(|word| !word.is_empty());
    let is_currency = |word: &str| CURRENCIES.iter().any(|currency| word.eq_ignore_ascii_case(currency));
    words.next().is_some_and(is_currency) && words.next().is_none() && text.contains(|sign: char| sign.is_ascii_digit())
}

/// Whether a text refers to another row: `see row 2`.
fn is_another_row(text: &str) -> bool {
    const BEGINNINGS: [&str; 8] =
        ["see row", "see line", "see cell", "same as row", "same as line", "like row", "siehe zeile", "wie zeile"];
    let before = text.trim_end_matches(|sign: char| sign.is_ascii_digit() || matches!(sign, ' ' | '.' | '#'));
    before.len() < text.len() && BEGINNINGS.iter().any(|beginning| before.eq_ignore_ascii_case(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_that_request_nothing_are_distinguished_from_short_prompts() {
        for nothing in [
            "—",
            "–",
            "”",
            "〃",
            "↑",
            "✓",
            "•",
            "？",
            "...",
            "…",
            "\u{3164}",
            "14,90 €",
            "€14.90",
            "£9",
            "EUR 5",
            "14.90 USD",
            "CHF 12.-",
            "1.234,50 €",
            "\\N",
            "<NA>",
            "[NULL]",
            "<null>",
            "(blank)",
            "NaT",
            "-nan",
            "1.#QNAN",
            "x",
            "yes",
            "no",
            "4.00638E+12",
            "1E+05",
            "same",
            "see row 2",
            "Ditto.",
            "n.a.",
            "s.o.",
            "Same as above.",
        ] {
            assert!(asks_for_nothing(nothing), "{nothing}");
        }
        for prompt in [
            "red",
            "#1E90FF",
            "20% darker",
            "赤",
            "紅色",
            "κόκκινο",
            "красный",
            "🔴",
            "⚫",
            "❤️",
            "a",
            "Añil",
            "5 EUR coin",
            "no handle",
            "see-through",
            "same, in red",
            "rosso!",
            "1 row",
            "kr",
            "x-ray",
        ] {
            assert!(!asks_for_nothing(prompt), "{prompt}");
        }
    }
}
