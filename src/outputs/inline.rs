use std::io::{self, BufRead, BufReader, Read, Write};

use base64::read::DecoderReader;

use crate::data_uri::{BASE64, is_base64, is_data_uri};
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

/// Decodes a picture, as a base64 `data:` URI or bare base64, into a sink. White space is ignored.
pub(super) fn copy(output: impl Read, max_bytes: u64, sink: &mut impl Write) -> Result<(), InlineError> {
    let mut base64 = BufReader::with_capacity(64 << 10, WithoutSpace(output));
    if is_data_uri(base64.fill_buf().map_err(InlineError::Disk)?) {
        let mut prefix = Vec::new();
        base64.by_ref().take(MAX_PREFIX).read_until(b',', &mut prefix).map_err(InlineError::Disk)?;
        if !String::from_utf8_lossy(&prefix).strip_suffix(',').is_some_and(is_base64) {
            return Err(refused("a data: URI that is not base64".to_owned()));
        }
    }
    let mut decoder = DecoderReader::new(base64, &BASE64);
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
    use proptest::prelude::*;

    use super::*;

    fn decode(output: &str) -> Result<Vec<u8>, InlineError> {
        let mut bytes = Vec::new();
        copy(output.as_bytes(), 1000, &mut bytes).map(|()| bytes)
    }

    #[test]
    fn base64_is_decoded_bare_and_in_data_uris() {
        let outputs = ["aGk=", "aGk", "data:image/png;base64,aGk=", "DATA:image/png;BASE64,aGk=\n", "\r\naG\r\nk=\r\n"];
        for output in outputs {
            assert_eq!(decode(output).unwrap(), b"hi", "{output:?}");
        }
        assert_eq!(decode(&"aGkh".repeat(300)).unwrap(), b"hi!".repeat(300));
    }

    #[test]
    fn urls_are_not_decoded_and_invalid_data_is_refused() {
        assert!(is_url("https://a/b.png") && !is_url("data:image/png;base64,aGk=") && !is_url("aGk="));
        for nonsense in ["a", "a-b_", "data:image/png,hi", "data:", "data:;base64", "ü", "aGk=aGk="] {
            assert!(matches!(decode(nonsense), Err(InlineError::Refused(_))), "{nonsense}");
        }
        let Err(InlineError::Refused(refused)) = decode(&"A".repeat(4000)) else { panic!("it is too long") };
        assert_eq!(refused.to_string(), "the output is refused: base64 text of more than 1.0 KB");
    }

    proptest! {
        #[test]
        fn an_output_is_decoded_like_a_data_uri(text in "[A-Za-z0-9+/]{0,40}={0,3}") {
            let whole = crate::data_uri::decode(&format!("data:;base64,{text}")).ok();
            prop_assert_eq!(decode(&text).ok(), whole);
        }

        #[test]
        fn arbitrary_text_never_causes_a_panic(text: String) {
            let _ = decode(&text);
            let _ = decode(&format!("data:{text}"));
        }
    }
}
