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

/// The text of a manifest in UTF-8, which can locate diagnostics.
#[derive(Debug)]
pub(in crate::manifest) struct Source {
    /// The name, as the user wrote it.
    pub(in crate::manifest) name: String,
    /// The file itself, or an unnamed copy, which cannot be left behind.
    file: Arc<File>,
    /// The offset of the text, which is after a byte order mark.
    start: u64,
    /// A notice about the encoding, if it could surprise the user.
    pub(in crate::manifest) notice: Option<Diagnostic>,
}

/// Why a text is not accepted as UTF-8.
enum Refused {
    /// It is not UTF-8 from this offset on.
    Text(u64, Diagnostic),
    /// It starts as UTF-8, with letters that would not occur by chance in another encoding.
    Mixed(Diagnostic),
    /// It cannot be read.
    File(Diagnostic),
}

impl Source {
    /// Opens the file at `path`, which messages call `name`. The resulting text is UTF-8: UTF-16 is converted, and a
    /// table in another encoding is read as Windows-1252, or as Mac Roman if there is clear evidence for it.
    pub(in crate::manifest) fn open(path: &Path, name: String, kind: FileKind) -> Result<Source, Diagnostic> {
        let file = opened(path, &name)?;
        Source::of(file, name, kind)
    }

    /// Reads an open file.
    pub(in crate::manifest) fn of(file: File, name: String, kind: FileKind) -> Result<Source, Diagnostic> {
        Source::read(file, name, kind, |file, _| encoding::is_utf8(file))
    }

    /// Opens a file on trust: a text that starts as UTF-8 is not checked further, and errors are found when it is read.
    pub(in crate::manifest) fn open_on_trust(path: &Path, name: String, kind: FileKind) -> Result<Source, Diagnostic> {
        let file = opened(path, &name)?;
        Source::read(file, name, kind, |_, head| Ok(encoding::begins_as_utf8(head)))
    }

    /// Reads `file`. `is_utf8` decides, given the beginning of the file, whether it is UTF-8.
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
            // After a byte order mark, a text can only be UTF-8.
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

    /// Returns the notice about a text that is not UTF-8. `wrong` is the error that it would be if UTF-8 was intended.
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

    /// Returns the error of a text whose encoding is unknown: the byte at `offset` occurs in no word if it is read as
    /// `encoding`.
    fn no_word(&self, offset: u64, encoding: &'static Encoding) -> Diagnostic {
        let (line, column) = self.line_and_column(offset, |_| true).ok().unzip();
        let word = self.word_at(offset, encoding).unwrap_or_default();
        let message = format!("the file is not UTF-8, and read as {} it says {}", encoding.name(), quoted(&word));
        let hint = "save the file as UTF-8, in the editor's or the spreadsheet's \"Save as\"".to_owned();
        Diagnostic { line, column, ..Diagnostic::about_file(&self.name, message, hint) }
    }

    /// Returns the word around the byte at `offset`.
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

    /// Checks that a text is UTF-8.
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
        // A byte that continues a character does not count as a column.
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

    /// Returns the line and the column of byte `offset` of the file. `is_column` tells whether a byte starts a
    /// character.
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

    /// Whether the whole text is UTF-8, as the file is now.
    pub(in crate::manifest) fn is_utf8(&self) -> io::Result<bool> {
        encoding::is_utf8(&self.file)
    }

    /// Returns a reader of the text from byte `offset` on.
    pub(in crate::manifest) fn reader(&self, offset: u64) -> Text {
        Text::of(&self.file, self.start + offset)
    }

    /// Hashes the whole text and its name.
    pub(in crate::manifest) fn hash(&self, hasher: &mut blake3::Hasher) -> io::Result<()> {
        hasher.update(&(self.name.len() as u64).to_le_bytes()).update(self.name.as_bytes());
        let length = io::copy(&mut BufReader::with_capacity(1 << 17, self.reader(0)), hasher)?;
        hasher.update(&length.to_le_bytes());
        Ok(())
    }

    /// Returns the whole text.
    pub(in crate::manifest) fn text(&self) -> Result<String, Diagnostic> {
        let mut text = io::read_to_string(self.reader(0)).map_err(|error| self.failed(&error))?;
        // Old systems end a text with Ctrl-Z, and some pad its last sector.
        text.truncate(text.trim_end_matches(['\0', '\u{1a}']).len());
        Ok(text)
    }

    /// Returns the error of a failed read.
    pub(in crate::manifest) fn failed(&self, error: &io::Error) -> Diagnostic {
        unreadable(&self.name, Path::new(&self.name), error)
    }

    /// Returns an error at `span` of the whole text. It finds the line in the text's index, so that many errors take
    /// little time.
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

/// A part of a text that starts at the beginning of a line.
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

/// Whether a text contains European letters or symbols that other encodings write as one byte. Read in such an
/// encoding, each would be a letter followed by symbols, which occurs in no language.
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
