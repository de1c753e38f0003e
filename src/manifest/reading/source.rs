use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use encoding_rs::Encoding;

use crate::bytes::char_floor;
use crate::manifest::diagnostic::{Diagnostic, Excerpt, Severity, quoted};
use crate::manifest::suggest;

use super::blocks::breaks;
use super::encoding::{self, Guess, NotUtf8};
use super::kind::{FileKind, a_folder};
use super::lined_text::LinedText;
use super::text::Text;
use super::unsupported;

/// The bytes of a manifest: UTF-8, with a place in them for each diagnostic.
#[derive(Debug)]
pub(in crate::manifest) struct Source {
    /// Its name, as the user wrote it.
    pub(in crate::manifest) name: String,
    /// The file itself, or a copy that has no name and so cannot be left behind.
    file: Arc<File>,
    /// Where the text begins: behind a byte order mark.
    start: u64,
    /// A notice about its encoding, which could surprise.
    pub(in crate::manifest) notice: Option<Diagnostic>,
}

/// The reason why a text is not taken as UTF-8.
enum Refused {
    /// It is not UTF-8, from a byte of the text on.
    Text(u64, Diagnostic),
    /// It is UTF-8 at first, with letters that no other encoding would have by chance.
    Mixed(Diagnostic),
    /// It cannot be read.
    File(Diagnostic),
}

impl Source {
    /// Opens the file at `path`, which messages call `name`. All of the text is UTF-8: UTF-16 is converted, and a table
    /// in another encoding is taken for Windows-1252, or for that of the old Macintosh if that is clear.
    pub(in crate::manifest) fn open(path: &Path, name: String, kind: FileKind) -> Result<Source, Diagnostic> {
        let file = opened(path, &name)?;
        Source::of(file, name, kind)
    }

    /// Reads a file that is open.
    pub(in crate::manifest) fn of(file: File, name: String, kind: FileKind) -> Result<Source, Diagnostic> {
        Source::read(file, name, kind, |file, _| encoding::is_utf8(file))
    }

    /// Opens a file on trust: a text that begins as UTF-8 is taken for it, and errors show when it is read.
    pub(in crate::manifest) fn open_on_trust(path: &Path, name: String, kind: FileKind) -> Result<Source, Diagnostic> {
        let file = opened(path, &name)?;
        Source::read(file, name, kind, |_, head| Ok(encoding::begins_as_utf8(head)))
    }

    /// Reads `file`; `is_utf8` decides from its beginning whether it is UTF-8.
    fn read(
        file: File,
        name: String,
        kind: FileKind,
        is_utf8: impl FnOnce(&Arc<File>, &[u8]) -> io::Result<bool>,
    ) -> Result<Source, Diagnostic> {
        let mut source = Source { name, file: Arc::new(file), start: 0, notice: None };
        let mut reader = BufReader::new(source.reader(0));
        let head = reader.fill_buf().map_err(|error| source.failed(&error))?;
        if head.is_empty() {
            let hint = match kind {
                FileKind::Table => "begin with a header line such as id,prompt,images",
                FileKind::Yaml => "begin with `jobs:` and a list of jobs",
                FileKind::Lines => "write one JSON object per line, with `prompt` and `images`",
            };
            return Err(Diagnostic::about_file(&source.name, "the manifest is empty", hint.to_owned()));
        }
        if let Some((message, hint)) = unsupported::detect(head) {
            return Err(Diagnostic::about_file(&source.name, message, hint.to_owned()));
        }
        let start = if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let utf16 = encoding::utf16(head);
        let is_utf8 = if utf16.is_none() { is_utf8(&source.file, head) } else { Ok(false) };
        let is_utf8 = is_utf8.map_err(|error| source.failed(&error))?;
        if let Some(utf16) = utf16 {
            return source.converted(utf16, None);
        }
        source.start = start;
        match (if is_utf8 { Ok(()) } else { source.check_utf8(reader) }, kind) {
            (Ok(()), _) => Ok(source),
            // A byte order mark means UTF-8, and is not to be read as three letters.
            (Err(Refused::Text(offset, wrong)), FileKind::Table) if start == 0 => {
                let guess = encoding::fallback(source.reader(0)).map_err(|error| source.failed(&error))?;
                match guess.no_word {
                    Some(strange) => Err(source.no_word(strange, guess.encoding)),
                    None => {
                        let notice = source.taken_for(&guess, offset, wrong);
                        source.converted(guess.encoding, Some(notice))
                    }
                }
            }
            (Err(Refused::Text(_, wrong) | Refused::Mixed(wrong) | Refused::File(wrong)), _) => Err(wrong),
        }
    }

