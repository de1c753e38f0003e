/// Words, signs included, that a color follows.
const BEFORE_A_COLOR: [&str; 12] = ["#", "->", "→", "as", "code", "color", "colour", "hex", "in", "into", "is", "to"];

/// Signs between the words of a prompt.
const BETWEEN: [char; 13] = [' ', '\t', '\n', '\r', ':', '=', ',', ';', '(', ')', '"', '\'', '`'];

/// Whether a prompt has a color code without its `#`: `to 1E90FF`, `# 1e90ff`, `0x1E90FF`.
///
/// Numbers of articles and words such as `facade` do not count: without `0x`, a code has letters and digits, or six
/// times the same letter, and follows a word that a color follows.
pub(super) fn has_bare_hex(prompt: &str) -> bool {
    let mut before = "";
    prompt.split(BETWEEN).filter(|word| !word.is_empty()).any(|word| {
        let is_expected = BEFORE_A_COLOR.iter().any(|known| known.eq_ignore_ascii_case(before));
        before = word;
        let code = word.trim_end_matches(['.', '!', '?']);
        match code.strip_prefix("0x").or_else(|| code.strip_prefix("0X")) {
            Some(digits) => is_six_digits(digits),
            None => is_expected && is_six_digits(code) && is_mixed(code),
        }
    })
}

fn is_six_digits(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a code has letters and digits, or only one letter, as in `FFFFFF`.
fn is_mixed(code: &str) -> bool {
    let letters = code.bytes().filter(u8::is_ascii_alphabetic).count();
    let first = code.bytes().next();
    (1..code.len()).contains(&letters) || (letters > 0 && code.bytes().all(|byte| Some(byte) == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_without_their_sign_are_recognized_and_words_and_numbers_are_not() {
        for prompt in [
            "Change the bottle to 1E90FF",
            "Change the bottle to # 1e90ff, keep the background",
            "make it 0x1E90FF",
            "New color: 1E90FF.",
            "Change the color (b22222)",
            "color=1e90ff",
            "red → 1E90FF",
            "paint it in FFFFFF!",
        ] {
            assert!(has_bare_hex(prompt), "{prompt}");
        }
        for prompt in [
            "Change the bottle to #1E90FF",
            "make the bag 123456 blue",
            "Change it to 123456",
            "Change the wall to facade",
            "Make the front the color decade",
            "the mug 12E456, please",
            "order # 123456",
            "to SKU-1E90FF, in 1E90FF-2",
            "to 1E90F, in 1E90FF0, as 1E90FG",
            "",
        ] {
            assert!(!has_bare_hex(prompt), "{prompt}");
        }
    }
}
