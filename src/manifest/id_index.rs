use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hasher};
use std::hint::black_box;

use foldhash::quality::RandomState;

use crate::job::folded;

/// The ids of one pass and their lines, in sixteen bytes an id plus the free slots.
///
/// An id is stored as 96 bits of keyed hashes: 64 of the name that is the same file on Windows and macOS, and 32 of
/// itself. The keys are random for every pass and never leave it, so that nobody can prepare two ids that collide, and
/// a million ids collide by chance once in 10^17 passes.
#[derive(Default)]
pub(super) struct IdIndex {
    /// Each shard grows by itself, so that never more than one of them is held twice.
    shards: [Shard; SHARDS],
    /// The few ids that differ from an earlier one, but name the same file.
    others: HashMap<HashedId, u64>,
}

const SHARDS: usize = 16;

/// Up to this many slots a shard grows fourfold at a time: all shards then have at most 32 MiB.
const MAX_FOURFOLD_GROWTH: usize = 1 << 16;

/// Ids by their hashes, each at the first free slot from the one on that its hash names. A slot is in one line of a
/// core's memory, and waiting for that is what takes time here.
#[derive(Default)]
struct Shard {
    /// A power of two of them, a quarter of which is free at least.
    slots: Vec<Slot>,
    taken: usize,
}

/// The first id of those that are alike, and its line.
#[derive(Clone, Copy, Default)]
struct Slot {
    alike: u64,
    exact: u32,
    /// 0 if the slot is free.
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

impl Shard {
    /// The slot of what has the hash `alike`, or the free one for it.
    fn slot(&mut self, alike: u64) -> &mut Slot {
        if self.taken >= self.slots.len() / 4 * 3 {
            self.grow();
        }
        let at = self.find(alike);
        &mut self.slots[at]
    }

    /// The slot that a hash names. The shard was taken from the other half.
    fn home(&self, alike: u64) -> usize {
        (alike >> 32) as usize & self.slots.len().saturating_sub(1)
    }

    fn find(&self, alike: u64) -> usize {
        let (mask, mut at) = (self.slots.len() - 1, self.home(alike));
        while self.slots[at].line != 0 && self.slots[at].alike != alike {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        // While it is small, fewer moves matter more than a few free slots.
        let times = if self.slots.len() < MAX_FOURFOLD_GROWTH { 4 } else { 2 };
        let more = vec![Slot::default(); (self.slots.len() * times).max(8)];
        for slot in std::mem::replace(&mut self.slots, more) {
            if slot.line != 0 {
                let at = self.find(slot.alike);
                self.slots[at] = slot;
            }
        }
    }
}

impl IdIndex {
    /// Reads the slots of `ids` ahead. They are far apart in memory, and many reads run at once if no decision depends
    /// on them.
    pub(super) fn prefetch(&self, ids: impl Iterator<Item = HashedId>) {
        let line = |id: HashedId| {
            let shard = &self.shards[id.alike as usize % SHARDS];
            shard.slots.get(shard.home(id.alike)).map_or(0, |slot| slot.line)
        };
        black_box(ids.fold(0, |lines, id| lines ^ line(id)));
    }

    /// Notes that `id` stands on `line`; where it, or one like it, stood before.
    pub(super) fn note(&mut self, id: HashedId, line: u64) -> Option<Before> {
        let HashedId { alike, exact } = id;
        let shard = &mut self.shards[alike as usize % SHARDS];
        let first = shard.slot(alike);
        if first.line == 0 {
            // Lines are counted from 1.
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            *first = Slot { alike, exact, line };
            shard.taken += 1;
            return None;
        }
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
