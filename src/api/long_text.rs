use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use crate::files::{copy_of, read_at};

/// A long text of an answer, such as a picture in base64. It is in a file without a name, which is gone with it.
#[derive(Clone, Debug)]
pub struct LongText(Arc<io::Result<File>>);

impl LongText {
    /// Returns a reader of the text, from its beginning.
    ///
    /// # Errors
    ///
    /// It could not be written.
    pub fn reader(&self) -> io::Result<impl Read> {
        self.0.as_ref().as_ref().map_err(copy_of)?;
        Ok(Reader { text: self.clone(), offset: 0 })
    }
}

/// A text is equal to itself. Others are not compared.
impl PartialEq for LongText {
    fn eq(&self, other: &LongText) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for LongText {}

struct Reader {
    text: LongText,
    offset: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let file = self.text.0.as_ref().as_ref().map_err(copy_of)?;
        let read = read_at(file, buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// A long text that is being received. After an error, the rest of it is ignored: the answer around it is still needed.
#[derive(Debug)]
pub(super) struct LongTextWriter(io::Result<File>);

impl LongTextWriter {
    /// Creates the file in `folder`.
    pub(super) fn in_folder(folder: &Path) -> LongTextWriter {
        LongTextWriter(tempfile::tempfile_in(folder))
    }

    /// Adds a piece of the text, as it is written in JSON.
    pub(super) fn write(&mut self, piece: &[u8]) {
        if let Ok(file) = &mut self.0
            && let Err(error) = file.write_all(&unescaped(piece))
        {
            self.0 = Err(error);
        }
    }

    /// Returns the text.
    pub(super) fn finish(self) -> LongText {
        LongText(Arc::new(self.0))
    }
}

/// Returns a piece of a JSON text without its escapes. Some encoders escape `/` and `+`, which are frequent in base64. A
/// piece that is not valid stays as it is, and is not base64.
fn unescaped(piece: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    if memchr::memchr(b'\\', piece).is_none() {
        return piece.into();
    }
    let text = serde_json::from_slice::<String>(&[b"\"", piece, b"\""].concat());
    text.map_or(piece.into(), |text| text.into_bytes().into())
}
