//! Files that are not UTF-8, as spreadsheets save them. They are read through a temporary copy in UTF-8.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use encoding_rs::{Encoding, MACINTOSH, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::text::Text;

/// The number of bytes that are checked to detect UTF-16 without a byte order mark.
const HEAD_BYTES: usize = 4096;

/// Returns the byte order of UTF-16 if the file that starts with `head` is in UTF-16.
pub(in crate::manifest) fn utf16(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        [0xFF, 0xFE, ..] => return Some(UTF_16LE),
        [0xFE, 0xFF, ..] => return Some(UTF_16BE),
        _ => {}
    }
    // In UTF-16, every other byte of Latin text is 0. In other encodings, no byte is.
    let head = &head[..head.len().min(HEAD_BYTES)];
    let nulls = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (nulls(0), nulls(1), head.len() / 2);
    if half >= 4 && odd * 10 > half * 7 && even == 0 {
        return Some(UTF_16LE);
    }
    (half >= 4 && even * 10 > half * 7 && odd == 0).then_some(UTF_16BE)
}

/// Whether a whole file is UTF-8. Two threads check a half each, because nothing else is read before this is known.
pub(in crate::manifest) fn is_utf8(file: &Arc<File>) -> io::Result<bool> {
    let length = file.metadata()?.len();
    let middle = beginning_at(file, length / 2)?;
    thread::scope(|scope| {
        let is_utf8 = |part: Range<u64>| -> io::Result<bool> {
            Ok(read_utf8(Text::of(file, part.start).take(part.end - part.start), |_| {})?.is_none())
        };
        let rest = scope.spawn(move || is_utf8(middle..length));
        let half = is_utf8(0..middle)?;
        Ok(half && rest.join().unwrap_or_else(|panic| resume_unwind(panic))?)
    })
}

/// Whether a text that starts with `head` may be UTF-8.
pub(in crate::manifest) fn begins_as_utf8(head: &[u8]) -> bool {
    // The last character may continue after `head`.
    std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// Returns the start of the first character at or after `offset`.
fn beginning_at(file: &Arc<File>, offset: u64) -> io::Result<u64> {
    let mut bytes = Vec::new();
    Text::of(file, offset).take(4).read_to_end(&mut bytes)?;
    let inside = bytes.iter().take_while(|byte| matches!(byte, 0x80..=0xBF)).count();
    Ok(offset + inside as u64)
}

/// A byte that is not valid in UTF-8.
pub(in crate::manifest) struct NotUtf8 {
    /// The offset of the byte, in bytes from the start.
    pub(in crate::manifest) offset: u64,
    pub(in crate::manifest) byte: u8,
}

/// Reads a text up to its end or its first byte that is not UTF-8, and passes it to `see` in pieces.
pub(in crate::manifest) fn read_utf8(mut reader: impl Read, mut see: impl FnMut(&str)) -> io::Result<Option<NotUtf8>> {
    let mut buffer = vec![0; 1 << 17];
    let (mut kept, mut offset) = (0, 0);
    loop {
        let read = reader.read(&mut buffer[kept..])?;
        let filled = kept + read;
        let (text, is_broken) = match std::str::from_utf8(&buffer[..filled]) {
            Ok(text) => (text, false),
            Err(error) => {
                let valid = std::str::from_utf8(&buffer[..error.valid_up_to()]).unwrap_or_default();
                // The rest of a character may not have been read yet.
                (valid, error.error_len().is_some() || read == 0)
            }
        };
        see(text);
        let valid = text.len();
        if is_broken {
            return Ok(Some(NotUtf8 { offset: offset + valid as u64, byte: buffer[valid] }));
        }
        if read == 0 {
            return Ok(None);
        }
        buffer.copy_within(valid..filled, 0);
        (kept, offset) = (filled - valid, offset + valid as u64);
    }
}

/// The probable encoding of a text that is not UTF-8.
pub(in crate::manifest) struct Guess {
    pub(in crate::manifest) encoding: &'static Encoding,
    /// The offset of a byte that occurs in no word of a Western language.
    pub(in crate::manifest) no_word: Option<u64>,
    /// The offset of the first byte that occurs only in words of few languages.
    pub(in crate::manifest) doubtful: Option<u64>,
}

/// Guesses the encoding of a text that is not UTF-8, assuming a Western language: Windows-1252, or Mac Roman if lines
/// end in carriage returns or if letters inside words show it.
pub(in crate::manifest) fn fallback(reader: impl Read) -> io::Result<Guess> {
    let mut reader = BufReader::with_capacity(1 << 17, reader);
    let mut evidence = EncodingEvidence::default();
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(evidence.guess());
        }
        bytes.iter().for_each(|byte| evidence.take(*byte));
        let read = bytes.len();
        reader.consume(read);
    }
}

