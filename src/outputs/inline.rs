use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::words::size;

use super::error::OutputError;

/// Decodes an output that contains a picture, as a base64 `data:` URI or bare base64, strictly. Returns `None` if the
/// output is a URL.
pub fn decode(output: &str, max_bytes: u64) -> Option<Result<Vec<u8>, OutputError>> {
    let output = output.trim();
    let base64 = match output.split_at_checked(5) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("data:") => match rest.split_once(',') {
            Some((media_type, base64)) if media_type.to_ascii_lowercase().ends_with(";base64") => base64,
            _ => return Some(Err(OutputError::Refused("a data: URI that is not base64".to_owned()))),
        },
        _ if output.contains("://") => return None,
        _ => output,
    };
    if base64.len() as u64 / 4 * 3 > max_bytes {
        return Some(Err(OutputError::Refused(format!("base64 text of more than {}", size(max_bytes)))));
    }
    Some(STANDARD.decode(base64).map_err(|error| OutputError::Refused(format!("neither a URL nor base64 ({error})"))))
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
    }

    #[test]
    fn urls_are_not_decoded_and_invalid_data_is_refused() {
        assert_eq!(bytes("https://a/b.png"), None);
        for nonsense in ["aGk", "a b", "data:image/png,hi", "data:", "ü"] {
            assert_eq!(bytes(nonsense), Some(None), "{nonsense}");
        }
        assert_eq!(bytes(&"A".repeat(4000)), Some(None));
    }
}
