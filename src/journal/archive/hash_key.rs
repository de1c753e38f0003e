use std::sync::LazyLock;

use siphasher::sip128::SipHasher13;
use uuid::Uuid;

/// The random key for hashing ids. It is generated once per process, so that nobody can prepare two ids with the same
/// hash. A snapshot stores its key. The standard library's `RandomState` does not expose its keys, so the crate
/// `siphasher` is used.
#[derive(Clone, Copy, Debug)]
pub(in crate::journal) struct HashKey(SipHasher13);

/// 96 bits of the hash of an id.
pub(in crate::journal) type ShortHash = [u32; 3];

impl Default for HashKey {
    /// Returns the key of this process. All of its ledgers share it, so that they can be compared.
    fn default() -> HashKey {
        static KEY: LazyLock<HashKey> = LazyLock::new(|| HashKey::from_bytes(Uuid::new_v4().as_bytes()));
        *KEY
    }
}

impl HashKey {
    pub(in crate::journal) fn from_bytes(bytes: &[u8; 16]) -> HashKey {
        HashKey(SipHasher13::new_with_key(bytes))
    }

    pub(in crate::journal) fn to_bytes(self) -> [u8; 16] {
        self.0.key()
    }

    /// Returns the part of an id's hash that tables store.
    pub(in crate::journal) fn short_hash(self, id: &str) -> ShortHash {
        let [one, two] = self.hash(id);
        [one as u32, (one >> 32) as u32, two as u32]
    }

    /// Returns the hash of a text, in two independent halves.
    pub(in crate::journal) fn hash(self, text: &str) -> [u64; 2] {
        let hash = self.0.hash(text.as_bytes());
        [hash.h1, hash.h2]
    }
}
