//! Pictures in `data:` URIs (RFC 2397), base64 or percent-encoded.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The base64 of pictures. Padding is optional, and unused bits of the last digit are ignored, because writers differ.
/// Everything else that is not base64 is refused.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
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
pub(crate) fn is_data_uri(text: &[u8]) -> bool {
    text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:"))
}

/// Returns the header of `uri`, which begins with `data:`, and its encoded data; `None` if it has no comma.
pub(crate) fn split(uri: &str) -> Option<(&str, &str)> {
    uri.get(5..)?.split_once(',')
}

/// Whether the header of a `data:` URI says that its data is base64. Otherwise it is percent-encoded.
pub(crate) fn is_base64(header: &str) -> bool {
    header.rsplit_once(';').is_some_and(|(_, last)| last.trim().eq_ignore_ascii_case("base64"))
}

/// Decodes the data of `uri`, which begins with `data:`. The result is not longer than `uri`.
///
/// # Errors
///
/// The data is not in the encoding that the URI names.
pub fn decode(uri: &str) -> Result<Vec<u8>, DataUriError> {
    let (header, data) = split(uri).ok_or(DataUriError::NoComma)?;
    let data = unescape(data.as_bytes())?;
    if is_base64(header) { BASE64.decode(data).map_err(DataUriError::Base64) } else { Ok(data.into_owned()) }
}

fn unescape(text: &[u8]) -> Result<Cow<'_, [u8]>, DataUriError> {
    if !text.contains(&b'%') {
        return Ok(Cow::Borrowed(text));
    }
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
    Ok(Cow::Owned(bytes))
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
            assert!(is_data_uri(uri.as_bytes()));
            assert_eq!(decode(uri).as_deref(), Ok(b"hi>".as_slice()), "{uri}");
        }
        for digits in ["aGk", "aGk=", "aGl="] {
            assert_eq!(decode(&format!("data:;base64,{digits}")).unwrap(), b"hi", "{digits}");
        }
    }

    #[test]
    fn a_broken_uri_is_reported_with_the_reason() {
        assert_eq!(decode("data:image/png"), Err(DataUriError::NoComma));
        assert_eq!(decode("data:,100%"), Err(DataUriError::Percent));
        assert_eq!(decode("data:,%+1"), Err(DataUriError::Percent));
        for data in ["a", "aG k=", "aGk==", "aGk=aGk="] {
            let refused = decode(&format!("data:;base64,{data}"));
            assert!(matches!(refused, Err(DataUriError::Base64(_))), "{data}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_round_trip_through_both_encodings(bytes: Vec<u8>) {
            let base64 = BASE64_STANDARD.encode(&bytes);
            for base64 in [base64.as_str(), base64.trim_end_matches('=')] {
                prop_assert_eq!(decode(&format!("data:image/png;base64,{base64}")), Ok(bytes.clone()));
            }
            let percent: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(decode(&format!("data:,{percent}")), Ok(bytes));
        }

        #[test]
        fn arbitrary_text_never_causes_a_panic(text: String) {
            let _ = decode(&format!("data:{text}"));
            let _ = is_data_uri(text.as_bytes());
        }
    }
}
