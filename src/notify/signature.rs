use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

/// What proves to a receiver that a message is from whoever has the secret, and not an old one sent once more: the
/// headers of the Standard Webhooks specification, version 1.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// `webhook-id`: the same for every attempt at one message.
    pub id: String,
    /// `webhook-timestamp`: seconds since 1970.
    pub timestamp: String,
    /// `webhook-signature`: `v1,` and the HMAC-SHA256 of `<id>.<timestamp>.<body>` in base64.
    pub signature: String,
}

/// Signs `body`. A secret that begins with `whsec_` is base64 after that, as the specification has it; any other is used
/// byte for byte.
pub fn sign(secret: &SecretString, id: &str, at: Timestamp, body: &[u8]) -> Signature {
    let secret = secret.expose_secret();
    let decoded = secret.strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
    let key = hmac::Key::new(hmac::HMAC_SHA256, decoded.as_deref().unwrap_or(secret.as_bytes()));
    let timestamp = at.as_second().to_string();
    let mut context = hmac::Context::with_key(&key);
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        context.update(part);
    }
    let signature = format!("v1,{}", STANDARD.encode(context.sign()));
    Signature { id: id.to_owned(), timestamp, signature }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_other_programs_compute() {
        // printf 'msg_1.1700000000.{}' | openssl dgst -sha256 -hmac secret -binary | base64
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        let plain = sign(&"secret".into(), "msg_1", at, b"{}");
        assert_eq!(plain.signature, "v1,A5oIrJxXPB/PkULSoVu0e4khvPiqpF9vljmhkSKg0FI=");
        assert_eq!((plain.id.as_str(), plain.timestamp.as_str()), ("msg_1", "1700000000"));
        let prefixed = sign(&"whsec_c2VjcmV0".into(), "msg_1", at, b"{}");
        assert_eq!(prefixed, plain, "c2VjcmV0 is base64 for the same secret");
        assert_ne!(sign(&"other".into(), "msg_1", at, b"{}").signature, plain.signature);
    }
}