/// Features of a text that distinguish Windows-1252 from Mac Roman.
#[derive(Default)]
struct EncodingEvidence {
    has_returns: bool,
    has_feeds: bool,
    /// Whether a word contains a letter of Mac Roman for which Windows-1252 has a symbol, a capital, or no character.
    is_macintosh: bool,
    /// Whether a word contains a small letter of Windows-1252 for which Mac Roman has a symbol or a capital.
    is_windows: bool,
    /// The offset of the first byte that occurs in no word if the text is Windows-1252.
    no_windows_word: Option<u64>,
    /// The offset of the first byte that occurs in no word if the text is Mac Roman.
    no_macintosh_word: Option<u64>,
    /// The offset at which a sequence of accented letters is longer than in any word.
    no_word: Option<u64>,
    doubtful: Option<u64>,
    /// The length of the current sequence of accented letters, or of symbols that may be such letters.
    run: u32,
    offset: u64,
    /// The previous two bytes.
    before: [u8; 2],
}

/// The length of a sequence of accented letters that occurs in no word.
const MAX_ACCENTS: u32 = 4;

/// Whether a byte is a symbol in Windows-1252 that occurs neither inside words nor directly after them.
fn is_strange_behind_a_letter(byte: u8) -> bool {
    matches!(byte, 0x81 | 0x82 | 0x84 | 0x88 | 0x8D | 0x8F | 0x90 | 0x98 | 0x9D)
        || matches!(byte, 0xA1 | 0xA4 | 0xA6 | 0xA8 | 0xAC | 0xAF | 0xBF)
}

/// Whether a byte is a symbol in Windows-1252 that occurs after words, but not inside them.
fn is_strange_between_letters(byte: u8) -> bool {
    matches!(byte, 0x80 | 0x86 | 0x87 | 0x89 | 0x8B | 0x94 | 0x9B | 0xA2 | 0xA3 | 0xA5 | 0xA7)
        || matches!(byte, 0xAB | 0xB1 | 0xB3 | 0xB6 | 0xB8 | 0xB9 | 0xBB..=0xBE)
}

fn is_capital(byte: u8) -> bool {
    matches!(byte, 0x8A | 0x8C | 0x8E | 0x9F | 0xC0..=0xD6 | 0xD8..=0xDE)
}

fn is_small(byte: u8) -> bool {
    byte.is_ascii_lowercase() || matches!(byte, 0x9A | 0x9C | 0x9E | 0xDF..=0xF6 | 0xF8..=0xFF)
}

/// Whether a byte is a capital letter in Mac Roman.
fn is_macintosh_capital(byte: u8) -> bool {
    matches!(byte, 0x80..=0x86 | 0xAE | 0xAF | 0xCB..=0xCE | 0xD9 | 0xE5..=0xEF | 0xF1..=0xF4)
}

/// Whether a byte ends a sequence of accented letters in Windows-1252: ASCII, a dash, a quote, or a space.
fn parts_words(byte: u8) -> bool {
    byte.is_ascii() || matches!(byte, 0x85 | 0x91..=0x97 | 0xA0 | 0xAB | 0xBB)
}

impl EncodingEvidence {
    fn take(&mut self, byte: u8) {
        let [first, letter] = self.before;
        self.before = [letter, byte];
        self.note_words([first, letter, byte]);
        self.has_returns |= byte == b'\r';
        self.has_feeds |= byte == b'\n';
        if !letter.is_ascii() && first.is_ascii_alphabetic() && byte.is_ascii_lowercase() {
            // These are á à â ä ã å ç é è ê ò ù ü ß. Other letters of Mac Roman are apostrophes, dashes, `š`, `œ` and
            // `ž` in Windows-1252.
            self.is_macintosh |= matches!(letter, 0x87..=0x90 | 0x98 | 0x9D | 0x9F | 0xA7);
            self.is_windows |= matches!(letter, 0xDF..=0xF6 | 0xF8..=0xFF);
        }
    }

