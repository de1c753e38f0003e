use std::path::PathBuf;

use super::long_text::{LongText, LongTextWriter};

/// The maximum length in bytes of a text that stays in an answer.
const MAX_TEXT: usize = 64 << 10;

/// The maximum length in bytes of an escape in a JSON text: `\u002B`.
const MAX_ESCAPE: usize = 6;

/// The only field of the object that takes the place of a long text. Its value is the number of the text.
pub(super) const LONG_TEXT: &str = "long_text";

/// The body of a long answer that is being received. Long texts in its JSON are moved to files.
#[derive(Debug)]
pub(super) struct Body {
    folder: PathBuf,
    json: Vec<u8>,
    /// The text in which the received part ends.
    open: Option<OpenText>,
    texts: Vec<LongText>,
}

/// A JSON text that has begun.
#[derive(Debug, Default)]
struct OpenText {
    /// Its last bytes, or all of them if it is short.
    kept: Vec<u8>,
    /// Where the last escape in them begins.
    last_escape: Option<usize>,
    /// Whether the next byte belongs to that escape, whatever it is.
    is_escaped: bool,
    /// The file with the bytes before.
    writer: Option<LongTextWriter>,
}

impl Body {
    /// Returns an empty body. The files of its long texts are created in `folder`.
    pub(super) fn into_folder(folder: PathBuf) -> Body {
        Body { folder, json: Vec::new(), open: None, texts: Vec::new() }
    }

    /// Returns how many bytes of it are in memory.
    pub(super) fn in_memory(&self) -> usize {
        self.json.len()
    }

    /// Adds received bytes.
    pub(super) fn push(&mut self, mut received: &[u8]) {
        while !received.is_empty() {
            let Some(open) = &mut self.open else {
                let quote = memchr::memchr(b'"', received);
                let (outside, rest) = received.split_at(quote.unwrap_or(received.len()));
                self.json.extend_from_slice(outside);
                self.open = quote.map(|_| OpenText::default());
                received = rest.get(1..).unwrap_or_default();
                continue;
            };
            let quote = open.take(received);
            received = quote.map_or(&[], |quote| &received[quote + 1..]);
            if open.kept.len() > MAX_TEXT {
                open.move_to_file(&self.folder);
            }
            if quote.is_some() {
                self.close();
            }
        }
    }

    /// Ends the open text.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        match open.writer {
            Some(mut writer) => {
                writer.write(&open.kept);
                self.json.extend_from_slice(format!("{{\"{LONG_TEXT}\":{}}}", self.texts.len()).as_bytes());
                self.texts.push(writer.finish());
            }
            None => {
                self.json.push(b'"');
                self.json.extend_from_slice(&open.kept);
                self.json.push(b'"');
            }
        }
    }

    /// Returns the JSON and its long texts.
    pub(super) fn finish(mut self) -> (Vec<u8>, Vec<LongText>) {
        // A text without an end is no JSON, but its beginning may say what it is instead.
        if let Some(open) = self.open.take() {
            self.json.push(b'"');
            self.json.extend_from_slice(&open.kept);
        }
        (self.json, self.texts)
    }
}

impl OpenText {
    /// Takes the part of `received` that belongs to the text. Returns the position of the quote at its end.
    fn take(&mut self, received: &[u8]) -> Option<usize> {
        let start = self.kept.len();
        let mut at = usize::from(std::mem::take(&mut self.is_escaped));
        let quote = loop {
            match memchr::memchr2(b'"', b'\\', &received[at..]).map(|found| at + found) {
                Some(found) if received[found] == b'\\' => {
                    self.last_escape = Some(start + found);
                    at = found + 2;
                    if at > received.len() {
                        self.is_escaped = true;
                        break None;
                    }
                }
                quote => break quote,
            }
        };
        self.kept.extend_from_slice(&received[..quote.unwrap_or(received.len())]);
        quote
    }

    /// Moves all bytes to the file but those of an escape that may be incomplete.
    fn move_to_file(&mut self, folder: &std::path::Path) {
        let end = self.last_escape.take().filter(|begin| self.kept.len() - begin < MAX_ESCAPE);
        let rest = self.kept.split_off(end.unwrap_or(self.kept.len()));
        self.last_escape = end.map(|_| 0);
        self.writer.get_or_insert_with(|| LongTextWriter::in_folder(folder)).write(&self.kept);
        self.kept = rest;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Receives `sent` in pieces of a length, and returns its JSON with the long texts in their places.
    fn received(sent: &[u8], piece: usize) -> (Value, usize) {
        let folder = tempfile::tempdir().unwrap();
        let mut body = Body::into_folder(folder.path().to_owned());
        sent.chunks(piece).for_each(|piece| body.push(piece));
        let (json, texts) = body.finish();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the files have no names");
        let mut value = serde_json::from_slice(&json).unwrap();
        restore(&mut value, &texts);
        (value, json.len())
    }

    fn restore(value: &mut Value, texts: &[LongText]) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| restore(item, texts)),
            Value::Object(fields) => match fields.get(LONG_TEXT).and_then(Value::as_u64) {
                Some(number) => {
                    let mut text = String::new();
                    texts[number as usize].reader().unwrap().read_to_string(&mut text).unwrap();
                    *value = Value::String(text);
                }
                None => fields.values_mut().for_each(|field| restore(field, texts)),
            },
            _ => {}
        }
    }

    #[test]
    fn long_texts_are_moved_to_files_and_short_ones_stay() {
        let long = |letter: &str| letter.repeat(3 * MAX_TEXT);
        let sent =
            json!({"id": "p", "outputs": [long("a"), {"b64_json": long("b")}, "https://a/1.png"], "costCents": 7});
        let (value, in_memory) = received(sent.to_string().as_bytes(), 20_000);
        assert!(value == sent && in_memory < 200, "{in_memory} bytes");
    }

    #[test]
    fn escapes_are_read_wherever_an_answer_is_cut() {
        let text = r"ab\/c\u002B\\u\n".repeat(MAX_TEXT / 8);
        let sent = format!(r#"{{"outputs":["{text}"]}}"#);
        let value: Value = serde_json::from_str(&sent).unwrap();
        for piece in [1, 7, 4_099, 65_537, sent.len()] {
            assert!(received(sent.as_bytes(), piece).0 == value, "in pieces of {piece}");
        }
    }

    #[test]
    fn an_answer_stays_readable_if_its_pictures_cannot_be_written() {
        let mut body = Body::into_folder(PathBuf::from("/no/such/folder"));
        body.push(json!({"outputs": ["a".repeat(2 * MAX_TEXT)], "id": "p"}).to_string().as_bytes());
        let (json, texts) = body.finish();
        assert_eq!(String::from_utf8(json).unwrap(), r#"{"outputs":[{"long_text":0}],"id":"p"}"#);
        assert_eq!(texts[0].reader().err().unwrap().kind(), std::io::ErrorKind::NotFound);
    }

    proptest! {
        #[test]
        fn what_is_not_long_is_received_as_it_was_sent(sent in "[\"\\\\ a-c{}]{0,40}", piece in 1_usize..9) {
            let mut body = Body::into_folder(PathBuf::from("."));
            sent.as_bytes().chunks(piece).for_each(|piece| body.push(piece));
            prop_assert_eq!(String::from_utf8(body.finish().0).unwrap(), sent);
        }
    }
}
