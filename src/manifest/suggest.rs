//! Suggestions for mistyped names.

use std::path::{Path, PathBuf};

use icu_normalizer::ComposingNormalizerBorrowed;

/// Returns the candidate that `typed` was probably meant to be: at most a third of its letters differ.
pub(crate) fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.trim().to_lowercase().replace(['-', ' '], "_");
    let length = typed.chars().count();
    let near = candidates.into_iter().filter_map(|candidate| {
        let letters = candidate.chars().count();
        let most = letters.div_ceil(3).min(4);
        // The distance is at least the difference in length, and slow to compute.
        let may_be_near = letters.abs_diff(length) <= most;
        let distance = may_be_near.then(|| strsim::osa_distance(&typed, &candidate.to_lowercase()))?;
        (distance <= most).then_some((distance, candidate))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// Returns ``did you mean `x`?``, or a list of all candidates.
pub(super) fn hint(typed: &str, candidates: &[&str]) -> String {
    match nearest(typed, candidates.iter().copied()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("one of {}", candidates.join(", ")),
    }
}

/// Returns the hint for `name`, which a template uses but which is not among the `own` names of a row: either one of
/// these is misspelled, or `whole`, the name as the template writes it, needs a default.
pub(super) fn missing<'a>(name: &str, whole: &str, own: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(name, own) {
        Some(near) => format!("did you mean `{name}` instead of `{near}`?"),
        None => format!("give it one, or set a default: `{{{{ {whole} | default('…') }}}}`"),
    }
}

/// Returns the existing file that `path` was probably meant to be, among those that are `wanted`: a path with slashes
/// instead of backslashes, or a file in the same folder whose name is spelled or encoded differently or has another
/// extension. A result inside `folder` is relative to it.
pub(super) fn near_file(path: &Path, folder: &Path, wanted: impl Fn(&Path) -> bool) -> Option<String> {
    let near = near_path(path, wanted)?;
    Some(near.strip_prefix(folder).unwrap_or(&near).display().to_string())
}

fn near_path(path: &Path, wanted: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let slashed = path.to_string_lossy().replace('\\', "/");
    if Path::new(&slashed).is_file() {
        return Some(PathBuf::from(slashed));
    }
    let path = Path::new(&slashed);
    let folder = crate::files::folder_of(path);
    let entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()) && wanted(&entry.path()));
    let mut names: Vec<String> = files.filter_map(|file| file.file_name().into_string().ok()).collect();
    names.sort_unstable();
    let near = near_name(path.file_name()?.to_str()?, &names)?;
    Some(path.with_file_name(near))
}

/// Returns the name that `typed` was probably meant to be. Names that differ only in numbers are of different products.
fn near_name<'n>(typed: &str, names: &'n [String]) -> Option<&'n str> {
    let meant = folded(typed);
    let parts = |name: &str| {
        let folded = folded(name);
        let (stem, extension) = folded.rsplit_once('.').unwrap_or((&folded, ""));
        (stem.to_owned(), extension.to_owned())
    };
    let (meant_stem, meant_extension) = parts(typed);
    let from_extension = |name: &&String| strsim::osa_distance(&parts(name).1, &meant_extension);
    let numbers = |name: &str| -> Vec<String> {
        let runs = name.split(|sign: char| !sign.is_ascii_digit()).filter(|run| !run.is_empty());
        runs.map(|run| run.trim_start_matches('0').to_owned()).collect()
    };
    let has_name = |name: &&String| folded(name) == meant;
    let with_stem = |stem: &str| names.iter().filter(|name| parts(name).0 == stem).min_by_key(from_extension);
    let found = names.iter().find(has_name).or_else(|| with_stem(&meant_stem));
    let found = found.or_else(|| {
        let of_same_product = names.iter().filter(|name| numbers(name) == numbers(&meant));
        // The extensions are mostly the same, so only the stems are compared.
        let stems: Vec<String> = of_same_product.map(|name| parts(name).0).collect();
        with_stem(nearest(&meant_stem, stems.iter().map(String::as_str))?)
    });
    found.map(String::as_str)
}

/// Returns the form that different spellings of a file name share: percent-decoded, because names may come from URLs,
/// Unicode-normalized, and in lower case.
fn folded(name: &str) -> String {
    const NORMALIZER: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfc();
    let decoded = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    NORMALIZER.normalize(&decoded).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_have_a_suggestion_and_other_words_do_not() {
        const KEYS: [&str; 4] = ["id", "prompt", "images", "enable_sync_mode"];
        for (typed, meant) in [("promt", "prompt"), ("Prompt ", "prompt"), ("image", "images")] {
            assert_eq!(nearest(typed, KEYS), Some(meant), "{typed}");
        }
        assert_eq!(nearest("category", KEYS), None);
    }
    #[test]
    fn file_names_with_different_numbers_are_not_suggested() {
        let names =
            ["mug-3.jpg", "cafe\u{301}.jpg", "red mug.jpg", "chair.png", "vase-07.jpg", "ok.gif", "ok.jpg", "a*b.jpg"]
                .map(str::to_owned);
        for (typed, meant) in [
            ("mug-2.jpg", None),
            ("caf\u{e9}.jpg", Some("cafe\u{301}.jpg")),
            ("red%20mug.jpg", Some("red mug.jpg")),
            ("chair.jpg", Some("chair.png")),
            ("Chiar.png", Some("chair.png")),
            ("vase-7.jpg", Some("vase-07.jpg")),
            ("vase-8.jpg", None),
            ("ok.jpeg", Some("ok.jpg")),
            ("dang.jpg", None),
        ] {
            assert_eq!(near_name(typed, &names), meant, "{typed}");
        }
    }
}
