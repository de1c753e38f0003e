//! Searches among few bytes, which are over before a search for long texts has begun, and where characters begin.

const ALL: u64 = u64::MAX / 0xff;

/// Bits that tell where `byte` is among eight: the lowest one is in the first that it is. Bits above that may be wrong.
///
/// It is the search for a zero in a word, after Mycroft (1987), with the byte taken from each of the eight.
pub(crate) fn matching_bytes(eight: [u8; 8], byte: u8) -> u64 {
    let others = u64::from_le_bytes(eight) ^ (ALL * u64::from(byte));
    others.wrapping_sub(ALL) & !others & (ALL << 7)
}

/// The place of the lowest bit, in bytes; nothing where there is none.
pub(crate) fn first_index(matching_bytes: u64) -> Option<usize> {
    (matching_bytes != 0).then(|| matching_bytes.trailing_zeros() as usize / 8)
}

/// The nearest boundary between characters at or before `at`, in bytes.
pub(crate) fn char_floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Whether each byte of a text is one that `is_one` tells, sixteen or eight at a time.
pub(crate) fn all_match(text: &[u8], is_one: impl Fn(u8) -> bool) -> bool {
    // Without a way out of the middle, so many bytes are looked at in one step.
    let each = |bytes: &[u8]| bytes.iter().fold(true, |all_match, byte| all_match & is_one(*byte));
    // The last ones are looked at wherever they begin, so that none is left to be looked at by itself.
    if let Some(last) = text.last_chunk::<16>() {
        text.as_chunks::<16>().0.iter().fold(each(last), |all_match, sixteen| all_match & each(sixteen))
    } else if let (Some(first_index), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        each(first_index) & each(last)
    } else {
        each(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_byte_that_is_none_of_those_is_found_wherever_it_is(length in 0usize..50, at in 0usize..50) {
            let mut text = vec![b'a'; length];
            prop_assert!(all_match(&text, |byte| byte == b'a'));
            if let Some(byte) = text.get_mut(at) {
                *byte = b'b';
                prop_assert!(!all_match(&text, |byte| byte == b'a'));
            }
        }

        #[test]
        fn the_first_of_some_bytes_is_found(eight: [u8; 8], one: u8, other: u8) {
            let found = first_index(matching_bytes(eight, one) | matching_bytes(eight, other));
            prop_assert_eq!(found, eight.iter().position(|byte| *byte == one || *byte == other));
        }
    }
}
