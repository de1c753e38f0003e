//! The parser of plain-language instructions that request another color.

mod clauses;
mod colors;
mod named;
mod requested_colors;
mod scope;
mod surroundings;
mod words;

#[cfg(test)]
mod tests;

use std::str::FromStr;

use crate::color::Hex;

use super::edit::EditError;
use clauses::clauses;
use colors::{color_at, unknown_name};
pub(super) use named::{KeptPart, NamedPart};
use named::{Thing, has_cap, kept_parts, thing};
pub use requested_colors::{RequestedColors, requested_colors, wanted};
pub use scope::scope;
use surroundings::{Elsewhere, elsewhere};
use words::{asks_for_change, foreign, is_keep, is_of_color, is_preposition, pattern, stays};

/// The changes that an instruction requests.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Instruction {
    /// The changes in order, at least one.
    pub(super) changes: Vec<ColorChange>,
    /// The parts that must not change.
    pub(super) kept: Vec<KeptPart>,
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
        let mut kept = Vec::new();
        let mut is_kept = false;
        let clauses = clauses(prompt);
        // "paint the cap red, keep the bottle" is about a part of the bottle.
        let names_owner = clauses.iter().flatten().any(|word| has_cap(word));
        for clause in clauses {
            let Some(begin) = clause.first() else { continue };
            // "keep the lid and the handle" applies until a change is requested.
            is_kept = is_keep(begin, clause.get(1).map(String::as_str)) || (is_kept && !asks_for_change(&clause));
            if is_kept || stays(&clause) {
                kept.extend(kept_parts(&clause).map_err(|part| {
                    cannot(&format!(
                        "it cannot keep the {part} apart from the rest; name its color, if it has another one"
                    ))
                })?);
                continue;
            }
            if let Some(word) = foreign(&clause) {
                return Err(cannot(&format!("it cannot {word} anything")));
            }
            changes.extend(parts(&clause, names_owner || !changes.is_empty())?);
        }
        let is_whole = |part: &&ColorChange| part.from.is_none() && part.named.is_none();
        match changes.len() {
            0 => Err(cannot("the instruction names no target color")),
            1 => Ok(Instruction { changes, kept }),
            _ if changes.iter().filter(is_whole).count() <= 1 => Ok(Instruction { changes, kept }),
            _ => Err(cannot("several parts must each be named by their current color")),
        }
    }
}

/// The end of each refusal.
const EXAMPLE: &str = ". An example: Change the red mug to #1E90FF, keep the background";

fn cannot(why: &str) -> EditError {
    EditError::Instruction(format!("this editor only recolors, and {why}{EXAMPLE}"))
}

/// Returns the changes that a clause requests, if it names colors. With `is_further`, another clause has named the
/// product.
fn parts(clause: &[String], is_further: bool) -> Result<Vec<ColorChange>, EditError> {
    let mentions = mentions(clause)?;
    let is_stated = |mention: &Mention| matches!(mention.role, Role::To | Role::In);
    let last_target = mentions.iter().rposition(is_stated);
    let last_target = last_target.or_else(|| mentions.iter().rposition(|mention| mention.role == Role::Unstated));
    let Some(last_target) = last_target else { return Ok(Vec::new()) };
    if let Some(pattern) = pattern(clause) {
        return Err(cannot(&format!("it cannot paint a pattern ({pattern})")));
    }
    let joins = |words: &[String]| words.iter().any(|word| matches!(word.as_str(), "with" | "and" | "plus"));
    // "a red mug with a blue handle" requests both.
    let is_description = mentions.iter().all(|mention| mention.role == Role::Unstated)
        && (!asks_for_change(clause) || mentions.iter().all(|mention| describes(clause, mention)))
        && mentions.windows(2).all(|two| joins(&clause[two[0].words.1..two[1].words.0]));
    let mut parts: Vec<ColorChange> = Vec::new();
    let mut source: Option<Mention> = None;
    for (index, mention) in mentions.iter().enumerate() {
        let between = mentions[..index].last().map(|last| &clause[last.words.1..mention.words.0]);
        let is_additional = index > last_target && mention.role == Role::Unstated && {
            let Some(between) = between else { continue };
            if is_alternative(between) || !describes(clause, mention) {
                return Err(cannot("it cannot tell which of two colors is meant"));
            }
            joins(between)
        };
        let is_target = is_stated(mention) || index == last_target || is_additional || is_description;
        if is_target || is_complement(clause, mention) {
            if index == last_target && mention.role == Role::Unstated && between.is_some_and(is_alternative) {
                return Err(cannot("it cannot tell which of two colors is meant"));
            }
            let change = change(clause, mention, source.take(), is_further || !parts.is_empty())?;
            if is_additional && change.named.is_none() {
                return Err(cannot(&format!("it cannot tell what should be {}", clause[mention.words.0..].join(" "))));
            }
            parts.push(change);
        } else if index < last_target {
            source = source.or(Some(*mention).filter(|mention| !is_aside(clause, mention)));
        } else if let Some(part) = parts.last_mut().filter(|_| mention.role == Role::From) {
            part.from = part.from.or(Some(mention.hex));
        }
    }
    Ok(parts)
}

