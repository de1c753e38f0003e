use crate::job::ErrorClass;

/// Words of a moderation on their own, lower-case.
const MODERATION: [&str; 5] = ["moderated", "moderation", "moderator", "flagged", "nsfw"];

/// Words after "safety" that make it a matter of moderation. Without them, it may be a vest.
const OF_SAFETY: [&str; 16] = [
    "check",
    "checker",
    "checks",
    "concerns",
    "filter",
    "filters",
    "guidelines",
    "moderation",
    "policies",
    "policy",
    "reasons",
    "rules",
    "standards",
    "system",
    "systems",
    "violation",
];

/// Words before "safety" as the last word of a message.
const FOR_SAFETY: [&str; 4] = ["by", "for", "of", "to"];

/// The maximum length of the extension of a file name, in bytes.
const MAX_EXTENSION: usize = 5;

/// Returns the class of a refusal: `Moderated` if its message says so, and `otherwise` if not.
///
/// URLs, file names and quotations in a message are those of the request, such as that of a picture of a safety vest.
pub(super) fn refusal_class(message: &str, otherwise: ErrorClass) -> ErrorClass {
    if is_about_moderation(message) { ErrorClass::Moderated } else { otherwise }
}

fn is_about_moderation(message: &str) -> bool {
    let text = without_quotations(message).to_ascii_lowercase();
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| !is_of_the_request(word))
        .flat_map(|word| word.split(|sign: char| !sign.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .collect();
    let at = |index: usize| words.get(index).copied();
    words.iter().enumerate().any(|(index, word)| match *word {
        "safety" => match at(index + 1) {
            Some(next) => OF_SAFETY.contains(&next),
            None => index.checked_sub(1).and_then(at).is_some_and(|before| FOR_SAFETY.contains(&before)),
        },
        "content" => matches!(at(index + 1), Some("policy" | "policies")),
        word => MODERATION.contains(&word),
    })
}

/// Whether a word is a URL, a path or the name of a file.
fn is_of_the_request(word: &str) -> bool {
    let word = word.trim_end_matches(|sign: char| !sign.is_alphanumeric());
    let extension = word.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_file =
        (2..=MAX_EXTENSION).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    word.contains("://") || word.starts_with('/') || is_file
}

/// Returns a text without what is in quotation marks. JSON stays, because all its texts are quoted.
fn without_quotations(text: &str) -> String {
    if text.contains("{\"") {
        return text.to_owned();
    }
    let (mut kept, mut rest, mut last) = (String::new(), text, ' ');
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        // An apostrophe follows a letter.
        let close = match first {
            '"' | '`' => Some(first),
            '\'' if !last.is_alphanumeric() => Some(first),
            '“' => Some('”'),
            '‘' => Some('’'),
            _ => None,
        };
        match close.and_then(|close| rest.split_once(close)) {
            Some((_, behind)) => {
                kept.push(' ');
                rest = behind;
            }
            None => kept.push(first),
        }
        last = first;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_moderated_only_if_it_says_so() {
        for message in [
            "flagged by content moderation",
            "HTTP 400: Your request was flagged by content moderation. Please modify your prompt.",
            "The prompt 'a red vest' was flagged",
            "Request Moderated",
            "NSFW content detected",
            "content_policy_violation",
            "This violates our content policy.",
            "rejected as a result of our safety system",
            "blocked by the safety filters: https://e.com/mug.jpg",
            "Blocked due to safety.",
            "safety_checker: the image can't be shown, don't retry",
            r#"{"reason":"the image was flagged"}"#,
        ] {
            assert!(is_about_moderation(message), "{message}");
        }
        for message in [
            "Could not download https://e.com/safety-vest.jpg",
            "HTTP 422: cannot read flagged-items.csv",
            "no such picture: /flagged/1",
            "could not fetch \"our safety policy\"",
            "unknown product ‘nsfw’",
            "image of a safety vest is too large",
            "a moderate resolution is needed",
            "size must be small",
            "",
        ] {
            assert!(!is_about_moderation(message), "{message}");
        }
    }
}
