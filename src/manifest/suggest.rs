//! Names that are near to what somebody typed.

/// The candidate that `typed` was probably meant to be: at most a third of its letters differ.
pub(super) fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.trim().to_lowercase().replace(['-', ' '], "_");
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&typed, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().div_ceil(3).min(4))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `x`?``, or all that there is to choose from.
pub(super) fn hint(typed: &str, candidates: &[&str]) -> String {
    match nearest(typed, candidates.iter().copied()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("one of {}", candidates.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_keyboard_has_a_suggestion_and_another_word_has_none() {
        const KEYS: [&str; 4] = ["id", "prompt", "images", "enable_sync_mode"];
        for (typed, meant) in [("promt", "prompt"), ("Prompt ", "prompt"), ("image", "images")] {
            assert_eq!(nearest(typed, KEYS), Some(meant), "{typed}");
        }
        assert_eq!(nearest("category", KEYS), None);
    }
}
