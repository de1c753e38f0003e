use super::Hex;

/// Returns the colors that a text names by their hex codes, in order and each once: `#RRGGBB` or `#RGB`.
pub fn hex_codes(text: &str) -> Vec<Hex> {
    let mut found: Vec<Hex> = Vec::new();
    for part in text.split('#').skip(1) {
        let digits = part.find(|character: char| !character.is_ascii_hexdigit()).unwrap_or(part.len());
        // A letter directly after the digits makes it a word, such as a heading of a link.
        let is_word = part[digits..].starts_with(|next: char| next.is_alphanumeric() || next == '_');
        if let (false, Some(color)) = (is_word, Hex::from_digits(&part[..digits]))
            && !found.contains(&color)
        {
            found.push(color);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_codes_are_found_in_prose_and_in_json() {
        let hexes = |text| hex_codes(text).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(hexes("Make the mug #1E90FF (ocean), the lid #abc; not #12345 or #facade7"), ["#1E90FF", "#AABBCC"]);
        assert_eq!(hexes("{\"color_palette\": [\"#FF6B6B\", \"#ff6b6b\"]}"), ["#FF6B6B"]);
        assert!(hexes("see #addition and #1 of #ééé").is_empty());
    }
}
