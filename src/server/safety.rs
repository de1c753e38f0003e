//! The safety checker: a small list of words, and nothing more.

/// The provider's answer to a prompt that its safety check refuses.
pub(super) const FLAGGED_MESSAGE: &str = "Your request was flagged by content moderation. Please modify your prompt.";

/// Words that flag a prompt. They match as whole words, in any case.
const FLAGGED_WORDS: &[&str] = &[
    "beheaded",
    "beheading",
    "bestiality",
    "dismembered",
    "explicit sex",
    "gore",
    "gory",
    "hentai",
    "incest",
    "naked",
    "nsfw",
    "nude",
    "nudes",
    "nudity",
    "porn",
    "porno",
    "pornographic",
    "pornography",
    "rape",
    "suicide",
    "swastika",
    "topless",
    "torture",
    "undress",
    "undressed",
    "xxx",
];

/// Whether `prompt` contains a flagged word.
pub(super) fn flags(prompt: &str) -> bool {
    let words: Vec<String> = prompt
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let text = format!(" {} ", words.join(" "));
    FLAGGED_WORDS.iter().any(|word| text.contains(&format!(" {word} ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_word_is_flagged_as_a_whole_word_in_any_case() {
        for flagged in ["a NUDE model", "naked, please", "some-gore", "explicit  sex"] {
            assert!(flags(flagged), "{flagged}");
        }
        for fine in ["a denuded hill", "make the grape purple", "Change the mug's color to #1E90FF", ""] {
            assert!(!flags(fine), "{fine}");
        }
    }
}
