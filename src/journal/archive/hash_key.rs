use std::sync::LazyLock;

use siphasher::sip128::SipHasher13;
use uuid::Uuid;

/// What ids are hashed with where 8 or 12 bytes stand for one. It is drawn at random for each process, so that nobody
/// can bring two ids about that meet; a ledger that comes out of a snapshot has the key of the process that wrote it.
#[derive(Clone, Copy, Debug)]
pub(in crate::journal) struct HashKey(SipHasher13);

/// 96 bits of the hash of an id.
pub(in crate::journal) type ShortHash = [u32; 3];

impl Default for HashKey {
    /// The key of this process, so that what its ledgers know can be compared.
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

    /// The hash of an id as far as tables keep it.
    pub(in crate::journal) fn short_hash(self, id: &str) -> ShortHash {
        let [one, two] = self.hash(id);
        [one as u32, (one >> 32) as u32, two as u32]
    }

    /// The hash of a text, in two halves that are independent of each other.
    pub(in crate::journal) fn hash(self, text: &str) -> [u64; 2] {
        let hash = self.0.hash(text.as_bytes());
        [hash.h1, hash.h2]
    }
}
