//! `data:` URIs (RFC 2397), base64 or percent-encoded. No I/O.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padding is optional, because many writers omit it. Any other error is refused.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The reason why a `data:` URI cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataUriError {
    /// There is no comma between the header and the data.
    #[error("it has no comma before its data")]
    NoComma,
    /// A `%` is not followed by two hex digits.
    #[error("its data has a % without two hex digits")]
    Percent,
    /// The data is declared as base64 but is not.
    #[error("its data is not base64: {0}")]
    Base64(base64::DecodeError),
}

/// Whether `text` begins with `data:`, in any case.
pub(in crate::server) fn is_data_uri(text: &str) -> bool {
    text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// Decodes the data of `uri`, which begins with `data:`.
pub fn decode(uri: &str) -> Result<Vec<u8>, DataUriError> {
    let rest = uri.get(5..).unwrap_or_default();
    let (header, data) = rest.split_once(',').ok_or(DataUriError::NoComma)?;
    let last = header.rsplit(';').next().unwrap_or_default().trim();
    if !last.eq_ignore_ascii_case("base64") {
        return unescape(data.as_bytes());
    }
    let text = if data.contains('%') { unescape(data.as_bytes())? } else { data.as_bytes().to_vec() };
    BASE64.decode(text).map_err(DataUriError::Base64)
}

fn unescape(text: &[u8]) -> Result<Vec<u8>, DataUriError> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let (Some(high), Some(low)) = (high, low) else {
                    return Err(DataUriError::Percent);
                };
                bytes.push((high * 16 + low) as u8);
            }
            byte => bytes.push(*byte),
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;

    #[test]
    fn both_encodings_are_decoded() {
        for uri in [
            "data:image/png;base64,aGk+",
            "DATA:;BASE64,aGk+",
            "data:image/png;charset=x;base64,aGk%2B",
            "data:,hi>",
            "data:text/plain,%68i%3e",
        ] {
            assert!(is_data_uri(uri));
            assert_eq!(decode(uri).as_deref(), Ok(b"hi>".as_slice()), "{uri}");
        }
        assert_eq!(decode("data:;base64,aGk").unwrap(), b"hi");
    }

    #[test]
    fn a_broken_uri_is_reported_with_the_reason() {
        assert_eq!(decode("data:image/png"), Err(DataUriError::NoComma));
        assert_eq!(decode("data:,100%"), Err(DataUriError::Percent));
        assert_eq!(decode("data:,%+1"), Err(DataUriError::Percent));
        assert!(matches!(decode("data:;base64,a"), Err(DataUriError::Base64(_))));
        assert!(matches!(decode("data:;base64,aG k="), Err(DataUriError::Base64(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_round_trip_through_both_encodings(bytes: Vec<u8>) {
            let base64 = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(&bytes));
            prop_assert_eq!(decode(&base64), Ok(bytes.clone()));
            let percent: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(decode(&format!("data:,{percent}")), Ok(bytes));
        }

        #[test]
        fn arbitrary_text_never_causes_a_panic(text: String) {
            let _ = decode(&format!("data:{text}"));
            let _ = is_data_uri(&text);
        }
    }
}
