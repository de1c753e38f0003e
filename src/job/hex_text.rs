//! The text of hashes: hex digits.

use std::fmt;

/// The error of a text that is not a hash.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} hex digits")]
pub struct DigestError {
    expected: usize,
}

/// Decodes hex digits, eight at a time, because each line of a journal has 32 to 96 of them. No dependency has a hex
/// decoder.
pub(super) fn from_hex<const N: usize>(digits: &[u8]) -> Result<[u8; N], DigestError> {
    const { assert!(N.is_multiple_of(4)) };
    let mut bytes = [0; N];
    let (eights, rest) = digits.as_chunks::<8>();
    let mut is_hex = rest.is_empty() && eights.len() == N / 4;
    for (four, digits) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(eights) {
        let (read, are_digits) = eight_digits(*digits);
        *four = read;
        is_hex &= are_digits;
    }
    if is_hex { Ok(bytes) } else { Err(DigestError { expected: 2 * N }) }
}

/// Decodes eight hex digits to four bytes. Also returns whether all of them are digits.
fn eight_digits(digits: [u8; 8]) -> ([u8; 4], bool) {
    const ALL: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ALL << 7;
    let digits = u64::from_le_bytes(digits);
    let (ascii, lower) = (digits & !HIGH, (digits | (ALL * 0x20)) & !HIGH);
    // The high bit of each byte of the sum shows whether the byte is at least the bound.
    let between = |bytes: u64, first: u8, last: u8| {
        let reaches = |bound: u8| bytes + ALL * u64::from(0x80 - bound);
        reaches(first) & !reaches(last + 1) & HIGH
    };
    let letters = between(lower, b'a', b'f');
    let are_digits = digits & HIGH == 0 && between(ascii, b'0', b'9') | letters == HIGH;
    let halves = (ascii & (ALL * 0x0f)) + (letters >> 7) * 9;
    let pairs = (halves << 4 | halves >> 8) & 0x00ff_00ff_00ff_00ff;
    let pairs = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    (((pairs | pairs >> 16) as u32).to_le_bytes(), are_digits)
}

/// Writes bytes as hex digits with a single call.
pub(super) fn write_hex<const N: usize>(bytes: &[u8; N], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.map(|byte| [byte >> 4, byte & 0xf].map(|digit| DIGITS[usize::from(digit)]));
    formatter.write_str(str::from_utf8(digits.as_flattened()).unwrap_or_default())
}

/// Gives a type of bytes the text of its hex digits. It must have the attribute that `serde_as_text` asks for.
macro_rules! hex_text {
    ($type:ty) => {
        impl $type {
            /// Parses hex digits.
            ///
            /// # Errors
            ///
            /// Their number is wrong, or one is not a hex digit.
            pub fn from_hex(digits: &[u8]) -> Result<Self, crate::job::DigestError> {
                crate::job::hex_text::from_hex(digits).map(Self)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                crate::job::hex_text::write_hex(&self.0, formatter)
            }
        }

        impl std::str::FromStr for $type {
            type Err = crate::job::DigestError;

            fn from_str(text: &str) -> Result<Self, crate::job::DigestError> {
                Self::from_hex(text.as_bytes())
            }
        }

        crate::job::text::serde_as_text!($type, crate::job::DigestError);
    };
}

pub(super) use hex_text;

#[cfg(test)]
mod tests {
    use crate::job::Fingerprint;

    #[test]
    fn only_hex_digits_are_accepted() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut digits = *b"0123456789abcdef0123456789ABCDEF";
                digits[place] = byte;
                let read = Fingerprint::from_hex(&digits).ok().map(|read| read.to_string());
                let expected = byte.is_ascii_hexdigit().then(|| String::from_utf8_lossy(&digits).to_lowercase());
                assert_eq!(read, expected, "{byte}");
            }
        }
        assert!(Fingerprint::from_hex(b"0123456789abcdef0123456789ABCDE").is_err());
        assert!(Fingerprint::from_hex(b"0123456789abcdef0123456789ABCDEF01234567").is_err());
        assert!(Fingerprint::from_hex(b"0123456789abcdef01234567").is_err());
    }
}
