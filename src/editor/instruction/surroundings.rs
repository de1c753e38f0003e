//! Things that are not the product: what is around it or printed on it.

use super::words::{first, is_change, is_determiner, is_link, is_of_color, is_preposition, may_precede_color};

/// Words after a color that name its owner. Such a color is neither the current color nor a target.
const SURROUNDINGS: &[&str] = &["table", "surface", "label", "light"];

/// Things around a product or printed on it, which cannot be the product itself.
const NOT_THE_PRODUCT: &[&str] = &[
    "background",
    "backgrounds",
    "backdrop",
    "backdrops",
    "wall",
    "walls",
    "floor",
    "floors",
    "ground",
    "ceiling",
    "studio",
    "room",
    "sky",
    "scene",
    "scenery",
    "setting",
    "surroundings",
    "environment",
    "tabletop",
    "grass",
    "lighting",
    "lettering",
    "logo",
    "logos",
    "text",
    "shadow",
    "shadows",
    "reflection",
    "reflections",
    "hair",
    "skin",
];

/// Things around a product, or products: "the table" that a mug stands on, but also "a coffee table".
const SOMETIMES_THE_PRODUCT: &[&str] = &["table", "light", "surface", "hand", "hands", "podium", "pedestal", "plinth"];

/// The owner of a color that does not belong to the product.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Elsewhere {
    /// The surroundings of the product: "on a white background".
    Place,
    /// A thing whose color should change: "make the background white", "the logo to red".
    Asked(String),
}

/// Returns the owner of a color if it is not the product, determined by the words before and after it in its clause.
pub(super) fn elsewhere(before: &[String], behind: &[String]) -> Option<Elsewhere> {
    const PLACE_PREPOSITIONS: &[&str] = &["on", "against", "before", "in", "onto", "over"];
    let placed = |words: &[String]| words.iter().rev().take(3).any(|word| PLACE_PREPOSITIONS.contains(&word.as_str()));
    let is_order = first(before).is_some_and(is_change);
    if let Some(at) = (0..before.len()).rev().find(|at| is_not_the_product(before, *at)) {
        let is_its_color = before[at + 1..].iter().all(|word| may_precede_color(word));
        let is_aside = before[..at].iter().rev().take(3).any(|word| matches!(word.as_str(), "with" | "without"));
        let is_object = object(before) == Some(at) && before.get(at + 1).is_none_or(|word| is_preposition(word));
        let is_place = placed(&before[..at]);
        // "make the mug on the table blue"
        let is_beside = is_place
            && is_order
            && (before[at + 1..].iter().any(|word| matches!(word.as_str(), "to" | "into"))
                || object(before).and_then(|thing| before.get(thing + 1)).is_some_and(|next| is_preposition(next)));
        if (is_its_color || is_object) && !is_aside && !is_beside {
            let thing = before[at].trim_end_matches("'s").to_owned();
            return Some(if is_place { Elsewhere::Place } else { Elsewhere::Asked(thing) });
        }
    }
    if !is_of_surroundings(behind) {
        return None;
    }
    let named = behind.iter().find(|word| NOT_THE_PRODUCT.contains(&word.as_str()));
    match named {
        Some(named) if is_order && before.len() <= 3 && !placed(before) => Some(Elsewhere::Asked(named.clone())),
        _ => Some(Elsewhere::Place),
    }
}

/// Whether the word with the index `at` is a thing that cannot be the product.
fn is_not_the_product(words: &[String], at: usize) -> bool {
    let word = words[at].trim_end_matches("'s");
    let is_certain = at.checked_sub(1).is_some_and(|before| is_determiner(&words[before]))
        && words.get(at + 1).is_none_or(|word| word != "of");
    NOT_THE_PRODUCT.contains(&word) || (SOMETIMES_THE_PRODUCT.contains(&word) && is_certain)
}

/// Returns the index of the thing that a clause wants to change, as in "make the wall behind the mug blue".
fn object(clause: &[String]) -> Option<usize> {
    let verb = clause.iter().position(|word| is_change(word))?;
    let is_thing = |at: &usize| !is_of_color(&clause[*at]) && !is_determiner(&clause[*at]) && clause[*at] != "of";
    (verb + 1..clause.len()).find(is_thing)
}

/// Whether the color before these words belongs to the surroundings of the product: "white seamless background".
fn is_of_surroundings(behind: &[String]) -> bool {
    const MAX_WORDS_BEHIND: usize = 3;
    let near = behind.iter().take(MAX_WORDS_BEHIND).take_while(|word| !is_link(word)).enumerate();
    // "a white floor lamp" is not a floor.
    let ends = |index: usize| behind.get(index + 1).is_none_or(|next| is_preposition(next));
    let is_of = |word: &str| SURROUNDINGS.contains(&word) || NOT_THE_PRODUCT.contains(&word);
    near.into_iter().any(|(index, word)| is_of(word) && ends(index))
}