    /// Converts the text to UTF-8, with a notice about that.
    fn converted(self, from: &'static Encoding, notice: Option<Diagnostic>) -> Result<Source, Diagnostic> {
        let copy = encoding::converted(&self.file, from);
        let file = Arc::new(copy.map_err(|error| self.failed(&error))?);
        Ok(Source { file, start: 0, notice, ..self })
    }

    /// Returns the notice about a text in another encoding than UTF-8; `wrong` is the error if it was meant to be
    /// UTF-8.
    fn taken_for(&self, guess: &Guess, offset: u64, wrong: Diagnostic) -> Diagnostic {
        let Guess { encoding, doubtful, .. } = guess;
        let offset = doubtful.unwrap_or(offset);
        let word = self.word_at(offset, encoding).map(|word| format!(", with words such as {}", quoted(&word)));
        let severity = if doubtful.is_some() { Severity::Warning } else { Severity::Note };
        Diagnostic {
            severity,
            message: format!("{}: the file is read as {}{}", wrong.message, encoding.name(), word.unwrap_or_default()),
            hint: Some("if that is wrong, save the file as UTF-8, which is unambiguous".to_owned()),
            ..wrong
        }
    }

    /// Returns the notice about a text of uncertain encoding: no word has the byte at `offset` in this one.
    fn no_word(&self, offset: u64, encoding: &'static Encoding) -> Diagnostic {
        let (line, column) = self.line_and_column(offset, |_| true).ok().unzip();
        let word = self.word_at(offset, encoding).unwrap_or_default();
        let message = format!("the file is not UTF-8, and read as {} it says {}", encoding.name(), quoted(&word));
        let hint = "save the file as UTF-8, in the editor's or the spreadsheet's \"Save as\"".to_owned();
        Diagnostic { line, column, ..Diagnostic::about_file(&self.name, message, hint) }
    }

    /// The word around the byte at `offset`.
    fn word_at(&self, offset: u64, encoding: &'static Encoding) -> Option<String> {
        const MAX_BYTES_AROUND: u64 = 30;
        let from = offset.saturating_sub(MAX_BYTES_AROUND);
        let mut bytes = Vec::new();
        self.reader(from).take(2 * MAX_BYTES_AROUND).read_to_end(&mut bytes).ok()?;
        let (before, behind) = bytes.split_at_checked(usize::try_from(offset - from).ok()?)?;
        let is_end = |byte: &u8| byte.is_ascii() && !byte.is_ascii_alphanumeric();
        let start = before.iter().rposition(is_end).map_or(0, |end| end + 1);
        let end = before.len() + behind.iter().position(is_end).unwrap_or(behind.len());
        Some(encoding.decode_without_bom_handling(&bytes[start..end]).0.into_owned()).filter(|word| !word.is_empty())
    }

    /// Finds what of a text is not UTF-8.
    fn check_utf8(&self, reader: impl Read) -> Result<(), Refused> {
        let mut has_letters = false;
        let found = encoding::read_utf8(reader, |text| has_letters |= has_utf8_letters(text));
        let Some(NotUtf8 { offset, byte }) = found.map_err(|error| Refused::File(self.failed(&error)))? else {
            return Ok(());
        };
        let wrong = self.not_utf8(offset, byte);
        Err(if has_letters { Refused::Mixed(mixed(wrong)) } else { Refused::Text(offset, wrong) })
    }

