use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use tempfile::TempPath;

use super::diagnostic::{Diagnostic, Excerpt, Severity, quoted};
use super::{encoding, suggest};

/// The bytes of a manifest: UTF-8, with a place in them for each diagnostic.
#[derive(Debug)]
pub(super) struct Source {
    /// As the user named it.
    pub(super) name: String,
    path: PathBuf,
    /// Where the text begins: behind a byte order mark.
    start: u64,
    /// What was understood of its encoding and could surprise.
    pub(super) notice: Option<Diagnostic>,
    /// Copies that `path` may be one of, which go away with it.
    _copies: Vec<TempPath>,
}

/// What kind of manifest a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Table,
    Yaml,
    /// A JSON object a line.
    Lines,
}

impl Kind {
    const EXTENSIONS: [&'static str; 8] = ["csv", "tsv", "txt", "yaml", "yml", "json", "jsonl", "ndjson"];

    /// The kind by the file's extension.
    pub(super) fn of(path: &Path, name: &str) -> Result<Kind, Diagnostic> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        match extension.as_str() {
            "csv" | "tsv" | "txt" => Ok(Kind::Table),
            "yaml" | "yml" | "json" => Ok(Kind::Yaml),
            "jsonl" | "ndjson" => Ok(Kind::Lines),
            "xlsx" | "xls" | "ods" | "numbers" => Err(Diagnostic::about_file(
                name,
                "it is a spreadsheet's own file, which is not read",
                "save it as CSV (UTF-8) and name that file".to_owned(),
            )),
            _ => Err(Diagnostic::about_file(
                name,
                format!("cannot tell what kind of manifest {} is", quoted(name)),
                format!("name it .csv, .yaml or .jsonl; {}", suggest::hint(&extension, &Kind::EXTENSIONS)),
            )),
        }
    }
}

/// Why a text is not taken as UTF-8.
enum Refused {
    /// It is none.
    Text(Diagnostic),
    /// It cannot be read.
    File(Diagnostic),
}

impl Source {
    /// Opens the file at `path`, which messages call `name`. All of the text is UTF-8: UTF-16 is converted, and a table
    /// in another encoding is taken for Windows-1252.
    pub(super) fn open(path: &Path, name: String, kind: Kind) -> Result<Source, Diagnostic> {
        let cannot = |error: io::Error| unreadable(&name, path, &error);
        if std::fs::metadata(path).map_err(cannot)?.is_dir() {
            let hint = "name a .csv, .yaml or .jsonl file in it".to_owned();
            return Err(Diagnostic::about_file(&name, "it is a folder, and a manifest is a file", hint));
        }
        let mut reader = BufReader::new(File::open(path).map_err(cannot)?);
        let head = reader.fill_buf().map_err(cannot)?;
        if head.is_empty() {
            let hint = "begin with a header line such as id,prompt,images".to_owned();
            return Err(Diagnostic::about_file(&name, "the manifest is empty", hint));
        }
        let start = if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let utf16 = encoding::utf16(head);
        let source = Source { name, path: path.to_owned(), start, notice: None, _copies: Vec::new() };
        if let Some(utf16) = utf16 {
            return source.converted(utf16, None);
        }
        match (source.check_utf8(reader), kind) {
            (Ok(()), _) => Ok(source),
            (Err(Refused::Text(wrong)), Kind::Table) => source.converted(encoding::FALLBACK, Some(wrong)),
            (Err(Refused::Text(wrong) | Refused::File(wrong)), _) => Err(wrong),
        }
    }

    /// Keeps the file that it reads for as long as it lives.
    pub(super) fn keeping(mut self, file: TempPath) -> Source {
        self._copies.push(file);
        self
    }

    /// The same text in UTF-8; `wrong` is what was met where UTF-8 was expected.
    fn converted(self, from: &'static Encoding, wrong: Option<Diagnostic>) -> Result<Source, Diagnostic> {
        let copy = File::open(&self.path).and_then(|file| encoding::converted(file, from));
        let copy = copy.map_err(|error| self.failed(&error))?;
        let notice = wrong.map(|wrong| Diagnostic {
            severity: Severity::Note,
            message: format!("{}: the file is read as {}", wrong.message, from.name()),
            hint: Some(
                "look whether names with accents are right in the plan; saving as UTF-8 leaves no doubt".to_owned(),
            ),
            ..wrong
        });
        Ok(Source { path: copy.to_path_buf(), start: 0, notice, _copies: vec![copy], ..self })
    }

