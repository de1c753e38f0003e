use smallvec::smallvec;

use crate::journal::edits::LineOffsets;

/// Offsets packed into 17 bytes: the first in five bytes, then the differences between consecutive offsets as base-128
/// varints, whose last byte has no high bit. No difference is zero, so zeros end the list.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::journal) struct PackedOffsets([u8; PackedOffsets::BYTES]);

impl PackedOffsets {
    pub(in crate::journal) const BYTES: usize = 17;
    const FIRST: usize = 5;

    /// Packs offsets; `None` if they do not fit.
    pub(in crate::journal) fn new(offsets: &LineOffsets) -> Option<PackedOffsets> {
        let mut bytes = [0; PackedOffsets::BYTES];
        let (&first, rest) = offsets.0.split_first()?;
        if first >> (8 * PackedOffsets::FIRST) != 0 {
            return None;
        }
        bytes[..PackedOffsets::FIRST].copy_from_slice(&first.to_le_bytes()[..PackedOffsets::FIRST]);
        let mut free = bytes[PackedOffsets::FIRST..].iter_mut();
        let mut last = first;
        for &offset in rest {
            let mut distance = offset.checked_sub(last)?;
            last = offset;
            while distance > 0x7f {
                *free.next()? = (distance & 0x7f) as u8 | 0x80;
                distance >>= 7;
            }
            *free.next()? = distance as u8;
        }
        Some(PackedOffsets(bytes))
    }

    pub(in crate::journal) fn to_bytes(self) -> [u8; PackedOffsets::BYTES] {
        self.0
    }

    pub(in crate::journal) fn from_bytes(bytes: [u8; PackedOffsets::BYTES]) -> PackedOffsets {
        PackedOffsets(bytes)
    }

    /// Returns the packed offsets.
    pub(in crate::journal) fn unpack(self) -> LineOffsets {
        let mut first = [0; 8];
        first[..PackedOffsets::FIRST].copy_from_slice(&self.0[..PackedOffsets::FIRST]);
        let mut last = u64::from_le_bytes(first);
        let mut offsets = smallvec![last];
        let (mut distance, mut shift) = (0, 0);
        for &byte in &self.0[PackedOffsets::FIRST..] {
            distance |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                if distance == 0 {
                    break;
                }
                last += distance;
                offsets.push(last);
                distance = 0;
                shift = 0;
            }
        }
        LineOffsets(offsets)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_entries_unpack_to_the_same_values(first in 0..1u64 << 41, distances in prop::collection::vec(1..1u64 << 22, 0..6)) {
            let mut offsets = LineOffsets(smallvec![first]);
            for distance in distances {
                offsets.0.push(offsets.0[offsets.0.len() - 1] + distance);
            }
            match PackedOffsets::new(&offsets) {
                Some(packed) => prop_assert_eq!(packed.unpack().0, offsets.0),
                None => prop_assert!(first >= 1 << 40 || offsets.0.len() > 4),
            }
        }
    }

    #[test]
    fn an_edit_with_a_check_fits_a_busy_journal() {
        let offsets = LineOffsets(smallvec![
            1 << 39,
            (1 << 39) + 90_000,
            (1 << 39) + 1_900_000,
            (1 << 39) + 2_000_000,
            (1 << 39) + 4_000_000,
        ]);
        assert_eq!(PackedOffsets::new(&offsets).unwrap().unpack().0, offsets.0);
    }
}
