use std::path::Path;

use crate::manifest::diagnostic::Diagnostic;
use crate::manifest::suggest;

use super::unsupported;

/// The format of a manifest's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::manifest) enum FileKind {
    Table,
    Yaml,
    /// One JSON object per line.
    Lines,
}

impl FileKind {
    const EXTENSIONS: [&'static str; 8] = ["csv", "tsv", "txt", "yaml", "yml", "json", "jsonl", "ndjson"];

    /// Returns the format that the file's extension indicates. `name` is the file's name in messages.
    pub(in crate::manifest) fn of(path: &Path, name: &str) -> Result<FileKind, Diagnostic> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        match extension.as_str() {
            "csv" | "tsv" | "txt" => Ok(FileKind::Table),
            "yaml" | "yml" | "json" => Ok(FileKind::Yaml),
            "jsonl" | "ndjson" => Ok(FileKind::Lines),
            "xlsx" | "xls" | "ods" | "numbers" => {
                Err(Diagnostic::about_file(name, unsupported::SPREADSHEET.0, unsupported::SPREADSHEET.1.to_owned()))
            }
            _ if path.is_dir() => Err(a_folder(name)),
            _ => Err(Diagnostic::about_file(
                name,
                "its name does not say what kind of manifest it is",
                suggest::nearest(&extension, FileKind::EXTENSIONS).map_or_else(
                    || "a manifest ends in .csv, .tsv, .txt, .yaml, .yml, .json, .jsonl or .ndjson".to_owned(),
                    |near| format!("did you mean `.{near}`?"),
                ),
            )),
        }
    }
}

/// Returns the file near `path` that was probably meant, if there is no image at `path`.
pub fn near_picture(path: &Path, folder: &Path) -> Option<String> {
    suggest::near_file(path, folder, |file| FileKind::of(file, "").is_err())
}

/// Returns the error of a folder that is given in place of a file.
pub(in crate::manifest) fn a_folder(name: &str) -> Diagnostic {
    let hint = "name a .csv, .yaml or .jsonl file in it".to_owned();
    Diagnostic::about_file(name, "it is a folder, and a manifest is a file", hint)
}
