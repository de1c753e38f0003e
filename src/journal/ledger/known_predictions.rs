use std::io::{self, Read, Write};

use crate::api::PredictionId;
use crate::journal::archive::{HashKey, push_with_small_growth};

/// The number of shards. Predictions are distributed by the first bits of their hashes.
const SHARDS: usize = 1 << 12;

/// All predictions in a journal, at 6 to 7 bytes each. A `HashSet<u64>` would take 11 more bytes: a ledger of 1,000,000
/// finished jobs would grow from 63 to 74 bytes per job (`benches/replay.rs`), and the limit is 64.
///
/// 60 bits of a keyed hash identify a prediction: the probability that one of a million answers collides with one of a
/// million others is 1 in 10^6, and no input can force it. A lookup scans its shard, which has about 244 of a million
/// predictions, and happens once per submit.
#[derive(Debug, Default)]
pub(in crate::journal) struct KnownPredictions {
    shards: Vec<Vec<HashSuffix>>,
    key: HashKey,
}

/// The part of a hash that is not determined by its shard.
type HashSuffix = [u8; 6];

impl KnownPredictions {
    pub(in crate::journal) fn insert(&mut self, prediction: &PredictionId) {
        if self.shards.is_empty() {
            self.shards.resize(SHARDS, Vec::new());
        }
        let (shard, short) = self.short(prediction);
        push_with_small_growth(&mut self.shards[shard], short);
    }

    /// Forgets a prediction that turned out to be that of no submit.
    pub(in crate::journal) fn remove(&mut self, prediction: &PredictionId) {
        let (shard, short) = self.short(prediction);
        if let Some(shard) = self.shards.get_mut(shard)
            && let Some(position) = shard.iter().position(|known| *known == short)
        {
            shard.swap_remove(position);
        }
    }

    pub(in crate::journal) fn contains(&self, prediction: &PredictionId) -> bool {
        let (shard, short) = self.short(prediction);
        self.shards.get(shard).is_some_and(|shard| shard.contains(&short))
    }

    fn short(&self, prediction: &PredictionId) -> (usize, HashSuffix) {
        let [hash, _] = self.key.hash(prediction.as_str());
        let [a, b, short @ ..] = hash.to_le_bytes();
        (usize::from(u16::from_le_bytes([a, b])) % SHARDS, short)
    }

    /// Writes all shards, each preceded by its length.
    pub(in crate::journal) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let none = Vec::new();
        for shard_index in 0..SHARDS {
            let shard = self.shards.get(shard_index).unwrap_or(&none);
            out.write_all(&(shard.len() as u32).to_le_bytes())?;
            out.write_all(shard.as_flattened())?;
        }
        Ok(())
    }

    /// Reads predictions that were written with `key`.
    ///
    /// # Errors
    ///
    /// The predictions cannot be read.
    pub(in crate::journal) fn read(key: HashKey, input: &mut impl Read) -> io::Result<KnownPredictions> {
        let mut shards = Vec::with_capacity(SHARDS);
        for _ in 0..SHARDS {
            let mut length = [0; 4];
            input.read_exact(&mut length)?;
            let length = u64::from(u32::from_le_bytes(length)) * size_of::<HashSuffix>() as u64;
            let mut shard = Vec::new();
            if input.take(length).read_to_end(&mut shard)? as u64 != length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            shards.push(shard.as_chunks().0.to_vec());
        }
        Ok(KnownPredictions { shards, key })
    }
}

/// Compares predictions that are hashed with the same key, in any order.
impl PartialEq for KnownPredictions {
    fn eq(&self, other: &KnownPredictions) -> bool {
        let all = |known: &KnownPredictions| {
            let shards = known.shards.iter().enumerate();
            let mut all: Vec<_> =
                shards.flat_map(|(shard_index, shard)| shard.iter().map(move |short| (shard_index, *short))).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        all(self) == all(other)
    }
}
