use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

/// The signature headers of a message, according to the Standard Webhooks specification, version 1.0. They prove that
/// the sender knows the secret, and that the message is not a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    /// `webhook-id`, which is the same for all attempts to send a message.
    pub id: String,
    /// `webhook-timestamp`: seconds since the Unix epoch.
    pub timestamp: String,
    /// `webhook-signature`: `v1,` and the HMAC-SHA256 of `<id>.<timestamp>.<body>` in base64.
    pub signature: String,
}

/// A signing key.
#[derive(Clone, Debug)]
pub(crate) struct SigningKey(hmac::Key);

/// The error of an invalid secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret is `whsec_` and no base64 after it")]
pub(crate) struct SigningKeyError;

impl SigningKey {
    /// Parses a secret. The part after a prefix `whsec_` is base64, as in the specification. Any other secret is used
    /// byte for byte.
    ///
    /// # Errors
    ///
    /// The part after `whsec_` is empty or is not valid base64, so that no receiver could verify the signature.
    pub(crate) fn of(secret: &SecretString) -> Result<SigningKey, SigningKeyError> {
        let secret = secret.expose_secret();
        let bytes = match secret.strip_prefix("whsec_") {
            Some(encoded) => STANDARD.decode(encoded).ok().filter(|bytes| !bytes.is_empty()).ok_or(SigningKeyError)?,
            None => secret.as_bytes().to_vec(),
        };
        Ok(SigningKey(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// Signs `body`.
    pub(crate) fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> Signature {
        let timestamp = at.as_second().to_string();
        let mut context = hmac::Context::with_key(&self.0);
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            context.update(part);
        }
        let signature = format!("v1,{}", STANDARD.encode(context.sign()));
        Signature { id: id.to_owned(), timestamp, signature }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_equal_those_of_other_implementations() {
        // printf 'msg_1.1700000000.{}' | openssl dgst -sha256 -hmac secret -binary | base64
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        let sign = |secret: &str| SigningKey::of(&secret.into()).unwrap().sign("msg_1", at, b"{}");
        let plain = sign("secret");
        assert_eq!(plain.signature, "v1,A5oIrJxXPB/PkULSoVu0e4khvPiqpF9vljmhkSKg0FI=");
        assert_eq!((plain.id.as_str(), plain.timestamp.as_str()), ("msg_1", "1700000000"));
        let prefixed = sign("whsec_c2VjcmV0");
        assert_eq!(prefixed, plain, "c2VjcmV0 is base64 for the same secret");
        assert_ne!(sign("other").signature, plain.signature);
    }

    #[test]
    fn a_truncated_secret_is_an_error() {
        for cut in ["whsec_", "whsec_c2VjcmV", "whsec_c2Vj cmV0", "whsec_secret!"] {
            assert_eq!(SigningKey::of(&cut.into()).unwrap_err(), SigningKeyError, "{cut}");
        }
    }
}
