//! Serialization of archived edits, for a snapshot.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::archived_edits::{ArchivedEdits, MAX_ENTRIES_PER_SHARD, MIN_SHARDS};
use super::entry::{ArchiveEntry, ENTRY_BYTES, FingerprintPrefix, OversizedEdit};
use super::entry_flags::ColorTargets;
use super::hash_key::{HashKey, ShortHash};

/// The archived edits without their entries.
#[derive(Serialize, Deserialize)]
pub(in crate::journal) struct ArchivedHead {
    shards: usize,
    length: usize,
    color_targets: ColorTargets,
    large: Vec<((ShortHash, FingerprintPrefix), OversizedEdit)>,
}

impl ArchivedEdits {
    pub(in crate::journal) fn head(&self) -> ArchivedHead {
        let large = self.large.iter().map(|(edit, large)| (*edit, large.clone())).collect();
        ArchivedHead {
            shards: self.shards.len(),
            length: self.length,
            color_targets: self.color_targets.clone(),
            large,
        }
    }

    /// Writes the entries, shard by shard.
    pub(in crate::journal) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.entries().try_for_each(|entry| out.write_all(&entry.to_bytes()))
    }

    /// Reads the entries that belong to `head`.
    ///
    /// # Errors
    ///
    /// The entries cannot be read, or are invalid.
    pub(in crate::journal) fn read(
        key: HashKey,
        head: ArchivedHead,
        input: &mut impl Read,
    ) -> io::Result<ArchivedEdits> {
        let ArchivedHead { shards, length, color_targets, large } = head;
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        if length > 0 && !shards.is_power_of_two() || shards > length.max(MIN_SHARDS) {
            return Err(invalid());
        }
        let mut archived = ArchivedEdits {
            key,
            color_targets,
            length,
            large: large.into_iter().collect(),
            ..ArchivedEdits::default()
        };
        archived.shards.resize(shards, Vec::new());
        let (mut shard, mut shard_index) = (Vec::with_capacity(2 * MAX_ENTRIES_PER_SHARD), 0);
        for _ in 0..length {
            let mut bytes = [0; ENTRY_BYTES];
            input.read_exact(&mut bytes)?;
            let entry = ArchiveEntry::from_bytes(&bytes).ok_or_else(invalid)?;
            let own = archived.shard_index(entry.job);
            if own != shard_index {
                // A copy has no spare capacity.
                archived.shards[shard_index].extend_from_slice(&shard);
                shard_index = own;
                shard.clear();
            }
            shard.push(entry);
        }
        if !shard.is_empty() {
            archived.shards[shard_index].extend_from_slice(&shard);
        }
        Ok(archived)
    }
}
