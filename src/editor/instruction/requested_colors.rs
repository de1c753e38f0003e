//! The colors that a result is compared with.

use crate::color::{Hex, hex_codes};

use super::clauses::clauses;
use super::surroundings::{Elsewhere, elsewhere};
use super::words::{is_keep, is_link, is_of_color};
use super::{ColorChange, Instruction, Mention, Role, role};

/// The colors that a prompt requests by their hex codes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestedColors {
    /// The colors, in order and each once.
    pub colors: Vec<Hex>,
    /// Whether some of them may be those of other things, such as the product before the edit.
    pub is_unclear: bool,
}

/// Returns the colors that a job is compared with: the one in its `color` column, or else those that its prompt
/// requests.
pub fn wanted(color: Option<Hex>, prompt: &str) -> Vec<Hex> {
    match color {
        Some(color) => vec![color],
        None => requested_colors(prompt).colors,
    }
}

/// Returns the colors that a prompt requests by their hex codes, without those that it names as a current color, or as
/// that of the surroundings.
///
/// The prompt may be written for another editor and may not be an `Instruction`. The words around each code then tell
/// what they can.
pub fn requested_colors(prompt: &str) -> RequestedColors {
    let codes = hex_codes(prompt);
    let is_certain = match codes[..] {
        [] => true,
        [_] => !is_doubtful(prompt),
        _ => false,
    };
    if is_certain {
        return RequestedColors { colors: codes, is_unclear: false };
    }
    if mixes_colors(prompt) {
        return RequestedColors { is_unclear: codes.len() > 1, colors: codes };
    }
    let uses = uses(prompt);
    let colors = match prompt.parse::<Instruction>() {
        Ok(Instruction { changes, .. }) if are_explained(&codes, &changes, &uses) => {
            let is_target = |code: &Hex| changes.iter().any(|change| change.to == *code);
            return RequestedColors { colors: codes.into_iter().filter(is_target).collect(), is_unclear: false };
        }
        _ => without_others(&codes, &uses),
    };
    RequestedColors { is_unclear: colors.len() > 1, colors }
}

/// Whether each code is a target of `changes`, or certainly another color. In "the mug #1E90FF with a #F5C518 lid", the
/// second may only describe the mug.
fn are_explained(codes: &[Hex], changes: &[ColorChange], uses: &[(Hex, Use)]) -> bool {
    let is_whole = |change: &ColorChange| change.from.is_none() && change.named.is_none();
    let may_describe = changes.len() > 1 && changes.iter().any(is_whole);
    !may_describe
        && codes.iter().all(|code| {
            changes.iter().any(|change| change.to == *code || (change.from == Some(*code) && change.is_stated))
                || !uses.contains(&(*code, Use::Request))
        })
}

/// Whether a prompt requests a mixture of colors, of which none is the old one: "a gradient from #1E90FF to #F5C518".
fn mixes_colors(prompt: &str) -> bool {
    const WORDS: &[&str] = &["gradient", "fade", "fading", "ombre", "ombré", "blend", "stripes", "striped"];
    alphanumeric(prompt).any(|word| is_one_of(word, WORDS))
}

/// Whether the only code of a prompt may be another color than the requested one, which is then named in words: "from
/// #C62828 to navy". Most of a million prompts are certain, and parsing them all would take longer than reading them.
fn is_doubtful(prompt: &str) -> bool {
    const BEFORE: &[&str] = &["from", "of", "than", "not", "replace", "replacing"];
    const DIRECTLY_BEFORE: &[&str] = &["change", "turn", "a", "the", "this"];
    const BEHIND: &[&str] = &["to", "into", "with", "by", "become", "becomes", "should", "must", "background"];
    let has = |text: &str, words: &[&str]| alphanumeric(text).any(|word| is_one_of(word, words));
    prompt.match_indices('#').any(|(at, _)| {
        let behind = &prompt[at + 1..];
        let sentence = behind.find(['.', ',', ';', '!', '?', '\n']).map_or(behind, |end| &behind[..end]);
        let mut before = alphanumeric(&prompt[..at]).rev().take(3).enumerate();
        before.any(|(distance, word)| is_one_of(word, BEFORE) || (distance == 0 && is_one_of(word, DIRECTLY_BEFORE)))
            || has(sentence, BEHIND)
            || sentence.contains(['>', '→', '⇒', '➜'])
    })
}

