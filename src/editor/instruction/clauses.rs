//! Prompts as lists of clauses, and clauses as lists of words.

use super::colors::function;
use super::words::{begins_clause, is_keep};

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
];

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
    sentences(&text).iter().flat_map(|sentence| split_at_conjunctions(sentence)).collect()
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
    let mut parts = vec![Vec::new()];
    let at = |index: usize| sentence.get(index).map(String::as_str);
    for (index, word) in sentence.iter().enumerate() {
        let joins = matches!(word.as_str(), "and" | "but" | "while" | "then" | "also");
        if joins && at(index + 1).is_some_and(|next| begins_clause(next, at(index + 2))) {
            parts.push(Vec::new());
        } else if index > 0 && is_keep(word, at(index + 1)) && word != "not" {
            parts.push(vec![word.clone()]);
        } else if let Some(part) = parts.last_mut() {
            part.push(word.clone());
        }
    }
    parts
}
