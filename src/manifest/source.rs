use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use tempfile::TempPath;

use crate::bytes::char_floor;

use super::blocks::breaks;
use super::diagnostic::{Diagnostic, Excerpt, Severity};
use super::encoding::NotUtf8;
use super::line_starts::LineStarts;
use super::{encoding, foreign, suggest};

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
            "xlsx" | "xls" | "ods" | "numbers" => {
                Err(Diagnostic::about_file(name, foreign::SPREADSHEET.0, foreign::SPREADSHEET.1.to_owned()))
            }
            _ => Err(Diagnostic::about_file(
                name,
                "its name does not say what kind of manifest it is",
                suggest::nearest(&extension, Kind::EXTENSIONS).map_or_else(
                    || "a manifest ends in .csv, .tsv, .txt, .yaml, .yml, .json, .jsonl or .ndjson".to_owned(),
                    |near| format!("did you mean `.{near}`?"),
                ),
            )),
        }
    }
}

/// Why a text is not taken as UTF-8.
enum Refused {
    /// It is none.
    Text(Diagnostic),
    /// It is one at first, with letters that no other encoding would have by chance.
    Mixed(Diagnostic),
    /// It cannot be read.
    File(Diagnostic),
}

impl Source {
    /// Opens the file at `path`, which messages call `name`. All of the text is UTF-8: UTF-16 is converted, and a table
    /// in another encoding is taken for Windows-1252, or for that of the old Macintosh where it is clear.
    pub(super) fn open(path: &Path, name: String, kind: Kind) -> Result<Source, Diagnostic> {
        Source::open_as(path, name, kind, |_| encoding::is_utf8(path))
    }

    /// The same, but a text that begins as UTF-8 is taken for it: whether all of it is shows when it is read.
    pub(super) fn open_on_trust(path: &Path, name: String, kind: Kind) -> Result<Source, Diagnostic> {
        Source::open_as(path, name, kind, |head| Ok(encoding::begins_as_utf8(head)))
    }

