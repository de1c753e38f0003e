//! A manifest that another program writes into this one.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::diagnostic::Diagnostic;
use super::encoding;
use super::source::Kind;

/// The name that stands for standard input on the command line.
pub(super) const DASH: &str = "-";

/// What messages and the run's folder call it.
pub(super) const NAME: &str = "stdin";

/// All of `input` in a file, for manifests are read more than once, and what kind of manifest it is. The file has no name,
/// so that nothing is left of it however the program ends.
pub(super) fn kept(input: impl Read) -> Result<(File, Kind), Diagnostic> {
    let failed = |error: io::Error| Diagnostic::about_file(NAME, format!("it cannot be read: {error}"), None);
    let mut input = BufReader::with_capacity(1 << 16, input);
    let head = input.fill_buf().map_err(failed)?;
    let kind = match encoding::utf16(head) {
        Some(encoding) => kind_of(&encoding.decode(head).0),
        None => kind_of(&String::from_utf8_lossy(head)),
    };
    let mut file = tempfile::tempfile().map_err(failed)?;
    io::copy(&mut input, &mut file).map_err(failed)?;
    Ok((file, kind))
}

/// The same of what is at `path`, where that is a pipe.
pub(super) fn copied(path: &Path) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut File::open(path)?, &mut file)?;
    Ok(file)
}

/// What a text is by its first line that is neither blank nor a comment.
fn kind_of(head: &str) -> Kind {
    let mut lines = head.trim_start_matches('\u{feff}').lines().map(str::trim_end);
    let first = lines.find(|line| !line.trim().is_empty() && !line.starts_with('#')).unwrap_or_default();
    if first.starts_with('{') && first.ends_with('}') {
        // A manifest may be a line of JSON as well as a job may.
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(first).unwrap_or_default();
        let is_manifest = ["jobs", "template"].iter().any(|key| object.contains_key(*key));
        return if is_manifest { Kind::Yaml } else { Kind::Lines };
    }
    let key = first.split(':').next().unwrap_or_default();
    let is_key = first.contains(':') && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_document = is_key || first == "---" || first.starts_with(['{', '[']) || first.starts_with("- ");
    if is_document { Kind::Yaml } else { Kind::Table }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_told_by_the_first_line() {
        for (head, kind) in [
            ("\u{feff}id,prompt,images\n", Kind::Table),
            ("prompt;images\nmake it: red;a", Kind::Table),
            ("\n{\"prompt\":\"a\"}\n", Kind::Lines),
            ("# a comment\nversion: 1\n", Kind::Yaml),
            ("rows: a.csv\n", Kind::Yaml),
            ("{\n\"jobs\": []}", Kind::Yaml),
            ("{\"version\": 1, \"jobs\": []}\n", Kind::Yaml),
            ("[{\"prompt\":\"a\"}]", Kind::Yaml),
            ("- prompt: a\n", Kind::Yaml),
            ("sep=;\nid;prompt;images\n", Kind::Table),
        ] {
            assert_eq!(kind_of(head), kind, "{head}");
        }
    }
}
