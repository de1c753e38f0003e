//! Instructions in plain words, as far as they ask for another color.

use std::str::FromStr;

use crate::color::Hex;

use super::EditError;

/// What an instruction asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Instruction {
    /// One after the other, at least one.
    pub(super) changes: Vec<Part>,
}

/// A part that changes its color.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Part {
    /// The color that it has, if that is said.
    pub(super) from: Option<Hex>,
    /// The color that it gets.
    pub(super) to: Hex,
}

/// Words that ask for a change of color.
const CHANGE: &[&str] = &[
    "change",
    "make",
    "turn",
    "recolor",
    "recolour",
    "paint",
    "repaint",
    "dye",
    "color",
    "colour",
    "tint",
    "convert",
    "set",
    "give",
    "render",
    "replace",
    "swap",
    "show",
    "switch",
    "transform",
    "update",
    "modify",
    "adjust",
    "shift",
];

/// Words that begin what is to stay as it is.
const KEEP: &[&str] = &[
    "keep",
    "keeping",
    "preserve",
    "preserving",
    "leave",
    "leaving",
    "maintain",
    "maintaining",
    "retain",
    "retaining",
    "don't",
    "dont",
    "do",
    "without",
    "except",
    "not",
];

/// Words that ask for what this editor does not do.
const FOREIGN: &[&str] = &[
    "add", "remove", "delete", "erase", "put", "place", "insert", "move", "rotate", "flip", "crop", "zoom", "blur",
    "sharpen", "draw", "write", "generate", "create", "extend", "expand", "enlarge", "shrink", "resize", "wear",
];

/// Words after a color that say whose it is, and that it is none to change or to reach.
const SURROUNDINGS: &[&str] = &[
    "background",
    "backdrop",
    "floor",
    "wall",
    "table",
    "surface",
    "ground",
    "studio",
    "lettering",
    "logo",
    "text",
    "label",
    "shadow",
    "shadows",
    "light",
    "lighting",
];

/// A word that is a CSS color and is said of stuff more often.
const STUFF: &str = "linen";

/// A color in a clause.
#[derive(Clone, Copy, Debug)]
struct Mention {
    hex: Hex,
    role: Role,
    is_code: bool,
    /// The words of the clause before which and behind which it stands.
    words: (usize, usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    From,
    To,
    Unsaid,
}

impl FromStr for Instruction {
    type Err = EditError;

