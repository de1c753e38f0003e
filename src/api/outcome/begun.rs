use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Map, Value};

/// Returns the fields of a JSON object that broke off, or turns into something else, as far as they are complete. A field
/// is complete if another one or the end of the object follows, because a number may go on.
pub(super) fn complete_fields(body: &[u8]) -> Value {
    let mut fields = Map::new();
    let mut rest = after(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body), b'{');
    while let Some((name, value)) = rest.and_then(next::<String>) {
        let Some((value, end)) = after(value, b':').and_then(next::<Value>) else { break };
        rest = after(end, b',');
        if rest.is_some() || after(end, b'}').is_some() {
            fields.insert(name, value);
        }
    }
    Value::Object(fields)
}

/// Returns what follows `punctuation`, if that comes next.
fn after(text: &[u8], punctuation: u8) -> Option<&[u8]> {
    text.trim_ascii_start().strip_prefix(&[punctuation])
}

/// Returns the next value, and what follows it.
fn next<T: DeserializeOwned>(text: &[u8]) -> Option<(T, &[u8])> {
    let mut values = Deserializer::from_slice(text).into_iter();
    let value = values.next()?.ok()?;
    Some((value, &text[values.byte_offset()..]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wherever_an_answer_breaks_off_its_complete_fields_are_read_and_no_other() {
        let whole = json!({"id": "550e84", "costCents": 7, "outputs": ["a", {"b": "}"}], "a \"b\"": null});
        let text = serde_json::to_string_pretty(&whole).unwrap();
        for end in 0..=text.len() {
            let Value::Object(fields) = complete_fields(&text.as_bytes()[..end]) else { panic!() };
            for (name, value) in &fields {
                assert_eq!(value, &whole[name], "{name} of the first {end} bytes");
            }
            let is_read = text[..end].contains("7,");
            assert_eq!(fields.contains_key("costCents"), is_read, "in the first {end} bytes");
        }
        assert_eq!(complete_fields(text.as_bytes()), whole);
        assert_eq!(complete_fields(format!("\u{FEFF} {text} trailing").as_bytes()), whole);
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        for body in
            ["", "<html>", "[{\"id\":\"a\"}]", "\"id\":\"a\",", "{\"id\"}", "{id:\"a\",", "{\"id\":\"a\" \"b\":1}"]
        {
            assert_eq!(complete_fields(body.as_bytes()), json!({}), "{body}");
        }
    }
}
