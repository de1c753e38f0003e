use std::hash::{BuildHasher, RandomState};

use rayon::slice::ParallelSliceMut;

use crate::job::{JobId, folded};

/// The ids of a manifest as hashes, sorted once all are known. One in 10^13 other ids collides with one of a million.
#[derive(Default)]
pub(super) struct Ids {
    hasher: RandomState,
    sorted: Vec<u64>,
    /// Hashes of the ids that end in a number, like the names of further pictures. Ids with the same file name on
    /// Windows or macOS have the same hash.
    numbered: Vec<u64>,
}

/// A hashed id.
#[derive(Clone, Copy)]
pub(super) struct HashedId {
    id: u64,
    numbered: Option<u64>,
}

impl Ids {
    pub(super) fn hash(&self, id: &str) -> HashedId {
        let numbered = is_numbered(id).then(|| self.hasher.hash_one(&*folded(id)));
        HashedId { id: self.hasher.hash_one(id), numbered }
    }

    /// Adds an id.
    pub(super) fn note(&mut self, id: &JobId) {
        self.push(self.hash(id.as_str()));
    }

    pub(super) fn push(&mut self, id: HashedId) {
        self.sorted.push(id.id);
        self.numbered.extend(id.numbered);
    }

    /// Sorts the hashes, which lookups require.
    pub(super) fn sort(&mut self) {
        self.sorted.par_sort_unstable();
        self.numbered.par_sort_unstable();
    }

    /// Whether `id` is one of them.
    pub(super) fn has(&self, id: &str) -> bool {
        self.sorted.binary_search(&self.hasher.hash_one(id)).is_ok()
    }

    /// Whether `stem`, the name of a further picture without its extension, is the file name of one of them.
    pub(super) fn is_named(&self, stem: &str) -> bool {
        self.numbered.binary_search(&self.hasher.hash_one(&*folded(stem))).is_ok()
    }
}

/// Whether an id may be the name of a further picture of another job, like `mug-2`.
fn is_numbered(id: &str) -> bool {
    let number = id.rsplit_once('-').map_or("", |(_, number)| number);
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_case_sensitive_and_file_names_are_not() {
        let mut ids = Ids::default();
        ["Mug-2", "vase"].iter().for_each(|id| ids.note(&JobId::new(id).unwrap()));
        ids.sort();
        assert_eq!(["Mug-2", "mug-2", "vase"].map(|id| ids.has(id)), [true, false, true]);
        assert_eq!(["Mug-2", "mug-2", "mug-3"].map(|stem| ids.is_named(stem)), [true, true, false]);
    }
}
