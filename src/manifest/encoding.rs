//! Files that are not UTF-8, as spreadsheets save them: they are read through a temporary copy that is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use encoding_rs::{Encoding, MACINTOSH, UTF_16BE, UTF_16LE, WINDOWS_1252};
use tempfile::TempPath;

/// How many bytes are looked at to tell UTF-16 that has no byte order mark.
const HEAD: usize = 4096;

/// UTF-16, if the file that begins with `head` is in it.
pub(super) fn utf16(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        [0xFF, 0xFE, ..] => return Some(UTF_16LE),
        [0xFE, 0xFF, ..] => return Some(UTF_16BE),
        _ => {}
    }
    // Every other byte of Latin text in UTF-16 is 0, and no byte of it in anything else.
    let head = &head[..head.len().min(HEAD)];
    let nulls = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (nulls(0), nulls(1), head.len() / 2);
    if half >= 4 && odd * 10 > half * 7 && even == 0 {
        return Some(UTF_16LE);
    }
    (half >= 4 && even * 10 > half * 7 && odd == 0).then_some(UTF_16BE)
}

/// Whether all of a file is UTF-8. Two threads look at a half each, for whoever reads the text waits for this.
pub(super) fn is_utf8(path: &Path) -> io::Result<bool> {
    let length = std::fs::metadata(path)?.len();
    let middle = beginning_at(path, length / 2)?;
    thread::scope(|scope| {
        let is_utf8 = |part: Range<u64>| -> io::Result<bool> {
            Ok(read_utf8(from(path, part.start)?.take(part.end - part.start), |_| {})?.is_none())
        };
        let rest = scope.spawn(move || is_utf8(middle..length));
        let half = is_utf8(0..middle)?;
        Ok(half && rest.join().unwrap_or_else(|panic| resume_unwind(panic))?)
    })
}

/// Whether a text that begins with `head` may be UTF-8.
pub(super) fn begins_as_utf8(head: &[u8]) -> bool {
    // The last character may go on behind the head.
    std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// Where the first character begins that is at `offset` or behind it.
fn beginning_at(path: &Path, offset: u64) -> io::Result<u64> {
    let mut bytes = Vec::new();
    from(path, offset)?.take(4).read_to_end(&mut bytes)?;
    let inside = bytes.iter().take_while(|byte| matches!(byte, 0x80..=0xBF)).count();
    Ok(offset + inside as u64)
}

/// A byte that UTF-8 does not have at its place.
pub(super) struct NotUtf8 {
    /// Its place, counted from the beginning.
    pub(super) offset: u64,
    pub(super) byte: u8,
}

/// Reads a text to its end or to the first byte that is not UTF-8, and shows it to `see` piece by piece.
pub(super) fn read_utf8(mut reader: impl Read, mut see: impl FnMut(&str)) -> io::Result<Option<NotUtf8>> {
    let mut buffer = vec![0; 1 << 17];
    let (mut kept, mut offset) = (0, 0);
    loop {
        let read = reader.read(&mut buffer[kept..])?;
        let filled = kept + read;
        let (text, is_broken) = match std::str::from_utf8(&buffer[..filled]) {
            Ok(text) => (text, false),
            Err(error) => {
                let valid = std::str::from_utf8(&buffer[..error.valid_up_to()]).unwrap_or_default();
                // The end of a character may be yet to come.
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

fn from(path: &Path, offset: u64) -> io::Result<File> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(file)
}

/// The encoding that text from Western machines has where it is not UTF-8: Windows-1252, and the old Macintosh's where
/// lines end as they did there, or letters inside of words show that it is that.
pub(super) fn fallback(reader: impl Read) -> io::Result<&'static Encoding> {
    let mut reader = BufReader::with_capacity(1 << 17, reader);
    let mut met = Met::default();
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(met.encoding());
        }
        bytes.iter().for_each(|byte| met.take(*byte));
        let read = bytes.len();
        reader.consume(read);
    }
}

/// What a text has in it that tells Windows-1252 and the old Macintosh's encoding apart.
#[derive(Default)]
struct Met {
    has_returns: bool,
    has_feeds: bool,
    /// Whether a letter of the Macintosh stands in a word where Windows-1252 would have a sign, a capital, or nothing.
    is_macintosh: bool,
    /// Whether a small letter of Windows-1252 stands in a word where the Macintosh would have a sign or a capital.
    is_windows: bool,
    /// The two bytes before.
    before: [u8; 2],
}

impl Met {
    fn take(&mut self, byte: u8) {
        let [first, letter] = self.before;
        self.before = [letter, byte];
        self.has_returns |= byte == b'\r';
        self.has_feeds |= byte == b'\n';
        if !letter.is_ascii() && first.is_ascii_alphabetic() && byte.is_ascii_lowercase() {
            // Those of á à â ä ã å ç é è ê ò ù ü ß. Others are apostrophes, dashes, `š`, `œ` and `ž` in Windows-1252.
            self.is_macintosh |= matches!(letter, 0x87..=0x90 | 0x98 | 0x9D | 0x9F | 0xA7);
            self.is_windows |= matches!(letter, 0xDF..=0xF6 | 0xF8..=0xFF);
        }
    }

    fn encoding(&self) -> &'static Encoding {
        let has_old_ends = self.has_returns && !self.has_feeds;
        if has_old_ends || (self.is_macintosh && !self.is_windows) { MACINTOSH } else { WINDOWS_1252 }
    }
}