    fn check_utf8(&self, mut reader: impl Read) -> Result<(), Refused> {
        let mut buffer = vec![0; 1 << 18];
        let (mut kept, mut offset) = (0, 0u64);
        loop {
            let read = reader.read(&mut buffer[kept..]).map_err(|error| Refused::File(self.failed(&error)))?;
            let filled = kept + read;
            match std::str::from_utf8(&buffer[..filled]) {
                Ok(_) if read == 0 => return Ok(()),
                Ok(_) => (kept, offset) = (0, offset + filled as u64),
                Err(error) => {
                    let valid = error.valid_up_to();
                    if error.error_len().is_some() || read == 0 {
                        return Err(Refused::Text(self.not_utf8(offset + valid as u64, buffer[valid])));
                    }
                    buffer.copy_within(valid..filled, 0);
                    (kept, offset) = (filled - valid, offset + valid as u64);
                }
            }
        }
    }

    fn not_utf8(&self, offset: u64, byte: u8) -> Diagnostic {
        let line = self.line_of(offset).ok();
        Diagnostic {
            line,
            ..Diagnostic::about_file(
                &self.name,
                format!("byte 0x{byte:02X} is not UTF-8"),
                "save the file as UTF-8 (in Excel: \"CSV UTF-8\")".to_owned(),
            )
        }
    }

    /// The line of byte `offset` of the file.
    fn line_of(&self, offset: u64) -> io::Result<u64> {
        let mut reader = BufReader::new(File::open(&self.path)?).take(offset);
        let (mut line, mut buffer) = (1, vec![0; 1 << 16]);
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(line),
                read => line += buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64,
            }
        }
    }

    /// The text, from byte `offset` of it on.
    pub(super) fn reader(&self, offset: u64) -> io::Result<File> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.start + offset))?;
        Ok(file)
    }

    /// All of the text.
    pub(super) fn text(&self) -> Result<String, Diagnostic> {
        let read = || -> io::Result<String> { io::read_to_string(self.reader(0)?) };
        read().map_err(|error| self.failed(&error))
    }

    /// The text between two bytes of it.
    pub(super) fn slice(&self, from: u64, to: u64) -> io::Result<String> {
        io::read_to_string(self.reader(from)?.take(to.saturating_sub(from)))
    }

    /// What is said when reading fails.
    pub(super) fn failed(&self, error: &io::Error) -> Diagnostic {
        unreadable(&self.name, &self.path, error)
    }

    /// An error at byte `at` of `text`, which begins on `first_line` of the file.
    pub(super) fn error_in(
        &self,
        text: &str,
        first_line: u64,
        span: &std::ops::Range<usize>,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) -> Diagnostic {
        let start = (0..=span.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Diagnostic {
            severity: Severity::Error,
            line: Some(first_line + before.bytes().filter(|byte| *byte == b'\n').count() as u64),
            column: Some(before[line_start..].chars().count() as u64 + 1),
            excerpt: Some(Excerpt::of(text, span)),
            ..Diagnostic::about_file(&self.name, message, hint)
        }
    }
}

fn unreadable(name: &str, path: &Path, error: &io::Error) -> Diagnostic {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            Some(near_name(path, folder.unwrap_or(Path::new("."))).map_or_else(
                || "check the path; it is relative to the folder that you are in".to_owned(),
                |near| format!("did you mean `{near}`?"),
            ))
        }
        io::ErrorKind::PermissionDenied => Some("make the file readable for this user".to_owned()),
        _ => None,
    };
    let message = match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => format!("it cannot be read: {error}"),
    };
    Diagnostic::about_file(name, message, hint)
}

/// A manifest beside `path` that was probably meant.
fn near_name(path: &Path, folder: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| Kind::of(Path::new(name), name).is_ok())
        .take(1000)
        .collect();
    let near = suggest::nearest(wanted, names.iter().map(String::as_str))?;
    Some(path.with_file_name(near).display().to_string())
}
