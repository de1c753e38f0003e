//! The parser of plain-language instructions that request another color.

mod clauses;
mod colors;
mod named;
mod requested_colors;
mod scope;
mod words;

#[cfg(test)]
mod tests;

use std::str::FromStr;

use crate::color::Hex;

use super::edit::EditError;
use clauses::clauses;
use colors::color_at;
pub(super) use named::NamedPart;
use named::named_part;
pub use requested_colors::{RequestedColors, requested_colors, wanted};
pub use scope::scope;
use words::{Elsewhere, asks_for_change, elsewhere, foreign, is_keep, is_of_color};

/// The changes that an instruction requests.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Instruction {
    /// The changes in order, at least one.
    pub(super) changes: Vec<ColorChange>,
}

/// A change of the color of a part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ColorChange {
    /// The current color, if the instruction names it.
    pub(super) from: Option<Hex>,
    /// The part, if it is named instead of a color.
    pub(super) named: Option<NamedPart>,
    /// The target color.
    pub(super) to: Hex,
    /// Whether the words before the target say that it is one.
    pub(super) is_stated: bool,
}

/// A color in a clause.
#[derive(Clone, Copy, Debug)]
struct Mention {
    hex: Hex,
    role: Role,
    is_code: bool,
    /// The index of the first word in the clause, and the index after the last word.
    words: (usize, usize),
}

/// The role of a color, determined by the words before it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    From,
    To,
    /// "in red" is a target, unless another target follows: "the mug in red to blue".
    In,
    Unstated,
}

impl FromStr for Instruction {
    type Err = EditError;

    fn from_str(prompt: &str) -> Result<Instruction, EditError> {
        let mut changes = Vec::new();
        let mut is_kept = false;
        for clause in clauses(prompt) {
            let Some(begin) = clause.first() else { continue };
            // "keep the lid and the handle" applies until a change is requested.
            is_kept = is_keep(begin, clause.get(1).map(String::as_str)) || (is_kept && !asks_for_change(&clause));
            if is_kept {
                continue;
            }
            if let Some(word) = foreign(&clause) {
                return Err(cannot(&format!("it cannot {word} anything")));
            }
            changes.extend(parts(&clause)?);
        }
        match changes.as_slice() {
            [] => Err(cannot("the instruction names no target color")),
            [_] => Ok(Instruction { changes }),
            several if several.iter().all(|part| part.from.is_some() || part.named.is_some()) => {
                Ok(Instruction { changes })
            }
            _ => Err(cannot("several parts must each be named by their current color")),
        }
    }
}

fn cannot(why: &str) -> EditError {
    EditError::Instruction(format!(
        "this editor only recolors, and {why}; request a color by its hex code or its CSS name, as in: Change the red \
         mug's color to #1E90FF, keep the background"
    ))
}

/// Returns the changes that a clause requests, if it names colors.
fn parts(clause: &[String]) -> Result<Vec<ColorChange>, EditError> {
    let mentions = mentions(clause)?;
    let is_target = |mention: &Mention| matches!(mention.role, Role::To | Role::In);
    let last_target = mentions.iter().rposition(is_target);
    let last_target = last_target.or_else(|| mentions.iter().rposition(|mention| mention.role == Role::Unstated));
    let Some(last_target) = last_target else { return Ok(Vec::new()) };
    if mentions[last_target].role == Role::Unstated && last_target > 0 {
        let between = &clause[mentions[last_target - 1].words.1..mentions[last_target].words.0];
        if matches!(between, [word] if word == "and" || word == "or") {
            return Err(cannot("it cannot tell which of two colors is meant"));
        }
    }
    let mut parts: Vec<ColorChange> = Vec::new();
    let mut source: Option<Mention> = None;
    for (index, mention) in mentions.iter().enumerate() {
        if is_target(mention) || index == last_target {
            let named = named_part(clause, mention.words);
            // The "red mug's handle" is not necessarily red. The "red handle" is.
            let is_of_part = |source: &Mention| {
                let behind = clause.get(source.words.1);
                source.role == Role::From || named.is_none_or(|named| behind.is_some_and(|word| named.is(word)))
            };
            let from = source.take().filter(is_of_part).map(|source| source.hex);
            parts.push(ColorChange { from, named, to: mention.hex, is_stated: is_target(mention) });
        } else if index < last_target {
            source = source.or(Some(*mention));
        } else if let Some(part) = parts.last_mut().filter(|_| mention.role == Role::From) {
            part.from = part.from.or(Some(mention.hex));
        }
    }
    Ok(parts)
}

