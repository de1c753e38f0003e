use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// The ids of one pass and the lines where they stand, in sixteen bytes an id.
///
/// An id is kept as 96 bits of keyed SipHash. The keys are drawn anew for every pass, so nobody can prepare two ids
/// that meet, and a million ids meet by chance once in 10^17 passes.
#[derive(Default)]
pub(super) struct Seen {
    parts: [HashMap<[u8; 12], [u8; 4], BuildHasherDefault<First>>; PARTS],
}

const PARTS: usize = 16;

/// What ids are hashed with.
pub(super) struct IdKeys([RandomState; 2]);

/// An id as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HashedId([u8; 12]);

impl IdKeys {
    /// Draws keys.
    pub(super) fn new() -> IdKeys {
        IdKeys([RandomState::new(), RandomState::new()])
    }

    pub(super) fn hash(&self, id: &str) -> HashedId {
        let [high, low] = [0, 1].map(|key: usize| self.0[key].hash_one(id));
        let mut hash = [0; 12];
        hash[..8].copy_from_slice(&high.to_ne_bytes());
        hash[8..].copy_from_slice(&low.to_ne_bytes()[..4]);
        HashedId(hash)
    }
}

/// Takes the first eight bytes of what is hashed already.
#[derive(Default)]
struct First(u64);

impl Hasher for First {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // The length of the array comes through `write_usize`, which must not wipe the hash away.
        if let Some(Ok(bytes)) = bytes.get(..8).map(<[u8; 8]>::try_from) {
            self.0 = u64::from_ne_bytes(bytes);
        }
    }

    fn write_usize(&mut self, _length: usize) {}
}

impl Seen {
    /// Notes that `id` stands on `line`; the line where it stood before, if it did.
    pub(super) fn note(&mut self, id: HashedId, line: u64) -> Option<u64> {
        let line = u32::try_from(line).unwrap_or(u32::MAX).to_ne_bytes();
        // Each part grows by itself, so that never more than a part of all is held twice.
        let part = usize::from(id.0[11]) % PARTS;
        match self.parts[part].entry(id.0) {
            Entry::Occupied(first) => Some(u64::from(u32::from_ne_bytes(*first.get()))),
            Entry::Vacant(free) => {
                free.insert(line);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_an_id_is_remembered() {
        let (keys, mut seen) = (IdKeys::new(), Seen::default());
        let mut note = |id: &str, line| seen.note(keys.hash(id), line);
        assert!((1..=10_000).all(|line| note(&format!("id-{line}"), line).is_none()));
        assert_eq!(note("id-77", 20_000), Some(77));
        assert_eq!(note("id-77", 30_000), Some(77));
    }
}
