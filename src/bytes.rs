//! Searches among few bytes, which are over before a search for long texts has begun.

const ALL: u64 = u64::MAX / 0xff;

/// Bits that tell where `byte` is among eight: the lowest one is in the first that it is. Bits above that may be wrong.
///
/// It is the search for a zero in a word, after Mycroft (1987), with the byte taken from each of the eight.
pub(crate) fn places(eight: [u8; 8], byte: u8) -> u64 {
    let others = u64::from_le_bytes(eight) ^ (ALL * u64::from(byte));
    others.wrapping_sub(ALL) & !others & (ALL << 7)
}

/// The place of the lowest bit, in bytes; nothing where there is none.
pub(crate) fn first(places: u64) -> Option<usize> {
    (places != 0).then(|| places.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_of_some_bytes_is_found(eight: [u8; 8], one: u8, other: u8) {
            let found = first(places(eight, one) | places(eight, other));
            prop_assert_eq!(found, eight.iter().position(|byte| *byte == one || *byte == other));
        }
    }
}
