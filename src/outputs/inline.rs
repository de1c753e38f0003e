use std::io::{self, BufRead, BufReader, Read, Write};

use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;

use crate::words::size;

use super::error::OutputError;

/// The maximum length in bytes of the beginning of a `data:` URI, up to its comma.
const MAX_PREFIX: u64 = 1024;

/// The reason why an inline picture is not decoded.
#[derive(Debug)]
pub(super) enum InlineError {
    /// It is not what is expected.
    Refused(OutputError),
    /// Its text cannot be read, or its bytes not be written.
    Disk(io::Error),
}

/// Whether an output is a URL of a picture, and not the picture itself as a `data:` URI or bare base64.
pub(super) fn is_url(output: &str) -> bool {
    output.contains("://") && !is_data_uri(output.trim_start().as_bytes())
}

/// Decodes a picture, as a base64 `data:` URI or bare base64, strictly but for white space. Returns `None` if `output` is
/// a URL.
pub fn decode(output: &str, max_bytes: u64) -> Option<Result<Vec<u8>, OutputError>> {
    if is_url(output) {
        return None;
    }
    let mut bytes = Vec::new();
    Some(match copy(output.as_bytes(), max_bytes, &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(InlineError::Refused(error)) => Err(error),
        Err(InlineError::Disk(error)) => Err(OutputError::Refused(error.to_string())),
    })
}

/// Decodes a picture like [`decode`], into a sink.
pub(super) fn copy(output: impl Read, max_bytes: u64, sink: &mut impl Write) -> Result<(), InlineError> {
    let mut base64 = BufReader::with_capacity(64 << 10, WithoutSpace(output));
    if is_data_uri(base64.fill_buf().map_err(InlineError::Disk)?) {
        let mut prefix = Vec::new();
        base64.by_ref().take(MAX_PREFIX).read_until(b',', &mut prefix).map_err(InlineError::Disk)?;
        if !prefix.to_ascii_lowercase().ends_with(b";base64,") {
            return Err(refused("a data: URI that is not base64".to_owned()));
        }
    }
    let mut decoder = DecoderReader::new(base64, &STANDARD);
    let (mut block, mut rest) = (vec![0; 64 << 10], max_bytes);
    loop {
        let length = match decoder.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(refused(format!("neither a URL nor base64 ({error})")));
            }
            Err(error) => return Err(InlineError::Disk(error)),
        };
        let Some(left) = rest.checked_sub(length as u64) else {
            return Err(refused(format!("base64 text of more than {}", size(max_bytes))));
        };
        rest = left;
        sink.write_all(&block[..length]).map_err(InlineError::Disk)?;
    }
}

fn refused(cause: String) -> InlineError {
    InlineError::Refused(OutputError::Refused(cause))
}

fn is_data_uri(text: &[u8]) -> bool {
    text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:"))
}

/// Leaves out white space: some encoders break lines.
struct WithoutSpace<R>(R);

impl<R: Read> Read for WithoutSpace<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.0.read(buffer)?;
            let mut kept = 0;
            for at in 0..length {
                if !buffer[at].is_ascii_whitespace() {
                    buffer[kept] = buffer[at];
                    kept += 1;
                }
            }
            if kept > 0 || length == 0 {
                return Ok(kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(output: &str) -> Option<Option<Vec<u8>>> {
        decode(output, 1000).map(Result::ok)
    }

    #[test]
    fn base64_is_decoded_bare_and_in_data_uris() {
        assert_eq!(bytes("aGk="), Some(Some(b"hi".to_vec())));
        assert_eq!(bytes("data:image/png;base64,aGk="), Some(Some(b"hi".to_vec())));
        assert_eq!(bytes("DATA:image/png;BASE64,aGk=\n"), Some(Some(b"hi".to_vec())));
        assert_eq!(bytes("\r\naG\r\nk=\r\n"), Some(Some(b"hi".to_vec())), "with line breaks");
        let long = "aGkh".repeat(300);
        assert_eq!(bytes(&long), Some(Some(b"hi!".repeat(300))));
    }

    #[test]
    fn urls_are_not_decoded_and_invalid_data_is_refused() {
        assert_eq!(bytes("https://a/b.png"), None);
        for nonsense in ["aGk", "a b", "data:image/png,hi", "data:", "ü", "aGk=aGk="] {
            assert_eq!(bytes(nonsense), Some(None), "{nonsense}");
        }
        let refused = decode(&"A".repeat(4000), 1000).unwrap().unwrap_err();
        assert_eq!(refused.to_string(), "the output is refused: base64 text of more than 1.0 KB");
    }
}
