//! Parsing and validation of the body of a submit. No I/O.

use serde_json::{Map, Value};

use crate::api::wire::Generate;
use crate::data_uri;
use crate::job::{Seed, Size, Switches};

/// The fields that the provider documents.
const FIELDS: [&str; 7] =
    ["prompt", "images", "size", "seed", "enable_sync_mode", "enable_base64_output", "enable_safety_checker"];

/// The limits of a submit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    pub(super) prompt_bytes: usize,
    pub(super) images: usize,
    pub(super) image_bytes: usize,
}

/// Parses the JSON body of a submit.
///
/// The error message lists every wrong field. `null` in an optional field is the same as no field.
pub(super) fn parse(body: &[u8], caps: Caps) -> Result<Generate, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let Value::Object(fields) = value else {
        return Err(format!("the body is {}, and should be a JSON object", kind(&value)));
    };
    let mut faults = Vec::new();
    let mut note = |fault: Result<(), String>| faults.extend(fault.err());

    let prompt = prompt(&fields, caps).map_err(|fault| note(Err(fault))).ok();
    let images = images(&fields, caps).map_err(|fault| note(Err(fault))).ok();
    let size = size(&fields).map_err(|fault| note(Err(fault))).ok();
    let seed = seed(&fields).map_err(|fault| note(Err(fault))).ok();
    let mut switch = |name: &str| {
        let value = switch(&fields, name);
        value.map_err(|fault| note(Err(fault))).ok().flatten()
    };
    let switches = Switches {
        enable_sync_mode: switch("enable_sync_mode"),
        enable_base64_output: switch("enable_base64_output"),
        enable_safety_checker: switch("enable_safety_checker"),
    };
    fields.keys().for_each(|name| note(known(name)));

    match (prompt, images, size, seed) {
        (Some(prompt), Some(images), Some(size), Some(seed)) if faults.is_empty() => {
            Ok(Generate { prompt, images, size, seed, switches })
        }
        _ => Err(faults.join("; ")),
    }
}

fn prompt(fields: &Map<String, Value>, caps: Caps) -> Result<String, String> {
    match fields.get("prompt") {
        None | Some(Value::Null) => Err("prompt is missing: describe how to edit the image".to_owned()),
        Some(Value::String(text)) if text.trim().is_empty() => {
            Err("prompt is empty: describe how to edit the image".to_owned())
        }
        Some(Value::String(text)) if text.len() > caps.prompt_bytes => {
            Err(format!("prompt is {} bytes long, over {}", text.len(), caps.prompt_bytes))
        }
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(format!("prompt is {}, and should be a string", kind(other))),
    }
}

fn images(fields: &Map<String, Value>, caps: Caps) -> Result<Vec<String>, String> {
    let items = match fields.get("images") {
        None | Some(Value::Null) => {
            return Err("images is missing: give an image URL, or an array of them".to_owned());
        }
        Some(one @ Value::String(_)) => std::slice::from_ref(one),
        Some(Value::Array(items)) if items.is_empty() => {
            return Err("images is empty: give at least one image URL".to_owned());
        }
        Some(Value::Array(items)) if items.len() > caps.images => {
            return Err(format!("images has {} items, over {}", items.len(), caps.images));
        }
        Some(Value::Array(items)) => items,
        Some(other) => {
            return Err(format!("images is {}, and should be a string or an array of strings", kind(other)));
        }
    };
    let several = matches!(fields.get("images"), Some(Value::Array(_)));
    items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let name = if several { format!("images[{index}]") } else { "images".to_owned() };
            match item {
                Value::String(text) => image(text, caps).map_err(|fault| format!("{name} {fault}")),
                other => Err(format!("{name} is {}, and should be a string", kind(other))),
            }
        })
        .collect()
}

fn image(text: &str, caps: Caps) -> Result<String, String> {
    if data_uri::is_data_uri(text.as_bytes()) {
        let bytes = data_uri::decode(text).map_err(|error| format!("is a data: URI that cannot be read: {error}"))?;
        if bytes.len() > caps.image_bytes {
            return Err(format!("is {} bytes large, over {}", bytes.len(), caps.image_bytes));
        }
        return Ok(text.to_owned());
    }
    match reqwest::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text.to_owned()),
        Ok(url) => Err(format!("has the scheme {}:, and should be an http or https URL or a data: URI", url.scheme())),
        Err(_) => {
            let start: String = text.chars().take(60).collect();
            Err(format!("is {start:?}, and should be an http or https URL or a data: URI"))
        }
    }
}

fn size(fields: &Map<String, Value>) -> Result<Option<Size>, String> {
    let wanted = "and should be \"small\", \"medium\" or \"large\"";
    match fields.get("size") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => match text.parse() {
            Ok(size) => Ok(Some(size)),
            Err(_) => {
                let start: String = text.chars().take(60).collect();
                Err(format!("size is {start:?}, {wanted}"))
            }
        },
        Some(other) => Err(format!("size is {}, {wanted}", kind(other))),
    }
}

