use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hint::black_box;

use icu_normalizer::ComposingNormalizerBorrowed;
use siphasher::sip128::{Hash128, SipHasher13};
use uuid::Uuid;

/// The ids of one pass and the lines where they stand, in sixteen bytes an id beside those that are free for more.
///
/// An id is kept as 96 bits of keyed SipHash: 64 of what names the same file on Windows and macOS, and 32 of itself. The
/// key is drawn anew for every pass, so nobody can prepare two ids that meet, and a million ids meet by chance once in
/// 10^17 passes.
#[derive(Default)]
pub(super) struct Seen {
    /// Each part grows by itself, so that never more than a part of all is held twice.
    parts: [Part; PARTS],
    /// Those that are alike an earlier one and not the same, of which there are few.
    others: HashMap<HashedId, u64>,
}

const PARTS: usize = 16;

/// Ids by their hashes, each at the first free place from the one on that its hash names. A place is in one line of a
/// core's memory, and waiting for that is what takes time here.
#[derive(Default)]
struct Part {
    /// A power of two of them, a quarter of which is free at least.
    places: Vec<First>,
    taken: usize,
}

/// An id of a kind that was met first.
#[derive(Clone, Copy, Default)]
struct First {
    alike: u64,
    exact: u32,
    /// 0 where the place is free.
    line: u32,
}

/// What ids are hashed with.
pub(super) struct IdKey(SipHasher13);

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

impl IdKey {
    /// Draws a key.
    pub(super) fn new() -> IdKey {
        IdKey(SipHasher13::new_with_key(Uuid::new_v4().as_bytes()))
    }

    pub(super) fn hash(&self, id: &str) -> HashedId {
        // The halves of a hash are independent of each other, so that an id that is what it has in common with others is
        // hashed once.
        let Hash128 { h1, h2 } = self.0.hash(id.as_bytes());
        let alike = match folded(id) {
            Cow::Borrowed(_) => h1,
            Cow::Owned(folded) => self.0.hash(folded.as_bytes()).h1,
        };
        HashedId { alike, exact: h2 as u32 }
    }
}

/// What all ids have in common that name one file on Windows or macOS.
fn folded(id: &str) -> Cow<'_, str> {
    const NORMALIZER: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfc();
    match (id.is_ascii(), id.bytes().fold(false, |any, byte| any | byte.is_ascii_uppercase())) {
        (true, false) => Cow::Borrowed(id),
        (true, true) => Cow::Owned(id.to_ascii_lowercase()),
        (false, _) => Cow::Owned(NORMALIZER.normalize(&id.to_lowercase()).into_owned()),
    }
}

impl Part {
    /// The place of what has the hash `alike`, or the free one for it.
    fn place(&mut self, alike: u64) -> &mut First {
        if self.taken >= self.places.len() / 4 * 3 {
            self.grow();
        }
        let at = self.find(alike);
        &mut self.places[at]
    }

    /// The place that a hash names. The part was taken from the other half.
    fn first(&self, alike: u64) -> usize {
        (alike >> 32) as usize & self.places.len().saturating_sub(1)
    }

    fn find(&self, alike: u64) -> usize {
        let (mask, mut at) = (self.places.len() - 1, self.first(alike));
        while self.places[at].line != 0 && self.places[at].alike != alike {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let twice = vec![First::default(); (self.places.len() * 2).max(8)];
        for first in std::mem::replace(&mut self.places, twice) {
            if first.line != 0 {
                let at = self.find(first.alike);
                self.places[at] = first;
            }
        }
    }
}

impl Seen {
    /// Looks where `ids` will be noted. That is in memory that is far away, and comes for many at once where nothing is
    /// decided by what is found there.
    pub(super) fn look_ahead(&self, ids: impl Iterator<Item = HashedId>) {
        let first = |id: HashedId| {
            let part = &self.parts[id.alike as usize % PARTS];
            part.places.get(part.first(id.alike)).map_or(0, |first| first.line)
        };
        black_box(ids.fold(0, |lines, id| lines ^ first(id)));
    }

    /// Notes that `id` stands on `line`; where it, or one like it, stood before.
    pub(super) fn note(&mut self, id: HashedId, line: u64) -> Option<Before> {
        let HashedId { alike, exact } = id;
        let part = &mut self.parts[alike as usize % PARTS];
        let first = part.place(alike);
        if first.line == 0 {
            // Lines are counted from 1.
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            *first = First { alike, exact, line };
            part.taken += 1;
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
        let (key, mut seen) = (IdKey::new(), Seen::default());
        let mut note = |id: &str, line| seen.note(key.hash(id), line);
        assert!((1..=10_000).all(|line| note(&format!("id-{line}"), line).is_none()));
        assert_eq!(note("id-77", 20_000), Some(Before::Same(77)));
        assert_eq!(note("id-77", 30_000), Some(Before::Same(77)));
    }

    #[test]
    fn ids_that_name_one_file_on_some_systems_are_alike() {
        let (key, mut seen) = (IdKey::new(), Seen::default());
        let mut note = |id: &str, line| seen.note(key.hash(id), line);
        assert_eq!((note("Mug", 1), note("caf\u{e9}", 2)), (None, None));
        assert_eq!(note("mug", 3), Some(Before::Alike(1)));
        assert_eq!(note("mug", 4), Some(Before::Same(3)));
        assert_eq!(note("Mug", 5), Some(Before::Same(1)));
        assert_eq!(note("MUG", 6), Some(Before::Alike(1)));
        assert_eq!(note("CAFE\u{301}", 7), Some(Before::Alike(2)));
    }
}
