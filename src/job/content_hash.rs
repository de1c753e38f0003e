use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use super::hex_text::hex_text;

/// The BLAKE3 hash of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Returns the hash of all of `content`, and its length in bytes.
    ///
    /// # Errors
    ///
    /// The content cannot be read.
    pub fn of_all(content: impl Read) -> io::Result<(ContentHash, u64)> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(content)?;
        Ok((ContentHash::from_hasher(&hasher), hasher.count()))
    }

    /// Returns the hash of `bytes`.
    pub fn of(bytes: &[u8]) -> ContentHash {
        ContentHash(*blake3::hash(bytes).as_bytes())
    }

    /// Returns the hash of all input of a hasher.
    pub fn from_hasher(hasher: &blake3::Hasher) -> ContentHash {
        ContentHash(*hasher.finalize().as_bytes())
    }

    /// Returns the 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

hex_text!(ContentHash);