    /// Records the offset if the last of three bytes occur in no word.
    fn note_words(&mut self, [first, letter, byte]: [u8; 3]) {
        self.offset += 1;
        self.run = if parts_words(byte) { 0 } else { self.run + 1 };
        let (here, before) = (self.offset - 1, self.offset.saturating_sub(2));
        let note = |first: &mut Option<u64>, offset: u64, is_so: bool| {
            if is_so {
                first.get_or_insert(offset);
            }
        };
        note(&mut self.no_word, here, self.run == MAX_ACCENTS);
        note(&mut self.no_windows_word, here, is_small(letter) && is_capital(byte));
        let is_behind = letter.is_ascii_alphabetic() || is_small(letter);
        note(&mut self.no_windows_word, here, is_behind && is_strange_behind_a_letter(byte));
        note(&mut self.no_macintosh_word, here, letter.is_ascii_lowercase() && is_macintosh_capital(byte));
        let is_between = (first.is_ascii_alphabetic() || is_small(first)) && is_small(byte);
        note(&mut self.no_windows_word, before, is_between && is_strange_between_letters(letter));
        // DOS code pages have letters where Windows-1252 has spacing accents.
        note(&mut self.no_windows_word, before, matches!(letter, 0x88 | 0x98) && byte.is_ascii_alphabetic());
        // `õ` is Portuguese before an `e`. In Hungarian text, the byte is another letter.
        note(&mut self.doubtful, before, letter == 0xF5 && byte.is_ascii_lowercase() && byte != b'e');
        // The first two occur inside words of Icelandic, and the third inside words of Gaelic.
        note(&mut self.doubtful, before, is_between && matches!(letter, 0xF0 | 0xFE | 0xEC));
    }

    fn guess(self) -> Guess {
        let has_old_ends = self.has_returns && !self.has_feeds;
        if has_old_ends || (self.is_macintosh && !self.is_windows) {
            let no_word = [self.no_word, self.no_macintosh_word].into_iter().flatten().min();
            return Guess { encoding: MACINTOSH, no_word, doubtful: None };
        }
        let no_word = [self.no_word, self.no_windows_word].into_iter().flatten().min();
        Guess { encoding: WINDOWS_1252, no_word, doubtful: self.doubtful }
    }
}

/// Copies `file` to UTF-8, without a byte order mark. The copy has no name, and is deleted when it is closed.
pub(in crate::manifest) fn converted(file: &Arc<File>, encoding: &'static Encoding) -> io::Result<File> {
    let mut copy = tempfile::tempfile()?;
    let mut writer = BufWriter::new(&mut copy);
    let whole = if encoding == UTF_16LE || encoding == UTF_16BE { whole_units(file)? } else { u64::MAX };
    let mut reader = BufReader::with_capacity(1 << 17, Text::of(file, 0).take(whole));
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let mut bytes = vec![0; 1 << 16];
    let mut text = String::with_capacity(1 << 18);
    loop {
        let read = reader.read(&mut bytes)?;
        let mut rest = &bytes[..read];
        loop {
            let (result, taken, _) = decoder.decode_to_string(rest, &mut text, read == 0);
            writer.write_all(text.as_bytes())?;
            text.clear();
            rest = &rest[taken..];
            if matches!(result, encoding_rs::CoderResult::InputEmpty) {
                break;
            }
        }
        if read == 0 {
            break;
        }
    }
    writer.flush()?;
    drop(writer);
    Ok(copy)
}

