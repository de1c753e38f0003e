//! Reads manifests from standard input and from pipes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use serde::de::IgnoredAny;

use crate::manifest::diagnostic::Diagnostic;

use super::encoding;
use super::kind::FileKind;

/// The path that stands for standard input on the command line.
pub(in crate::manifest) const DASH: &str = "-";

/// The name of standard input in messages, and of the run's folder.
pub(in crate::manifest) const NAME: &str = "stdin";

/// The number of bytes that are examined to detect the format.
const HEAD_BYTES: usize = 1 << 16;

/// The maximum number of bytes that are examined if the first line is longer, because it may contain an image.
const MAX_INPUT: usize = 1 << 26;

/// Copies all of `input` to a file, because manifests are read more than once, and detects its format. The file has no
/// name, so that it is deleted however the program ends.
pub(in crate::manifest) fn copied_stdin(mut input: impl Read) -> Result<(File, FileKind), Diagnostic> {
    let failed = |error: io::Error| Diagnostic::about_file(NAME, format!("it cannot be read: {error}"), None);
    let mut file = tempfile::tempfile().map_err(failed)?;
    io::copy(&mut input, &mut file).map_err(failed)?;
    let kind = kind_of_file(&mut file).map_err(failed)?;
    Ok((file, kind))
}

/// Returns the format of `file`, given its beginning. This includes the whole first line, unless that is too long.
fn kind_of_file(file: &mut File) -> io::Result<FileKind> {
    let mut beginning = |length: usize| -> io::Result<String> {
        file.rewind()?;
        let mut head = Vec::new();
        Read::by_ref(file).take(length as u64).read_to_end(&mut head)?;
        Ok(match encoding::utf16(&head) {
            Some(encoding) => encoding.decode(&head).0.into_owned(),
            None => String::from_utf8_lossy(&head).into_owned(),
        })
    };
    let head = beginning(HEAD_BYTES)?;
    // For all other lines, their beginning is enough.
    let goes_on = first_line(&head).starts_with('{') && head.ends_with(first_line(&head));
    Ok(kind_of(&if goes_on { beginning(MAX_INPUT)? } else { head }))
}

/// Copies the content of the pipe at `path` to a temporary file.
pub(in crate::manifest) fn copied_pipe(path: &Path) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut File::open(path)?, &mut file)?;
    Ok(file)
}

/// Returns the first line of a text that is neither blank nor a comment.
fn first_line(head: &str) -> &str {
    let mut lines = head.trim_start_matches('\u{feff}').lines();
    lines.find(|line| !line.trim().is_empty() && !line.starts_with('#')).unwrap_or_default()
}

/// Returns the format of a text by its first line.
fn kind_of(head: &str) -> FileKind {
    let first = first_line(head).trim_end();
    if first.starts_with('{') && first.ends_with('}') {
        // A whole manifest may be a single line of JSON, just as a job may.
        let object: BTreeMap<String, IgnoredAny> = serde_json::from_str(first).unwrap_or_default();
        let is_manifest = ["jobs", "template"].iter().any(|key| object.contains_key(*key));
        return if is_manifest { FileKind::Yaml } else { FileKind::Lines };
    }
    let key = first.split(':').next().unwrap_or_default();
    let is_key = first.contains(':') && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_document = is_key || first == "---" || first.starts_with(['{', '[']) || first.starts_with("- ");
    if is_document { FileKind::Yaml } else { FileKind::Table }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_is_detected_by_the_first_line() {
        for (head, kind) in [
            ("\u{feff}id,prompt,images\n", FileKind::Table),
            ("prompt;images\nmake it: red;a", FileKind::Table),
            ("\n{\"prompt\":\"a\"}\n", FileKind::Lines),
            ("# a comment\nversion: 1\n", FileKind::Yaml),
            ("rows: a.csv\n", FileKind::Yaml),
            ("{\n\"jobs\": []}", FileKind::Yaml),
            ("{\"version\": 1, \"jobs\": []}\n", FileKind::Yaml),
            ("[{\"prompt\":\"a\"}]", FileKind::Yaml),
            ("- prompt: a\n", FileKind::Yaml),
            ("sep=;\nid;prompt;images\n", FileKind::Table),
        ] {
            assert_eq!(kind_of(head), kind, "{head}");
        }
    }

    #[test]
    fn first_line_may_be_long_and_arrive_in_pieces() {
        let picture = "A".repeat(3 * HEAD_BYTES);
        let job = format!("{{\"prompt\":\"a\",\"images\":\"data:image/png;base64,{picture}\"}}\n");
        let jobs = format!("{{\"version\":1,\"jobs\":[{}]}}", job.trim_end());
        for (text, expected) in [
            (job.as_str(), FileKind::Lines),
            (&jobs, FileKind::Yaml),
            ("version: 1\njobs: []\n", FileKind::Yaml),
            ("{\"prompt\":\"a\"}\n{", FileKind::Lines),
            ("id,prompt\n", FileKind::Table),
        ] {
            let (begin, end) = text.split_at(4);
            let (_, kind) = copied_stdin(begin.as_bytes().chain(end.as_bytes())).unwrap();
            assert_eq!(kind, expected, "{}", text.chars().take(30).collect::<String>());
        }
    }
}