fn seed(fields: &Map<String, Value>) -> Result<Option<Seed>, String> {
    let wanted = format!("and should be a whole number from 0 to {}", Seed::MAX);
    match fields.get("seed") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            let whole =
                number.as_f64().filter(|value| value.fract() == 0.0 && (0.0..=f64::from(Seed::MAX)).contains(value));
            match whole.and_then(|value| Seed::new(value as u16)) {
                Some(seed) => Ok(Some(seed)),
                None => Err(format!("seed is {number}, {wanted}")),
            }
        }
        Some(other) => Err(format!("seed is {}, {wanted}", kind(other))),
    }
}

fn switch(fields: &Map<String, Value>, name: &str) -> Result<Option<bool>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(on)) => Ok(Some(*on)),
        Some(other) => Err(format!("{name} is {}, and should be true or false", kind(other))),
    }
}

fn known(name: &str) -> Result<(), String> {
    if FIELDS.contains(&name) {
        return Ok(());
    }
    let start: String = name.chars().take(60).collect();
    let nearest = FIELDS
        .into_iter()
        .map(|field| (strsim::damerau_levenshtein(&start.to_lowercase(), field), field))
        .min()
        .filter(|(distance, field)| *distance <= field.len().div_ceil(3));
    Err(match nearest {
        Some((_, field)) => format!("{start} is not a field of this model: did you mean {field}?"),
        None => format!("{start} is not a field of this model, which has {}", FIELDS.join(", ")),
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CAPS: Caps = Caps { prompt_bytes: 100, images: 2, image_bytes: 3 };

    fn fault(body: &Value) -> String {
        parse(body.to_string().as_bytes(), CAPS).unwrap_err()
    }

    #[test]
    fn the_documented_example_is_accepted() {
        let page = json!({
            "prompt": "A beautiful sunset", "images": ["https://example.com/image1.jpg"], "size": "small", "seed": 0,
            "enable_sync_mode": false, "enable_base64_output": false, "enable_safety_checker": false,
        });
        let request = parse(page.to_string().as_bytes(), CAPS).unwrap();
        assert_eq!(request.size, Some(Size::Small));
        assert_eq!(request.seed, Seed::new(0));
        assert_eq!(request.switches.enable_safety_checker, Some(false));
    }

    #[test]
    fn one_image_may_be_a_string_and_null_is_left_out() {
        let body = json!({"prompt": "p", "images": "data:,abc", "size": null, "seed": null, "enable_sync_mode": null});
        let request = parse(body.to_string().as_bytes(), CAPS).unwrap();
        assert_eq!(request.images, ["data:,abc"]);
        assert_eq!((request.size, request.seed), (None, None));
        assert_eq!(request.switches, Switches::default());
    }

    #[test]
    fn every_wrong_field_is_named_in_one_message() {
        insta::assert_snapshot!(fault(&json!({
            "images": [7], "size": "huge", "seed": 1.5, "enable_sync_mode": "yes", "sead": 3, "webhook": "x",
        })), @r#"prompt is missing: describe how to edit the image; images[0] is a number, and should be a string; size is "huge", and should be "small", "medium" or "large"; seed is 1.5, and should be a whole number from 0 to 10000; enable_sync_mode is a string, and should be true or false; sead is not a field of this model: did you mean seed?; webhook is not a field of this model, which has prompt, images, size, seed, enable_sync_mode, enable_base64_output, enable_safety_checker"#);
    }

    #[test]
    fn each_field_is_held_to_its_range() {
        let with = |name: &str, value: Value| {
            let mut body = json!({"prompt": "p", "images": "https://example.com/a.png"});
            body[name] = value;
            fault(&body)
        };
        let faults = [
            with("prompt", json!("  ")),
            with("prompt", json!(["p"])),
            with("prompt", json!("p".repeat(101))),
            with("images", json!([])),
            with("images", json!(["https://a.b/1", "https://a.b/2", "https://a.b/3"])),
            with("images", json!("photos/mug.png")),
            with("images", json!(["ftp://a.b/c"])),
            with("images", json!("data:image/png;base64,!!!")),
            with("images", json!("data:,abcd")),
            with("images", json!(null)),
            with("seed", json!(10001)),
            with("seed", json!(-1)),
            with("seed", json!("3")),
            with("size", json!(512)),
            with("enable_safety_checker", json!(1)),
        ];
        insta::assert_snapshot!(faults.join("\n"));
    }

    #[test]
    fn a_body_that_is_not_a_json_object_is_refused() {
        assert!(parse(b"", CAPS).unwrap_err().starts_with("the body is not JSON"));
        assert_eq!(fault(&json!([1])), "the body is an array, and should be a JSON object");
    }
}
