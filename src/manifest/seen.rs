use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use icu_normalizer::ComposingNormalizerBorrowed;

/// The ids of one pass and the lines where they stand, in sixteen bytes an id.
///
/// An id is kept as 96 bits of keyed SipHash: 64 of what names the same file on Windows and macOS, and 32 of itself. The
/// keys are drawn anew for every pass, so nobody can prepare two ids that meet, and a million ids meet by chance once in
/// 10^17 passes.
#[derive(Default)]
pub(super) struct Seen {
    /// Each part grows by itself, so that never more than a part of all is held twice.
    parts: [HashMap<Halves, First, BuildHasherDefault<Hashed>>; PARTS],
    /// Those that are alike an earlier one and not the same, of which there are few.
    others: HashMap<HashedId, u64>,
}

const PARTS: usize = 16;

/// An id of a kind that was met first.
struct First {
    exact: u32,
    line: u32,
}

/// A hash of 64 bits that does not have to begin at a multiple of 8 bytes.
type Halves = [u32; 2];

/// What ids are hashed with.
pub(super) struct IdKeys([RandomState; 2]);

/// An id as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct HashedId {
    alike: u64,
    exact: u32,
}

/// The line where an id stood before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// This very id.
    Same(u64),
    /// One that names the same file where capitals do not count, or accents are written otherwise.
    Alike(u64),
}

impl IdKeys {
    /// Draws keys.
    pub(super) fn new() -> IdKeys {
        IdKeys([RandomState::new(), RandomState::new()])
    }

    pub(super) fn hash(&self, id: &str) -> HashedId {
        let [alike, exact] = &self.0;
        // Of those that are alike, one at most is what they have in common.
        match folded(id) {
            Cow::Owned(folded) if folded != id => {
                HashedId { alike: alike.hash_one(folded), exact: exact.hash_one(id) as u32 | 1 }
            }
            _ => HashedId { alike: alike.hash_one(id), exact: 0 },
        }
    }
}

/// What all ids have in common that name one file on Windows or macOS.
fn folded(id: &str) -> Cow<'_, str> {
    const NORMALIZER: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfc();
    match (id.is_ascii(), id.bytes().any(|byte| byte.is_ascii_uppercase())) {
        (true, false) => Cow::Borrowed(id),
        (true, true) => Cow::Owned(id.to_ascii_lowercase()),
        (false, _) => Cow::Owned(NORMALIZER.normalize(&id.to_lowercase()).into_owned()),
    }
}

/// Takes the eight bytes of what is hashed already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
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
    /// Notes that `id` stands on `line`; where it, or one like it, stood before.
    pub(super) fn note(&mut self, id: HashedId, line: u64) -> Option<Before> {
        let HashedId { alike, exact } = id;
        // The map takes its places from the first half, and the part is taken from the other.
        let halves = [(alike >> 32) as u32, alike as u32];
        match self.parts[alike as usize % PARTS].entry(halves) {
            Entry::Vacant(free) => {
                free.insert(First { exact, line: u32::try_from(line).unwrap_or(u32::MAX) });
                None
            }
            Entry::Occupied(first) => {
                let first = first.get();
                let first_line = u64::from(first.line);
                if first.exact == exact {
                    return Some(Before::Same(first_line));
                }
                match self.others.entry(id) {
                    Entry::Occupied(other) => Some(Before::Same(*other.get())),
                    Entry::Vacant(free) => {
                        free.insert(line);
                        Some(Before::Alike(first_line))
                    }
                }
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
        assert_eq!(note("id-77", 20_000), Some(Before::Same(77)));
        assert_eq!(note("id-77", 30_000), Some(Before::Same(77)));
    }

    #[test]
    fn ids_that_name_one_file_on_some_systems_are_alike() {
        let (keys, mut seen) = (IdKeys::new(), Seen::default());
        let mut note = |id: &str, line| seen.note(keys.hash(id), line);
        assert_eq!((note("Mug", 1), note("caf\u{e9}", 2)), (None, None));
        assert_eq!(note("mug", 3), Some(Before::Alike(1)));
        assert_eq!(note("mug", 4), Some(Before::Same(3)));
        assert_eq!(note("Mug", 5), Some(Before::Same(1)));
        assert_eq!(note("MUG", 6), Some(Before::Alike(1)));
        assert_eq!(note("CAFE\u{301}", 7), Some(Before::Alike(2)));
    }
}
