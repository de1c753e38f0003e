//! Names that are near to what somebody typed.

use std::path::Path;

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

/// A file beside `path` that was probably meant, among those that are `wanted`: its folders may be separated by
/// backslashes, or its name be spelt otherwise.
pub fn near_file(path: &Path, wanted: impl Fn(&Path) -> bool) -> Option<String> {
    let slashed = path.to_string_lossy().replace('\\', "/");
    if Path::new(&slashed).is_file() {
        return Some(slashed);
    }
    let path = Path::new(&slashed);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()) && wanted(&entry.path()));
    let names: Vec<String> = files.filter_map(|file| file.file_name().into_string().ok()).take(1000).collect();
    let near = nearest(path.file_name()?.to_str()?, names.iter().map(String::as_str))?;
    Some(path.with_file_name(near).display().to_string())
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