/// A copy of `file` in UTF-8, without a byte order mark; it is removed when it is dropped.
pub(super) fn converted(file: File, encoding: &'static Encoding) -> io::Result<TempPath> {
    let mut copy = tempfile::NamedTempFile::new()?;
    let mut writer = BufWriter::new(copy.as_file_mut());
    let whole = if encoding == UTF_16LE || encoding == UTF_16BE { whole_units(&file)? } else { u64::MAX };
    let mut reader = BufReader::with_capacity(1 << 17, file.take(whole));
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
    Ok(copy.into_temp_path())
}

/// How long a file in UTF-16 is without the half of a character at its end that somebody has added who took it for
/// something else: a line feed, or the end of a text.
fn whole_units(mut file: &File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    if length % 2 == 0 {
        return Ok(length);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(if matches!(last, [b'\n' | 0 | 0x1A]) { length - 1 } else { length })
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn utf8_is_told_wherever_the_halves_part(text in "(a|é|漢|😀){0,9}", broken in 0..40usize, byte: u8) {
            let file = tempfile::NamedTempFile::new().unwrap();
            let mut bytes = text.into_bytes();
            std::fs::write(file.path(), &bytes).unwrap();
            proptest::prop_assert!(is_utf8(file.path()).unwrap());
            if let Some(place) = bytes.get_mut(broken) {
                *place = byte;
            }
            std::fs::write(file.path(), &bytes).unwrap();
            proptest::prop_assert_eq!(is_utf8(file.path()).unwrap(), std::str::from_utf8(&bytes).is_ok());
        }
    }

    #[test]
    fn the_old_macintosh_is_told_by_letters_inside_of_words() {
        let encoding = |text: &[u8]| fallback(text).unwrap();
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
    fn utf16_is_told_with_and_without_a_mark() {
        let little: Vec<u8> = "id,prompt".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "id,prompt".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(utf16(&little), Some(UTF_16LE));
        assert_eq!(utf16(&big), Some(UTF_16BE));
        assert_eq!(utf16(&[&[0xFF, 0xFE], &little[..]].concat()), Some(UTF_16LE));
        assert_eq!(utf16(b"id,prompt,images\n"), None);
        assert_eq!(utf16(b"\0\0\0\0\0\0\0\0\0\0"), None);
    }
}
