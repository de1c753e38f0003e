use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// The ids of one pass and the lines where they stand, in sixteen bytes an id.
///
/// An id is kept as 96 bits of keyed SipHash. The keys are drawn anew for every pass, so nobody can prepare two ids
/// that meet, and a million ids meet by chance once in 10^17 passes.
pub(super) struct Seen {
    keys: [RandomState; 2],
    lines: HashMap<[u8; 12], [u8; 4], BuildHasherDefault<First>>,
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
    pub(super) fn new() -> Seen {
        Seen { keys: [RandomState::new(), RandomState::new()], lines: HashMap::default() }
    }

    /// Notes that `id` stands on `line`; the line where it stood before, if it did.
    pub(super) fn note(&mut self, id: &str, line: u64) -> Option<u64> {
        let [high, low] = [0, 1].map(|key: usize| self.keys[key].hash_one(id));
        let mut hash = [0; 12];
        hash[..8].copy_from_slice(&high.to_ne_bytes());
        hash[8..].copy_from_slice(&low.to_ne_bytes()[..4]);
        let line = u32::try_from(line).unwrap_or(u32::MAX).to_ne_bytes();
        match self.lines.entry(hash) {
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
        let mut seen = Seen::new();
        assert!((1..=10_000).all(|line| seen.note(&format!("id-{line}"), line).is_none()));
        assert_eq!(seen.note("id-77", 20_000), Some(77));
        assert_eq!(seen.note("id-77", 30_000), Some(77));
    }
}
