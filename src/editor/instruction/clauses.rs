//! Prompts as lists of clauses, and clauses as lists of words.

use super::colors::{color_at, function};
use super::words::{asks_for_change, begins_clause, is_determiner, is_keep, stays};

/// Symbols and phrases that mean the same as a word.
const MEANINGS: &[(&str, &str)] = &[
    ("-->", " to "),
    ("->", " to "),
    ("=>", " to "),
    ("→", " to "),
    ("⇒", " to "),
    ("➜", " to "),
    ("’", "'"),
    ("instead of", " from "),
    ("in place of", " from "),
    ("rather than", " from "),
    ("everything but ", "everything except "),
    ("all but ", "all except "),
    ("apart from", " except "),
    ("aside from", " except "),
    ("other than", " except "),
    ("with the exception of", " except "),
];

/// Words that begin an exception within a request: "the pot except the lid to blue".
const EXCEPTIONS: &[&str] = &["except", "excluding", "without", "not"];

/// Returns the clauses of a prompt as lowercase words. The words after "and" or "but" are a separate clause if they
/// begin like one.
pub(super) fn clauses(prompt: &str) -> Vec<Vec<String>> {
    let mut text = prompt.to_lowercase();
    while let Some((span, hex)) = function(&text) {
        text.replace_range(span, &format!(" {hex} ").to_lowercase());
    }
    for (phrase, meaning) in MEANINGS {
        text = text.replace(phrase, meaning);
    }
    let parts = sentences(&text).into_iter().flat_map(|sentence| split_at_conjunctions(&sentence));
    let mut clauses: Vec<Vec<String>> = Vec::new();
    for part in parts {
        // "change the pot, except the lid, to blue" is one request with an exception.
        let is_rest = part.first().is_some_and(|word| matches!(word.as_str(), "to" | "into"));
        match clauses.iter_mut().rev().find(|clause| is_rest && is_unfinished(clause)) {
            Some(request) => request.extend(part),
            None => clauses.push(part),
        }
    }
    clauses
}

/// Whether a clause requests a change, but does not say into what.
fn is_unfinished(clause: &[String]) -> bool {
    asks_for_change(clause) && !clause.iter().any(|word| matches!(word.as_str(), "to" | "into"))
}

fn sentences(text: &str) -> Vec<Vec<String>> {
    let mut sentences = vec![Vec::new()];
    let mut word = String::new();
    let mut characters = text.chars().peekable();
    let mut last = ' ';
    while let Some(character) = characters.next() {
        let is_within_number = character == '.'
            && last.is_ascii_digit()
            && word.chars().all(|character| character.is_ascii_digit())
            && characters.peek().is_some_and(char::is_ascii_digit);
        last = character;
        if character.is_alphanumeric() || matches!(character, '#' | '\'') || is_within_number {
            word.push(character);
            continue;
        }
        if let Some(sentence) = sentences.last_mut().filter(|_| !word.is_empty()) {
            sentence.push(std::mem::take(&mut word));
        }
        if matches!(character, ',' | ';' | '!' | '?' | '.' | '\n') {
            sentences.push(Vec::new());
        }
    }
    if let Some(sentence) = sentences.last_mut().filter(|_| !word.is_empty()) {
        sentence.push(word);
    }
    sentences
}

fn split_at_conjunctions(sentence: &[String]) -> Vec<Vec<String>> {
    let mut parts: Vec<Vec<String>> = vec![Vec::new()];
    let at = |index: usize| sentence.get(index).map(String::as_str);
    for (index, word) in sentence.iter().enumerate() {
        let current = parts.last().map_or(&[][..], Vec::as_slice);
        let is_determined = at(index + 1).is_some_and(is_determiner);
        let joins = match word.as_str() {
            // "make the lid and the handle red" has one color for both.
            "and" if is_determined && is_unfinished(current) && !has_color(current) => false,
            "and" | "but" | "while" | "then" | "also" => {
                at(index + 1).is_some_and(|next| begins_clause(next, at(index + 2)))
            }
            "so" | "with" => {
                let begins = is_determined || matches!(at(index + 1), Some("all" | "everything" | "it"));
                begins && stays(&sentence[index..])
            }
            _ => false,
        };
        let ends_exception = matches!(word.as_str(), "to" | "into")
            && current.first().is_some_and(|first| EXCEPTIONS.contains(&first.as_str()));
        let excepts =
            index > 0 && if word == "not" { excepts_thing(sentence, index) } else { is_keep(word, at(index + 1)) };
        if joins {
            parts.push(Vec::new());
        } else if excepts || ends_exception {
            parts.push(vec![word.clone()]);
        } else if let Some(part) = parts.last_mut() {
            part.push(word.clone());
        }
    }
    parts
}

fn has_color(words: &[String]) -> bool {
    (0..words.len()).any(|at| color_at(words, at).is_some())
}

/// Whether "not" at the index `at` is about a thing and not about a color: "the body, not the lid".
fn excepts_thing(words: &[String], at: usize) -> bool {
    let thing = (at + 1..words.len()).find(|next| !is_determiner(&words[*next]));
    thing.is_some_and(|thing| thing > at + 1 && color_at(words, thing).is_none())
}