    /// Opens the file at `path`; `is_utf8` says what it is taken for, and is given its beginning.
    fn open_as(
        path: &Path,
        name: String,
        kind: Kind,
        is_utf8: impl FnOnce(&[u8]) -> io::Result<bool>,
    ) -> Result<Source, Diagnostic> {
        let cannot = |error: io::Error| unreadable(&name, path, &error);
        if std::fs::metadata(path).map_err(cannot)?.is_dir() {
            let hint = "name a .csv, .yaml or .jsonl file in it".to_owned();
            return Err(Diagnostic::about_file(&name, "it is a folder, and a manifest is a file", hint));
        }
        let mut reader = BufReader::new(File::open(path).map_err(cannot)?);
        let head = reader.fill_buf().map_err(cannot)?;
        if head.is_empty() {
            let hint = match kind {
                Kind::Table => "begin with a header line such as id,prompt,images",
                Kind::Yaml => "begin with `jobs:` and a list of jobs",
                Kind::Lines => "write a JSON object a line, with `prompt` and `images`",
            };
            return Err(Diagnostic::about_file(&name, "the manifest is empty", hint.to_owned()));
        }
        if let Some((message, hint)) = foreign::told(head) {
            return Err(Diagnostic::about_file(&name, message, hint.to_owned()));
        }
        let start = if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let utf16 = encoding::utf16(head);
        let is_utf8 = if utf16.is_none() { is_utf8(head).map_err(cannot)? } else { false };
        let source = Source { name, path: path.to_owned(), start, notice: None, _copies: Vec::new() };
        if let Some(utf16) = utf16 {
            return source.converted(utf16, None);
        }
        match (if is_utf8 { Ok(()) } else { source.check_utf8(reader) }, kind) {
            (Ok(()), _) => Ok(source),
            // A mark says that it is UTF-8, and is not to be read as three letters.
            (Err(Refused::Text(wrong)), Kind::Table) if start == 0 => {
                let fallback = File::open(path).and_then(encoding::fallback).map_err(|error| source.failed(&error))?;
                source.converted(fallback, Some(wrong))
            }
            (Err(Refused::Text(wrong) | Refused::Mixed(wrong) | Refused::File(wrong)), _) => Err(wrong),
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

    /// Finds what of a text is not UTF-8.
    fn check_utf8(&self, reader: impl Read) -> Result<(), Refused> {
        let mut has_letters = false;
        let found = encoding::read_utf8(reader, |text| has_letters |= has_utf8_letters(text));
        let Some(NotUtf8 { offset, byte }) = found.map_err(|error| Refused::File(self.failed(&error)))? else {
            return Ok(());
        };
        let wrong = self.not_utf8(offset, byte);
        Err(if has_letters { Refused::Mixed(mixed(wrong)) } else { Refused::Text(wrong) })
    }

    fn not_utf8(&self, offset: u64, byte: u8) -> Diagnostic {
        let (line, column) = self.place_of(offset).ok().unzip();
        Diagnostic {
            line,
            column,
            ..Diagnostic::about_file(
                &self.name,
                format!("byte 0x{byte:02X} is not UTF-8"),
                "save the file as UTF-8, in the editor's or the spreadsheet's \"Save as\"".to_owned(),
            )
        }
    }

    /// The line and the column of byte `offset` of the file, before which all is UTF-8.
    fn place_of(&self, offset: u64) -> io::Result<(u64, u64)> {
        let mut reader = BufReader::new(File::open(&self.path)?).take(offset);
        let (mut line, mut column, mut after_return) = (1, 1, false);
        loop {
            let bytes = reader.fill_buf()?;
            if bytes.is_empty() {
                return Ok((line, column));
            }
            for byte in bytes {
                match byte {
                    b'\n' if after_return => {}
                    b'\n' | b'\r' => (line, column) = (line + 1, 1),
                    // What goes on with a character is no column of its own.
                    0x80..=0xBF => {}
                    _ => column += 1,
                }
                after_return = *byte == b'\r';
            }
            let read = bytes.len();
            reader.consume(read);
        }
    }

    /// Whether all of the text is UTF-8 by now.
    pub(super) fn is_utf8(&self) -> io::Result<bool> {
        encoding::is_utf8(&self.path)
    }

    /// The text, from byte `offset` of it on.
    pub(super) fn reader(&self, offset: u64) -> io::Result<File> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.start + offset))?;
        Ok(file)
    }

    /// Hashes all of the text, and what it is called.
    pub(super) fn hash(&self, hasher: &mut blake3::Hasher) -> io::Result<()> {
        hasher.update(&(self.name.len() as u64).to_le_bytes()).update(self.name.as_bytes());
        let length = io::copy(&mut BufReader::with_capacity(1 << 17, self.reader(0)?), hasher)?;
        hasher.update(&length.to_le_bytes());
        Ok(())
    }

    /// All of the text.
    pub(super) fn text(&self) -> Result<String, Diagnostic> {
        let read = || -> io::Result<String> { io::read_to_string(self.reader(0)?) };
        let mut text = read().map_err(|error| self.failed(&error))?;
        // Old systems end a text with Ctrl-Z, and some fill its last sector.
        text.truncate(text.trim_end_matches(['\0', '\u{1a}']).len());
        Ok(text)
    }

    /// What is said when reading fails.
    pub(super) fn failed(&self, error: &io::Error) -> Diagnostic {
        unreadable(&self.name, &self.path, error)
    }

    /// The same as [`Source::error_in`] of all of the text, whose lines begin at `lines`: for many errors in one text.
    pub(super) fn error_on(
        &self,
        text: &str,
        lines: &LineStarts,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) -> Diagnostic {
        let (line, start) = lines.before(text, span.start);
        self.error_in(&text[start..], line, &(span.start - start..span.end - start), message, hint)
    }

    /// An error at byte `at` of `text`, which begins on `first_line` of the file.
    pub(super) fn error_in(
        &self,
        text: &str,
        first_line: u64,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) -> Diagnostic {
        let start = char_floor(text, span.start.min(text.len()));
        let before = &text[..start];
        let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        Diagnostic {
            severity: Severity::Error,
            line: Some(first_line + breaks(before)),
            column: Some(before[line_start..].chars().count() as u64 + 1),
            excerpt: Some(Excerpt::of(text, span)),
            ..Diagnostic::about_file(&self.name, message, hint)
        }
    }
}

/// Whether a text has letters or signs of Europe in it that other encodings write in a byte. Read as one of those, they
/// would be letters followed by signs, which no language has.
fn has_utf8_letters(text: &str) -> bool {
    let is_one = |letter| matches!(letter, '\u{A1}'..='\u{17F}' | '\u{370}'..='\u{45F}' | '\u{2013}'..='\u{203A}');
    !text.is_ascii() && text.chars().any(is_one)
}

fn mixed(wrong: Diagnostic) -> Diagnostic {
    Diagnostic {
        message: format!("{}, and what stands before it is", wrong.message),
        hint: Some(
            "two files were put together, or one was cut: save each as UTF-8, and put them together then".into(),
        ),
        ..wrong
    }
}

fn unreadable(name: &str, path: &Path, error: &io::Error) -> Diagnostic {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => {
            let is_manifest = |file: &Path| Kind::of(file, "").is_ok();
            Some(suggest::near_file(path, Path::new(""), is_manifest).map_or_else(
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
