use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};

/// Where the lines of an edit begin in the journal, oldest first: reading them again gives all that is known of it.
///
/// Only lines that changed the edit count. Seventeen bytes hold the usual four or five.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Trail(pub(super) SmallVec<[u64; 5]>);

/// What lines say does not depend on where they are: a compacted journal adds up to what the long one did.
impl PartialEq for Trail {
    fn eq(&self, _other: &Trail) -> bool {
        true
    }
}

/// A short trail: the first offset in five bytes, then the distance to each next one, seven bits a byte, the last byte
/// of each without its high bit. No distance is zero, so that zeros end the list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Packed([u8; Packed::BYTES]);

impl Packed {
    pub(super) const BYTES: usize = 17;
    const FIRST: usize = 5;

    /// Packs a trail; nothing where it is too long or reaches too far.
    pub(super) fn new(trail: &Trail) -> Option<Packed> {
        let mut bytes = [0; Packed::BYTES];
        let (&first, rest) = trail.0.split_first()?;
        if first >> (8 * Packed::FIRST) != 0 {
            return None;
        }
        bytes[..Packed::FIRST].copy_from_slice(&first.to_le_bytes()[..Packed::FIRST]);
        let mut free = bytes[Packed::FIRST..].iter_mut();
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
        Some(Packed(bytes))
    }

    pub(super) fn to_bytes(self) -> [u8; Packed::BYTES] {
        self.0
    }

    pub(super) fn from_bytes(bytes: [u8; Packed::BYTES]) -> Packed {
        Packed(bytes)
    }

    /// The trail that was packed.
    pub(super) fn unpack(self) -> Trail {
        let mut first = [0; 8];
        first[..Packed::FIRST].copy_from_slice(&self.0[..Packed::FIRST]);
        let mut last = u64::from_le_bytes(first);
        let mut offsets = smallvec![last];
        let (mut distance, mut shift) = (0, 0);
        for &byte in &self.0[Packed::FIRST..] {
            distance |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                if distance == 0 {
                    break;
                }
                last += distance;
                offsets.push(last);
                (distance, shift) = (0, 0);
            }
        }
        Trail(offsets)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_can_be_packed_unpacks_to_the_same(first in 0..1u64 << 41, distances in prop::collection::vec(1..1u64 << 22, 0..6)) {
            let mut trail = Trail(smallvec![first]);
            for distance in distances {
                trail.0.push(trail.0[trail.0.len() - 1] + distance);
            }
            match Packed::new(&trail) {
                Some(packed) => prop_assert_eq!(packed.unpack().0, trail.0),
                None => prop_assert!(first >= 1 << 40 || trail.0.len() > 4),
            }
        }
    }

    #[test]
    fn an_edit_with_a_check_fits_a_busy_journal() {
        let trail = Trail(smallvec![
            1 << 39,
            (1 << 39) + 90_000,
            (1 << 39) + 1_900_000,
            (1 << 39) + 2_000_000,
            (1 << 39) + 4_000_000,
        ]);
        assert_eq!(Packed::new(&trail).unwrap().unpack().0, trail.0);
    }
}
