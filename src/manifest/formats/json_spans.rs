//! Finds the spans of the parts of a JSON object in its text, which parsers do not report.

use std::ops::Range;

/// Returns the spans of an object's keys and values, without those of nested objects. The text must be valid JSON.
pub(in crate::manifest) fn pairs(object: &str) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let bytes = object.as_bytes();
    let mut at = blank_end(bytes, 0) + 1;
    std::iter::from_fn(move || {
        let key = blank_end(bytes, at)..end_of_value(bytes, blank_end(bytes, at));
        let colon = blank_end(bytes, key.end);
        if bytes.get(key.start) != Some(&b'"') || bytes.get(colon) != Some(&b':') {
            return None;
        }
        let start = blank_end(bytes, colon + 1);
        let value = start..end_of_value(bytes, start);
        // Skip the comma.
        at = blank_end(bytes, value.end) + 1;
        Some((key, value))
    })
}

/// Returns the spans of the items of a list. The text must be valid JSON.
pub(in crate::manifest) fn items(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 1;
    std::iter::from_fn(move || {
        let start = blank_end(bytes, at);
        let item = start..end_of_value(bytes, start);
        at = blank_end(bytes, item.end) + 1;
        (!item.is_empty()).then_some(item)
    })
}

fn blank_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.len() - rest.trim_ascii_start().len()
}

/// Returns the end of the value that starts at byte `from`.
fn end_of_value(bytes: &[u8], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' | b':' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            b'"' => {
                while let Some(byte) = bytes.get(at + 1).filter(|byte| **byte != b'"') {
                    at += if *byte == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            byte if depth == 0 && byte.is_ascii_whitespace() => return at,
            _ => {}
        }
        at += 1;
        if depth == 0 && matches!(byte, b'}' | b']' | b'"') {
            return at.min(bytes.len());
        }
    }
    at.min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_values_and_items_are_found() {
        let object = r#" {"a\"": 1e5 , "b":["x, ]", {"c": "d"},[] , null],"e":{"f":[1]}, "g":"" }"#;
        let found: Vec<(&str, &str)> = pairs(object).map(|(key, value)| (&object[key], &object[value])).collect();
        let list = r#"["x, ]", {"c": "d"},[] , null]"#;
        assert_eq!(found, [(r#""a\"""#, "1e5"), ("\"b\"", list), ("\"e\"", "{\"f\":[1]}"), ("\"g\"", "\"\"")]);
        let items: Vec<&str> = items(list).map(|item| &list[item]).collect();
        assert_eq!(items, ["\"x, ]\"", "{\"c\": \"d\"}", "[]", "null"]);
        assert_eq!((pairs("{}").count(), super::items("[]").count()), (0, 0));
    }
}