/// Returns the product's colors that a clause names, in order.
fn mentions(clause: &[String]) -> Result<Vec<Mention>, EditError> {
    let mut mentions: Vec<Mention> = Vec::new();
    let mut index = 0;
    while index < clause.len() {
        let Some(named) = color_at(clause, index) else {
            index += 1;
            continue;
        };
        let words = (index, index + named.length);
        index = words.1;
        match elsewhere(&clause[..words.0], &clause[words.1..]) {
            Some(Elsewhere::Place) => continue,
            Some(Elsewhere::Asked(what)) => return Err(cannot(&format!("the {what} cannot be changed"))),
            None => {}
        }
        let role = role(clause, words.0, mentions.last());
        let mention = Mention { hex: named.hex, role, is_code: named.is_code, words };
        match mentions.last_mut() {
            // "navy (#000080)" and "#1E90FF (ocean blue)" each name one color. The code is the exact value.
            Some(last) if same_color(clause, last, &mention) => {
                let hex = if mention.is_code && !last.is_code { mention.hex } else { last.hex };
                *last =
                    Mention { hex, is_code: last.is_code || mention.is_code, words: (last.words.0, words.1), ..*last };
            }
            _ => mentions.push(mention),
        }
    }
    for index in 1..mentions.len() {
        if mentions[index].role == Role::To && mentions[index - 1].role == Role::In {
            mentions[index - 1].role = Role::From;
        }
    }
    Ok(mentions)
}

/// Whether two mentions mean the same color, because only words of a color name are between them.
fn same_color(clause: &[String], last: &Mention, next: &Mention) -> bool {
    let between = &clause[last.words.1..next.words.0];
    let is_of_code = |word: &String| matches!(word.as_str(), "hex" | "code" | "color" | "colour");
    let is_one = match (last.is_code, next.is_code) {
        (true, true) => last.hex == next.hex,
        // "the #C62828 mug navy" is about a thing that has the first color.
        (true, false) if last.role == Role::Unstated && follows_article(clause, last) => between.is_empty(),
        (true, false) => between.len() <= 2,
        (false, true) => between.iter().all(is_of_code),
        (false, false) => between.is_empty(),
    };
    is_one && !between.iter().any(|word| preposition(clause, word).is_some() || matches!(word.as_str(), "and" | "or"))
}

fn follows_article(clause: &[String], mention: &Mention) -> bool {
    let before = mention.words.0.checked_sub(1).map(|before| clause[before].as_str());
    matches!(before, Some("the" | "this" | "that"))
}

fn preposition(clause: &[String], word: &str) -> Option<Role> {
    // "the mug with the red handle" names a current color. "replace the yellow with teal" names a target.
    const COVERING_VERBS: &[&str] =
        &["replace", "swap", "substitute", "exchange", "paint", "cover", "dye", "coat", "spray"];
    match word {
        // "apply teal to the red mug"
        "to" | "for" if applies_color(clause) => Some(Role::From),
        "use" | "apply" | "substitute" if applies_color(clause) => Some(Role::To),
        "to" | "into" | "become" | "becomes" | "for" => Some(Role::To),
        "with" | "by" if clause.iter().any(|word| COVERING_VERBS.contains(&word.as_str())) => Some(Role::To),
        "in" | "as" => Some(Role::In),
        "from" | "of" | "not" | "replaces" => Some(Role::From),
        _ => None,
    }
}

/// Whether a clause has the verb before the new color, and the thing behind it.
fn applies_color(clause: &[String]) -> bool {
    let swaps = clause.iter().any(|word| word == "for");
    let is_verb = |word: &str| matches!(word, "use" | "apply") || (word == "substitute" && swaps);
    let verb = clause.iter().position(|word| is_verb(word));
    let behind = |verb: usize| (verb + 1..clause.len()).find(|at| !is_of_color(&clause[*at]));
    verb.and_then(behind).is_some_and(|at| color_at(clause, at).is_some())
}

/// Returns the role of a color, determined by the words before it.
fn role(clause: &[String], at: usize, last: Option<&Mention>) -> Role {
    const MAX_WORDS_BEFORE: usize = 4;
    let from = last.map_or(0, |last| last.words.1).max(at.saturating_sub(MAX_WORDS_BEFORE));
    let found = clause[from..at].iter().rev().enumerate().find_map(|(distance, word)| {
        match preposition(clause, word)? {
            // "of the red one" names the color of a part only if "of" is close. "for the red mug" names no target.
            Role::From if matches!(word.as_str(), "of" | "not") && distance > 1 => None,
            Role::To if word == "for" && distance > 0 => None,
            role => Some(role),
        }
    });
    found.unwrap_or(Role::Unstated)
}