/// Returns the change to the color of `mention`, from that of `source` if it is the color of the same part.
fn change(
    clause: &[String],
    mention: &Mention,
    source: Option<Mention>,
    is_further: bool,
) -> Result<ColorChange, EditError> {
    let is_stated = matches!(mention.role, Role::To | Role::In);
    if let Some(name) = unknown_name(clause, mention.words, is_stated).filter(|_| !mention.is_code) {
        return Err(cannot(&format!("it does not know the color {name}; give its hex code")));
    }
    let thing = thing(clause, mention.words, is_further);
    // The "red mug's handle" is not necessarily red. The "red handle" is.
    let is_of_thing = |source: &Mention| {
        let behind = clause.get(source.words.1);
        source.role == Role::From || thing.as_ref().is_none_or(|thing| behind.is_some_and(|word| thing.is(word)))
    };
    let from = source.filter(is_of_thing).map(|source| source.hex);
    let named = match thing {
        Some(Thing::Other(name)) if from.is_none() => {
            return Err(cannot(&format!("it cannot find the {name} unless the current color is named")));
        }
        Some(Thing::Several) => return Err(cannot("it changes one part at a time; write each with its color")),
        Some(Thing::Part(named)) => Some(named),
        _ => None,
    };
    Ok(ColorChange { from, named, to: mention.hex, is_stated })
}

/// Whether only a conjunction is between two colors.
fn is_alternative(between: &[String]) -> bool {
    between.is_empty() || matches!(between, [word] if word == "and" || word == "or")
}

/// Whether a thing that has the color follows it: "the red mug".
fn describes(clause: &[String], mention: &Mention) -> bool {
    clause.get(mention.words.1).is_some_and(|word| !is_preposition(word))
}

/// Whether a color is what the thing before it should become, and is followed by another part: "make the mug red with a
/// blue lid".
fn is_complement(clause: &[String], mention: &Mention) -> bool {
    let behind = &clause[mention.words.1..];
    let joins = behind.first().is_some_and(|word| match word.as_str() {
        "with" => preposition(clause, word).is_none(),
        "and" => behind.get(1).is_some_and(|_| color_at(behind, 1).is_none()),
        "inside" | "outside" => behind.get(1).is_none_or(|next| next == "and" || next == "with"),
        _ => false,
    });
    mention.role == Role::Unstated && joins && asks_for_change(clause) && !is_aside(clause, mention)
}

/// Whether a color belongs to something that only describes the product: "the mug with the red handle".
fn is_aside(clause: &[String], mention: &Mention) -> bool {
    let mut before = clause[..mention.words.0].iter().rev().take(2);
    mention.role == Role::Unstated && describes(clause, mention) && before.any(|word| word == "with")
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
    // "the chair #E1AD01 with black legs" is about two things.
    let joins = |word: &str| matches!(word, "and" | "or" | "with" | "plus");
    is_one && !between.iter().any(|word| preposition(clause, word).is_some() || joins(word))
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
