//! Searches in short texts, for which setting up `memchr` takes longer than the search, and character boundaries.

const ALL: u64 = u64::MAX / 0xff;

/// Returns a mask of the bytes that equal `byte`. Its lowest bit is in the first of them. Higher bits may be wrong.
///
/// This is Mycroft's search for a zero byte in a word (1987), applied to the XOR with `byte`.
pub(crate) fn matching_bytes(eight: [u8; 8], byte: u8) -> u64 {
    let others = u64::from_le_bytes(eight) ^ (ALL * u64::from(byte));
    others.wrapping_sub(ALL) & !others & (ALL << 7)
}

/// Returns the index of the first byte in a mask; `None` if it is empty.
pub(crate) fn first_index(mask: u64) -> Option<usize> {
    (mask != 0).then(|| mask.trailing_zeros() as usize / 8)
}

/// Returns the nearest character boundary at or before `at`, in bytes.
pub(crate) fn char_floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Whether `is_match` holds for all bytes of a text, tested sixteen or eight at a time.
pub(crate) fn all_match(text: &[u8], is_match: impl Fn(u8) -> bool) -> bool {
    // Without an early exit, the compiler can test a whole chunk at once.
    let each = |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & is_match(*byte));
    // The last chunk may overlap the one before it, so that no single bytes are left.
    if let Some(last) = text.last_chunk::<16>() {
        text.as_chunks::<16>().0.iter().fold(each(last), |all, sixteen| all & each(sixteen))
    } else if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        each(first) & each(last)
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
        fn a_byte_without_a_match_is_found_at_every_position(length in 0usize..50, at in 0usize..50) {
            let mut text = vec![b'a'; length];
            prop_assert!(all_match(&text, |byte| byte == b'a'));
            if let Some(byte) = text.get_mut(at) {
                *byte = b'b';
                prop_assert!(!all_match(&text, |byte| byte == b'a'));
            }
        }

        #[test]
        fn the_first_matching_byte_is_found(eight: [u8; 8], one: u8, other: u8) {
            let found = first_index(matching_bytes(eight, one) | matching_bytes(eight, other));
            prop_assert_eq!(found, eight.iter().position(|byte| *byte == one || *byte == other));
        }
    }
}