/// Returns the length of a file in UTF-16 without an odd byte at its end, such as a line feed or Ctrl-Z that was added
/// by a program which assumed another encoding.
fn whole_units(file: &Arc<File>) -> io::Result<u64> {
    let length = file.metadata()?.len();
    if length % 2 == 0 {
        return Ok(length);
    }
    let mut last = [0];
    Text::of(file, length - 1).read_exact(&mut last)?;
    Ok(if matches!(last, [b'\n' | 0 | 0x1A]) { length - 1 } else { length })
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn utf8_is_detected_wherever_the_text_is_split(text in "(a|é|漢|😀){0,9}", broken in 0..40usize, byte: u8) {
            let holding = |bytes: &[u8]| {
                let mut file = tempfile::tempfile().unwrap();
                file.write_all(bytes).unwrap();
                Arc::new(file)
            };
            let mut bytes = text.into_bytes();
            proptest::prop_assert!(is_utf8(&holding(&bytes)).unwrap());
            if let Some(first) = bytes.get_mut(broken) {
                *first = byte;
            }
            proptest::prop_assert_eq!(is_utf8(&holding(&bytes)).unwrap(), std::str::from_utf8(&bytes).is_ok());
        }
    }

    #[test]
    fn mac_roman_is_recognized_by_letters_inside_words() {
        let encoding = |text: &[u8]| fallback(text).unwrap().encoding;
        for text in
            [&b"F\x8arbe den St\x9fhlen\n"[..], b"caf\x8e cr\x8fme\n", b"ni\x96o, p\x87jaro\n", b"gro\xa7e Tasse\r\n"]
        {
            assert_eq!(encoding(text), MACINTOSH, "{text:?}");
        }
        for text in [
            &b"F\xe4rbe den Stuhl\n"[..],
            b"the mug\x92s color \x96 or the cup\x97s\n",
            b"c\x9cur, ko\x9aile, \x8atefan, ru\x9ee\n",
            b"caf\xe9, \x80 5, a\x85b\n",
            b"caf\x8e\n",
            b"pi\x8fce, ni\xe8ce\n",
        ] {
            assert_eq!(encoding(text), WINDOWS_1252, "{text:?}");
        }
        assert_eq!(encoding(b"caf\x8e\rand more\r"), MACINTOSH);
    }

    #[test]
    fn words_of_no_western_language_are_detected() {
        for text in [
            &b"\xcf\xe5\xf0\xe5\xea\xf0\xe0\xf1\xfc\n"[..], // Cyrillic in windows-1251.
            b"\xf0\xc5\xd2\xc5\xcb\n",                      // Cyrillic in KOI8-R.
            b"\xf7\xf1\xfe\xec\xe1\n",                      // Greek in windows-1253.
            b"na \xbf\xf3\xb3ty ma\xb3y\n",                 // Polish in windows-1250.
            b"F\x84rbe f\x81r\n",                           // German in code page 850.
            b"gr\x94\xe1te Gr\x94sse\n",
            b"Gr\x94\xe1e\n",
            b"G\x94r\n",
            b"th\x82i\x8are\n",
            b"caf\x82\n",
            b"na \xbe\xa2\x88ty\n",        // Polish in code page 852.
            b"Gr\x9a\xa7e\n",              // Mac Roman.
            b"caf\x8e\n",                  // Mac Roman, without distinguishing letters.
            b"\xb0\xd1\xb1\xad\xd7\xd3\n", // Chinese in GBK.
        ] {
            assert!(fallback(text).unwrap().no_word.is_some(), "{text:?}");
        }
        for text in [
            &b"F\xe4rbe die gr\xf6\xdfte T\xfcte, \xc4\xd6\xdc, don\x92t \x96 it\x92s 5 m\xb2, 3 m\xb3\n"[..],
            b"\xbfQu\xe9 tama\xf1o? \xa1A\xf1o! se\xf1or\xaa 1\xba\n",
            b"Cr\xe8me br\xfbl\xe9e, cr\xe9\xe9e, l\x92\x9cuvre \xab \xe0 c\xf4t\xe9 \xbb\n",
            b"col\xb7lecci\xf3, Gr\xf8n k\xf8\xe6\xe5, Acme\xae Foo\x99 20\xb0C 10\xd75 \x80 5 \xa3 5\n",
            b"say \x93hi\x94, (\xa9 me), don\xb4t\n",
        ] {
            assert_eq!(fallback(text).unwrap().no_word, None, "{text:?}");
        }
        assert!(fallback(&b"de\xf0i\xfetir\n"[..]).unwrap().doubtful.is_some(), "Turkish in windows-1254");
        assert!(fallback(&b"\xf5szi\n"[..]).unwrap().doubtful.is_some(), "Hungarian in windows-1250");
        assert!(fallback(&b"p\xf5e, can\xe7\xf5es\n"[..]).unwrap().doubtful.is_none(), "Portuguese");
    }

    #[test]
    fn utf16_is_detected_with_and_without_byte_order_mark() {
        let little: Vec<u8> = "id,prompt".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "id,prompt".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(utf16(&little), Some(UTF_16LE));
        assert_eq!(utf16(&big), Some(UTF_16BE));
        assert_eq!(utf16(&[&[0xFF, 0xFE], &little[..]].concat()), Some(UTF_16LE));
        assert_eq!(utf16(b"id,prompt,images\n"), None);
        assert_eq!(utf16(b"\0\0\0\0\0\0\0\0\0\0"), None);
    }
}
