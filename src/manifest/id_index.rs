use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;

use crate::job::folded;

/// Maps the ids of one pass to the lines where they first occur.
///
/// Each id is stored as 96 bits of keyed hashes: 64 bits of its folded form, which is equal for ids that name the same
/// file on Windows or macOS, and 32 bits of the exact id. The keys are random for each pass and never leave it, so that
/// nobody can construct colliding ids. Among a million ids, a false duplicate occurs once in 10^17 passes.
#[derive(Default)]
pub(super) struct IdIndex {
    /// The first id of each group with the same folded form, by the hash of that form.
    first: HashMap<u64, FirstId, foldhash::fast::RandomState>,
    /// The other ids of these groups, with the lines where they first occur. There are few of them.
    others: HashMap<HashedId, u64>,
}

/// The first id of a group with the same folded form.
struct FirstId {
    exact: u32,
    line: u32,
}

/// The random keys for hashing ids.
pub(super) struct IdKey {
    alike: RandomState,
    exact: RandomState,
}

/// The hashes of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct HashedId {
    alike: u64,
    exact: u32,
}

/// An earlier occurrence of an id, with its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// The same id.
    Same(u64),
    /// An id with the same folded form: it names the same file where case or Unicode normalization is ignored.
    Alike(u64),
}

impl IdKey {
    /// Creates random keys.
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
    /// Records that `id` occurs on `line`. Returns the earlier occurrence of it or of a similar id, or `None` if it is
    /// new.
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
