use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;

use crate::job::folded;

/// The ids of one pass and the lines where they stand.
///
/// An id is kept as 96 bits of keyed hashes: 64 of the form that names the same file on Windows and macOS, and 32 of itself.
/// The keys are drawn at random for every pass and never leave it, so that no one can prepare two ids with the same hash; a
/// million ids meet by chance once in 10^17 passes.
#[derive(Default)]
pub(super) struct IdIndex {
    /// The first of the ids that are alike, by the hash that they share.
    first: HashMap<u64, FirstId, foldhash::fast::RandomState>,
    /// The few that are alike an earlier one and not the same.
    others: HashMap<HashedId, u64>,
}

/// The first id of those that are alike, and its line.
struct FirstId {
    exact: u32,
    line: u32,
}

/// The keys of the hashes of ids.
pub(super) struct IdKey {
    alike: RandomState,
    exact: RandomState,
}

/// An id as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct HashedId {
    alike: u64,
    exact: u32,
}

/// The line of an earlier id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// This very id.
    Same(u64),
    /// One that names the same file where capitals do not count, or accents are written otherwise.
    Alike(u64),
}

impl IdKey {
    /// Draws a key.
    pub(super) fn new() -> IdKey {
        IdKey { alike: RandomState::default(), exact: RandomState::default() }
    }

    pub(super) fn hash(&self, id: &str) -> HashedId {
        let hash = |key: &RandomState, text: &str| {
            let mut hasher = key.build_hasher();
            hasher.write(text.as_bytes());
            hasher.finish()
        };
        HashedId { alike: hash(&self.alike, &folded(id)), exact: hash(&self.exact, id) as u32 }
    }
}

impl IdIndex {
    /// Notes that `id` stands on `line`. Returns where it, or one like it, stood before; `None` if it is new.
    pub(super) fn note(&mut self, id: HashedId, line: u64) -> Option<Before> {
        let HashedId { alike, exact } = id;
        let (first_exact, first_line) = match self.first.entry(alike) {
            Entry::Occupied(first) => (first.get().exact, u64::from(first.get().line)),
            Entry::Vacant(free) => {
                free.insert(FirstId { exact, line: u32::try_from(line).unwrap_or(u32::MAX) });
                return None;
            }
        };
        if first_exact == exact {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_an_id_is_remembered() {
        let (key, mut ids) = (IdKey::new(), IdIndex::default());
        let mut note = |id: &str, line| ids.note(key.hash(id), line);
        assert!((1..=10_000).all(|line| note(&format!("id-{line}"), line).is_none()));
        assert_eq!(note("id-77", 20_000), Some(Before::Same(77)));
        assert_eq!(note("id-77", 30_000), Some(Before::Same(77)));
    }

    #[test]
    fn ids_that_name_one_file_on_some_systems_are_alike() {
        let (key, mut ids) = (IdKey::new(), IdIndex::default());
        let mut note = |id: &str, line| ids.note(key.hash(id), line);
        assert_eq!((note("Mug", 1), note("caf\u{e9}", 2)), (None, None));
        assert_eq!(note("mug", 3), Some(Before::Alike(1)));
        assert_eq!(note("mug", 4), Some(Before::Same(3)));
        assert_eq!(note("Mug", 5), Some(Before::Same(1)));
        assert_eq!(note("MUG", 6), Some(Before::Alike(1)));
        assert_eq!(note("CAFE\u{301}", 7), Some(Before::Alike(2)));
    }
}