    fn from_str(prompt: &str) -> Result<Instruction, EditError> {
        let mut changes = Vec::new();
        let mut is_kept = false;
        for clause in clauses(prompt) {
            let Some(first) = clause.first() else { continue };
            // "keep the lid and the handle" goes on until something is to change.
            is_kept = KEEP.contains(&first.as_str()) || (is_kept && !CHANGE.contains(&first.as_str()));
            if is_kept {
                continue;
            }
            if let Some(word) = clause.iter().find(|word| FOREIGN.contains(&word.as_str())) {
                return Err(cannot(&format!("to {word} something is beyond it")));
            }
            changes.extend(part(&clause));
        }
        match changes.as_slice() {
            [] => Err(cannot("the instruction names no color to reach")),
            [_] => Ok(Instruction { changes }),
            several if several.iter().all(|part| part.from.is_some()) => Ok(Instruction { changes }),
            _ => Err(cannot("of several parts, each must be named by the color that it has now")),
        }
    }
}

fn cannot(why: &str) -> EditError {
    EditError::Instruction(format!(
        "this editor only recolors, and {why}; ask for a color by its hex code or its CSS name, as in: Change the red \
         mug's color to #1E90FF, keep the background"
    ))
}

/// The clauses of a prompt as words in lower case. What follows "and" or "but" is a clause of its own if it begins as one.
fn clauses(prompt: &str) -> Vec<Vec<String>> {
    let mut clauses = vec![Vec::new()];
    let mut characters = prompt.chars().peekable();
    let mut word = String::new();
    let end = |word: &mut String, clauses: &mut Vec<Vec<String>>| {
        if !word.is_empty() {
            let found = std::mem::take(word);
            if let Some(clause) = clauses.last_mut() {
                clause.push(found);
            }
        }
    };
    while let Some(character) = characters.next() {
        let is_decimal_point = character == '.' && characters.peek().is_some_and(|next| next.is_alphanumeric());
        match character {
            ',' | ';' | '!' | '?' | '\n' => {
                end(&mut word, &mut clauses);
                clauses.push(Vec::new());
            }
            '.' if !is_decimal_point => {
                end(&mut word, &mut clauses);
                clauses.push(Vec::new());
            }
            '→' => {
                end(&mut word, &mut clauses);
                word.push_str("to");
                end(&mut word, &mut clauses);
            }
            '’' => word.push('\''),
            _ if character.is_alphanumeric() || matches!(character, '#' | '\'' | '.') => {
                word.extend(character.to_lowercase());
            }
            _ => end(&mut word, &mut clauses),
        }
    }
    end(&mut word, &mut clauses);
    clauses.iter().flat_map(|clause| split_at_conjunctions(clause)).collect()
}

fn split_at_conjunctions(clause: &[String]) -> Vec<Vec<String>> {
    let mut parts = vec![Vec::new()];
    for (index, word) in clause.iter().enumerate() {
        let next = clause.get(index + 1).map(String::as_str).unwrap_or_default();
        let joins = matches!(word.as_str(), "and" | "but" | "while" | "then" | "also");
        let begins = |word: &str| {
            CHANGE.contains(&word)
                || KEEP.contains(&word)
                || FOREIGN.contains(&word)
                || matches!(word, "the" | "its" | "then" | "also")
        };
        if joins && begins(next) {
            parts.push(Vec::new());
        } else if index > 0 && KEEP.contains(&word.as_str()) && !matches!(word.as_str(), "do" | "not") {
            parts.push(vec![word.clone()]);
        } else if let Some(part) = parts.last_mut() {
            part.push(word.clone());
        }
    }
    parts
}

/// The change that a clause asks for, if it speaks of colors at all.
fn part(clause: &[String]) -> Option<Part> {
    let mut mentions: Vec<Mention> = Vec::new();
    let mut index = 0;
    while index < clause.len() {
        let Some((hex, length)) = color_at(&clause[index..]) else {
            index += 1;
            continue;
        };
        let words = (index, index + length);
        index += length;
        if clause.get(words.1).is_some_and(|next| SURROUNDINGS.contains(&next.as_str())) {
            continue;
        }
        let is_code = clause[words.0].starts_with('#');
        let mention = Mention { hex, role: role(clause, words.0, mentions.last()), is_code, words };
        match mentions.last_mut() {
            // "navy (#000080)" and "#1E90FF (ocean blue)" are one color each, and the code is the exact one.
            Some(last) if same_color(clause, last, &mention) => {
                let exact = if mention.is_code && !last.is_code { mention.hex } else { last.hex };
                *last =
                    Mention { hex: exact, is_code: last.is_code || is_code, words: (last.words.0, words.1), ..*last };
            }
            _ => mentions.push(mention),
        }
    }
    let to = mentions.iter().rposition(|mention| mention.role == Role::To);
    let to = to.or_else(|| mentions.iter().rposition(|mention| mention.role == Role::Unsaid))?;
    let named = mentions.iter().find(|mention| mention.role == Role::From);
    let before = mentions[..to].iter().find(|mention| mention.role == Role::Unsaid);
    Some(Part { from: named.or(before).map(|mention| mention.hex), to: mentions[to].hex })
}

/// Whether two mentions with nothing but a word of a name between them are the same color.
fn same_color(clause: &[String], last: &Mention, next: &Mention) -> bool {
    let between = &clause[last.words.1..next.words.0];
    let is_prepositional = |word: &String| preposition(word).is_some();
    let has_code = last.is_code || next.is_code;
    (between.is_empty() || (has_code && between.len() <= 2))
        && !between.iter().any(is_prepositional)
        && !between.iter().any(|word| word == "and")
}

/// The color that the words begin with, and how many words it takes: `dark green` is one.
fn color_at(words: &[String]) -> Option<(Hex, usize)> {
    if words[0].starts_with('#') {
        return words[0].trim_end_matches("'s").parse().ok().map(|hex| (hex, 1));
    }
    (1..=words.len().min(3)).rev().find_map(|length| {
        let name: String = words[..length].iter().map(|word| word.trim_end_matches("'s")).collect();
        let is_name = name != STUFF && name.chars().all(|character| character.is_ascii_alphabetic());
        is_name.then(|| name.parse().ok()).flatten().map(|hex| (hex, length))
    })
}

fn preposition(word: &str) -> Option<Role> {
    match word {
        "to" | "into" | "in" | "as" | "with" | "become" => Some(Role::To),
        "from" | "of" => Some(Role::From),
        _ => None,
    }
}

/// What the words before a color say that it is.
fn role(clause: &[String], at: usize, last: Option<&Mention>) -> Role {
    const REACH: usize = 4;
    let from = last.map_or(0, |last| last.words.1).max(at.saturating_sub(REACH));
    let found = clause[from..at].iter().rev().enumerate().find_map(|(distance, word)| match preposition(word)? {
        // "of the red one" is a part's color only right before it; so is "with the red lid".
        Role::From if word == "of" && distance > 1 => None,
        role => Some(role),
    });
    found.unwrap_or(Role::Unsaid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(prompt: &str) -> Vec<(Option<String>, String)> {
        let instruction: Instruction = prompt.parse().unwrap_or_else(|error| panic!("{prompt}: {error}"));
        instruction.changes.iter().map(|part| (part.from.map(|hex| hex.to_string()), part.to.to_string())).collect()
    }

    #[track_caller]
    fn asks(prompt: &str, from: Option<&str>, to: &str) {
        let hex = |name: &str| name.parse::<Hex>().unwrap().to_string();
        assert_eq!(read(prompt), [(from.map(hex), hex(to))], "{prompt}");
    }

    #[test]
    fn the_usual_phrasings_are_understood() {
        asks("Change the mug's color to #1E90FF (ocean), keep the background", None, "#1E90FF");
        asks("Change the mug's color to ocean (#1E90FF)", None, "#1E90FF");
        asks("Change the color of the mug to navy (#000081).", None, "#000081");
        asks("Make it red", None, "red");
        asks("make the t-shirt dark green and keep everything else", None, "darkgreen");
        asks("Turn the chair into a deep Navy", None, "navy");
        asks("recolor the product: #abc", None, "#aabbcc");
        asks("Recolour it to forest green, preserving the logo", None, "forestgreen");
        asks("Paint the suitcase hot pink. Do not change the wheels.", None, "hotpink");
        asks("Give the lamp a #FFD700 shade", None, "#FFD700");
        asks("The mug in crimson on a white background", None, "crimson");
        asks("tomato", None, "tomato");
        asks("#1E90FF", None, "#1E90FF");
        asks("Make the mug #1E90FF (dodger blue)", None, "#1E90FF");
    }

    #[test]
    fn a_source_color_is_told_from_the_target() {
        asks("Change the red mug's color to #1E90FF", Some("red"), "#1E90FF");
        asks("Change the armchair from green to brick (#B22222)", Some("green"), "#B22222");
        asks("Turn the light blue bottle black", Some("lightblue"), "black");
        asks("Replace the yellow with teal", Some("yellow"), "teal");
        asks("change #C62828 to #2E7D4F", Some("#C62828"), "#2E7D4F");
        asks("change the color to navy from red", Some("red"), "navy");
        asks("change red → blue", Some("red"), "blue");
    }

    #[test]
    fn what_is_to_stay_is_no_target() {
        asks("Change the mug to red, keep the white lid and the black handle", None, "red");
        asks("make the bottle coral but keep the white lettering", None, "coral");
        asks("make the bottle coral without changing the white background", None, "coral");
        asks("keep the blue handle, make the body orange", None, "orange");
    }

    #[test]
    fn several_parts_are_told_apart_by_their_colors() {
        let both = read("make the red body blue and the white lid black");
        assert_eq!(both, [(Some("#FF0000".into()), "#0000FF".into()), (Some("#FFFFFF".into()), "#000000".into())]);
        let error = "make the body blue and the lid black".parse::<Instruction>().unwrap_err().to_string();
        assert!(error.contains("the color that it has now"), "{error}");
    }

    #[test]
    fn what_is_beyond_it_is_refused_with_what_it_can_do() {
        for prompt in [
            "add a hat",
            "Remove the handle",
            "",
            "make it beautiful",
            "A sunset over mountains with golden light",
            "change the mug to red and add a red bow",
        ] {
            let error = prompt.parse::<Instruction>().unwrap_err().to_string();
            assert!(error.contains("only recolors") && error.contains("#1E90FF"), "{prompt}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(prompt in "\\PC{0,80}") {
            let _ = prompt.parse::<Instruction>();
        }
    }
}
