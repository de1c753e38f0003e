use crate::color::{Hex, ciede2000, is_name};

/// How far two colors are from each other, by CIEDE2000, that nobody calls by the same name: what people call green is up to
/// 40 from what CSS does.
const FAR: f64 = 40.0;

/// Words that tell that a color is not the one to reach, or not the only one.
const OF_ANOTHER: [&str; 10] =
    ["from", "background", "keep", "keeping", "leave", "not", "than", "without", "except", "but"];

/// What stands before a thing, and not before the color that another thing is to have: `the plum`, `of chocolate`.
const BEFORE_THINGS: [&str; 7] = ["the", "a", "an", "of", "and", "with", "on"];

/// Whether a prompt asks for one color by a name that CSS knows, at its end or behind a `to`, and that color is not near
/// `color`.
pub(super) fn names_another(prompt: &str, color: &str) -> bool {
    let Ok(wanted) = color.parse::<Hex>() else { return false };
    let prompt = prompt.to_lowercase();
    let words: Vec<&str> = prompt.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_color = |word: &&str| word.len() > 2 && is_name(word);
    let Some(first) = words.iter().position(is_color) else { return false };
    let (before, rest) = words.split_at(first);
    let (names, behind) = rest.split_at(rest.iter().take_while(|word| is_color(word)).count());
    let is_target = match before {
        [.., "to"] | [.., "to", "a" | "an"] => true,
        [.., last] => behind.is_empty() && !BEFORE_THINGS.contains(last),
        [] => behind.is_empty(),
    };
    if !is_target || behind.iter().any(is_color) || words.iter().any(|word| OF_ANOTHER.contains(word)) {
        return false;
    }
    // `dark red` is a name as well.
    let joined = before.last().map(|last| format!("{last}{}", names[0]));
    let colors = names.iter().copied().chain(joined.as_deref()).filter_map(|name| name.parse::<Hex>().ok());
    let lab = |color: Hex| color.linear().into();
    colors.map(|named| ciede2000(lab(named), lab(wanted))).all(|distance| distance > FAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_color_that_is_named_is_held_against_the_one_that_is_checked() {
        for (prompt, color) in [
            ("Make the mug navy blue", "#B22222"),
            ("Change the mug's color to red, in a retro style", "#1E90FF"),
            ("Change it to a green", "#B22222"),
            ("red", "#1E90FF"),
        ] {
            assert!(names_another(prompt, color), "{prompt}");
        }
        for (prompt, color) in [
            ("Make the mug green", "#90EE90"),
            ("make it dodgerblue", "#1E90FF"),
            ("Change it from navy to brick", "#B22222"),
            ("Color it like image 2, and leave the background white", "#B22222"),
            ("Change the color of the plum", "#1E90FF"),
            ("Change the red mug as in image 2", "#1E90FF"),
            ("Make the mug dark red", "#8B0000"),
            ("Make the mug blue and red", "#FF0000"),
            ("Make the shirt pink", "#FF1493"),
            ("Make it gray", "#36454F"),
        ] {
            assert!(!names_another(prompt, color), "{prompt}");
        }
    }
}
