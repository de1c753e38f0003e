use std::sync::LazyLock;

use crate::job::{ImageRef, JobId};

use super::{Field, Row, Value};

/// Returns the id of a row that has none: the name of its first image, and a hash of its request.
///
/// It does not depend on the row's position or on the user's own columns.
pub(super) fn derived_id(row: &Row<'_>, images: &[ImageRef<'_>]) -> JobId {
    static KEYED: LazyLock<blake3::Hasher> =
        LazyLock::new(|| blake3::Hasher::new_derive_key("dyehouse 2026-11 job id of a row v1"));
    let mut hasher = KEYED.clone();
    let mut part = |tag: u8, text: &str| {
        hasher.update(&[tag]);
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for field in Field::ALL {
        let tag = field as u8;
        match row.get(field) {
            Value::Absent | Value::Refused => {}
            Value::Text(text) if field == Field::Images => text.split('|').for_each(|item| part(tag, item.trim())),
            Value::Text(text) if text.trim().is_empty() => {}
            Value::Text(text) => part(tag, text.trim()),
            Value::List(items) => items.iter().for_each(|item| part(tag, item.trim())),
        }
    }
    let hash = hasher.finalize().to_hex();
    let name = match images.first() {
        Some(ImageRef::File(path)) => path.file_stem().map(|stem| stem.to_string_lossy().into_owned()),
        Some(ImageRef::Url(url)) => {
            let path = url.as_str().split(['?', '#']).next().unwrap_or_default();
            let file = path.rsplit('/').next().unwrap_or_default();
            Some(file.split('.').next().unwrap_or_default().to_owned())
        }
        _ => None,
    };
    let name: String = name
        .unwrap_or_default()
        .chars()
        .filter(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_'))
        .take(40)
        .collect();
    let name = name.trim_matches('-');
    let stem = if name.is_empty() { "job" } else { name };
    let text = format!("{stem}-{}", &hash[..16]);
    // A stem such as `con` is a device on Windows only if it is the whole name, but here a dash and a hash follow.
    JobId::new(&text).unwrap_or_else(|_| unreachable!("letters, digits and dashes make an id"))
}