fn alphanumeric(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(|next: char| !next.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Returns the codes without those that the words around them give to something else. A code that only describes a
/// thing, as in "the #C62828 mug", may be the color that the thing should get, unless another is requested.
fn without_others(codes: &[Hex], uses: &[(Hex, Use)]) -> Vec<Hex> {
    let used = |meant: Use| codes.iter().copied().filter(move |code| uses.contains(&(*code, meant)));
    let requested: Vec<Hex> = used(Use::Request).collect();
    if requested.is_empty() { used(Use::Description).collect() } else { requested }
}

/// What a code in a prompt is for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Use {
    Request,
    /// "the #C62828 mug"
    Description,
    Other,
}

/// Returns every code of a prompt with its use.
fn uses(prompt: &str) -> Vec<(Hex, Use)> {
    let mut uses = Vec::new();
    for clause in clauses(prompt) {
        let is_kept = clause.first().is_some_and(|first| is_keep(first, clause.get(1).map(String::as_str)));
        let mut last: Option<Mention> = None;
        for (at, word) in clause.iter().enumerate() {
            let Some(hex) = word.strip_prefix('#').and_then(|digits| Hex::from_digits(digits.trim_end_matches("'s")))
            else {
                continue;
            };
            let role = role(&clause, at, last.as_ref());
            last = Some(Mention { hex, role, is_code: true, words: (at, at + 1) });
            uses.push((hex, if is_kept { Use::Other } else { use_of(&clause, at, role) }));
        }
    }
    uses
}

fn use_of(clause: &[String], at: usize, role: Role) -> Use {
    let (before, behind) = (&clause[..at], &clause[at + 1..]);
    let verb = before.iter().rev().find(|word| !is_of_color(word)).map(String::as_str);
    let is_replaced = matches!(verb, Some("replace" | "replacing" | "swap" | "exchange"));
    if is_replaced || role == Role::From || elsewhere(before, behind) == Some(Elsewhere::Place) {
        return Use::Other;
    }
    let is_changed = matches!(verb, Some("change" | "turn" | "convert" | "switch" | "transform"));
    let next = behind.first().map(String::as_str);
    let is_before_target = matches!(next, Some("to" | "into" | "become" | "becomes" | "should" | "must"));
    let is_of_thing = next.is_some_and(|next| !is_link(next) && !next.starts_with('#'))
        && matches!(before.last().map(String::as_str), Some("the" | "this" | "that" | "its"));
    if role == Role::Unstated && (is_changed || is_before_target || is_of_thing) {
        Use::Description
    } else {
        Use::Request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(prompt: &str) -> (String, bool) {
        let RequestedColors { colors, is_unclear } = requested_colors(prompt);
        (colors.iter().map(Hex::to_string).collect::<Vec<_>>().join(" "), is_unclear)
    }

    #[test]
    fn a_prompt_is_compared_with_the_color_that_it_requests_and_not_with_the_one_before() {
        for prompt in [
            "Change the mug from #C62828 to #1E90FF",
            "Change the mug to #1E90FF from #C62828",
            "change #C62828 to #1E90FF",
            "#C62828 -> #1E90FF",
            "Replace #C62828 by #1E90FF on the mug",
            "Replace #C62828 with #1E90FF",
            "The #C62828 mug should become #1E90FF",
            "Turn this #c62828 mug into a #1E90FF one",
            "Make the mug #1E90FF instead of #C62828",
            "Make the mug #1E90FF, not #C62828",
            "paint the mug #1E90FF not #C62828",
            "Make the mug #1E90FF rather than the #C62828 of the picture",
            "#1E90FF replaces #C62828",
            "Apply #1E90FF to the #C62828 mug",
            "Use #1E90FF for the #C62828 mug",
            "Make the mug #1E90FF on a #FFFFFF background",
            "Recolor the red (#C62828) mug to #1E90FF",
            "Substitute #1E90FF for #C62828",
            // Not for this editor.
            "Add a lid and change the mug from #C62828 to #1E90FF",
            "Remove the handle. Replace #C62828 by #1E90FF.",
            "Remove the handle from the #C62828 mug and make it #1E90FF",
            "Make the mug #1E90FF, add a lid, keep the #C62828 handle",
            "Add a lid, make the mug #1E90FF instead of the color #C62828",
        ] {
            assert_eq!(read(prompt), ("#1E90FF".to_owned(), false), "{prompt}");
        }
    }

    #[test]
    fn a_single_code_is_the_requested_color_unless_that_is_named_in_words() {
        for prompt in [
            "#1E90FF",
            "Change the mug's color to #1E90FF (ocean), keep the background",
            "The #1E90FF mug on a white background",
            "Use #1E90FF for the blue shirt",
            "Apply #1E90FF to the red mug",
            "Add a hat in the #1E90FF tone to it",
            "{\"task\": \"recolor\", \"color_palette\": [\"#1E90FF\"]}",
            "Färbe die Tasse in #1E90FF",
        ] {
            assert_eq!(read(prompt), ("#1E90FF".to_owned(), false), "{prompt}");
        }
        for prompt in [
            "Change the mug from #C62828 to navy",
            "Turn the #C62828 bottle black",
            "Make it navy instead of #C62828",
            "Recolor the red (#C62828) mug to navy",
            "#C62828 to navy",
            "Make the mug navy on a #FFFFFF background",
            "Paint the mug navy",
        ] {
            assert_eq!(read(prompt), (String::new(), false), "{prompt}");
        }
    }

    #[test]
    fn several_requested_colors_are_certain_only_if_the_prompt_is_understood() {
        let two = "#1E90FF #F5C518".to_owned();
        for prompt in
            ["Turn red into #1E90FF. Turn white into #F5C518.", "make the red body #1E90FF and the lid #F5C518"]
        {
            assert_eq!(read(prompt), (two.clone(), false), "{prompt}");
        }
        for prompt in [
            "Make the body #1E90FF and the inside #F5C518",
            "Make the mug #1E90FF with a #F5C518 lid",
            "Make the mug #1E90FF with a #F5C518 trim",
            "Make the mug a gradient from #1E90FF to #F5C518",
            "Make the mug #1E90FF no longer #F5C518",
            "Färbe den Korpus #1E90FF, den Deckel #F5C518",
            "{\"color_palette\": [\"#1E90FF\", \"#F5C518\"]}",
        ] {
            assert_eq!(read(prompt), (two.clone(), true), "{prompt}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_requested_color_is_always_in_the_prompt(prompt in "((from|to|not|the|red|mug|#1e90ff|#C62828|#aé|,|and) ?){0,8}") {
            let codes = hex_codes(&prompt);
            proptest::prop_assert!(requested_colors(&prompt).colors.iter().all(|color| codes.contains(color)));
        }
    }
}