    fn not_utf8(&self, offset: u64, byte: u8) -> Diagnostic {
        // A byte that continues a character is no column.
        let (line, column) = self.line_and_column(offset, |byte| !matches!(byte, 0x80..=0xBF)).ok().unzip();
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

    /// Returns the line and the column of byte `offset` of the file; `is_column` is whether a byte begins a character.
    fn line_and_column(&self, offset: u64, is_column: impl Fn(u8) -> bool) -> io::Result<(u64, u64)> {
        let mut reader = BufReader::new(Text::of(&self.file, 0)).take(offset);
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
                    byte => column += u64::from(is_column(*byte)),
                }
                after_return = *byte == b'\r';
            }
            let read = bytes.len();
            reader.consume(read);
        }
    }

    /// Whether all of the text is UTF-8, in its present state.
    pub(in crate::manifest) fn is_utf8(&self) -> io::Result<bool> {
        encoding::is_utf8(&self.file)
    }

    /// The text, from byte `offset` of it on.
    pub(in crate::manifest) fn reader(&self, offset: u64) -> Text {
        Text::of(&self.file, self.start + offset)
    }

    /// Hashes all of the text, and what it is called.
    pub(in crate::manifest) fn hash(&self, hasher: &mut blake3::Hasher) -> io::Result<()> {
        hasher.update(&(self.name.len() as u64).to_le_bytes()).update(self.name.as_bytes());
        let length = io::copy(&mut BufReader::with_capacity(1 << 17, self.reader(0)), hasher)?;
        hasher.update(&length.to_le_bytes());
        Ok(())
    }

    /// All of the text.
    pub(in crate::manifest) fn text(&self) -> Result<String, Diagnostic> {
        let mut text = io::read_to_string(self.reader(0)).map_err(|error| self.failed(&error))?;
        // Old systems end a text with Ctrl-Z, and some fill its last sector.
        text.truncate(text.trim_end_matches(['\0', '\u{1a}']).len());
        Ok(text)
    }

    /// Returns the error of a failed read.
    pub(in crate::manifest) fn failed(&self, error: &io::Error) -> Diagnostic {
        unreadable(&self.name, Path::new(&self.name), error)
    }

    /// Returns an error at `span` of all of the text. Many of them take no longer each.
    pub(in crate::manifest) fn error_on(
        &self,
        text: &LinedText,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) -> Diagnostic {
        let (line, start) = text.line_at(span.start);
        let passage = Passage { text: &text[start..], first_line: line };
        self.error_in(passage, &(span.start - start..span.end - start), message, hint)
    }

    /// Returns an error at `span` of `passage`.
    pub(in crate::manifest) fn error_in(
        &self,
        passage: Passage<'_>,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) -> Diagnostic {
        let Passage { text, first_line } = passage;
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

/// A part of the text that begins with a line.
#[derive(Clone, Copy)]
pub(in crate::manifest) struct Passage<'t> {
    pub(in crate::manifest) text: &'t str,
    /// The number of its first line in the file, from 1.
    pub(in crate::manifest) first_line: u64,
}

fn opened(path: &Path, name: &str) -> Result<File, Diagnostic> {
    let cannot = |error: io::Error| unreadable(name, path, &error);
    if std::fs::metadata(path).map_err(cannot)?.is_dir() {
        return Err(a_folder(name));
    }
    File::open(path).map_err(cannot)
}

/// Whether a text has letters or signs of Europe in it that other encodings write in a byte. Read as one of those, they
/// would be letters followed by signs, which no language has.
fn has_utf8_letters(text: &str) -> bool {
    let is_one = |letter| matches!(letter, '\u{A1}'..='\u{17F}' | '\u{370}'..='\u{45F}' | '\u{2013}'..='\u{203A}');
    !text.is_ascii() && text.chars().any(is_one)
}

fn mixed(wrong: Diagnostic) -> Diagnostic {
    Diagnostic {
        message: format!("{}, and what comes before it is", wrong.message),
        hint: Some(
            "two files were put together, or one was cut: save each as UTF-8, and put them together then".into(),
        ),
        ..wrong
    }
}

fn unreadable(name: &str, path: &Path, error: &io::Error) -> Diagnostic {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => {
            let is_manifest = |file: &Path| FileKind::of(file, "").is_ok();
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
