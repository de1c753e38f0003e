//! Archived edits as bytes, for a snapshot.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::journal::format::Stage;

use super::archived_edits::{ArchivedEdits, FEWEST, MOST};
use super::bloom_filter::BloomFilter;
use super::entry::{ENTRY_BYTES, Entry, FingerprintPrefix, OversizedEdit};
use super::entry_flags::{ColorTargets, EntryFlags};
use super::hash_key::{HashKey, ShortHash};
use super::packed_offsets::PackedOffsets;

/// All of the archived edits but their entries.
#[derive(Serialize, Deserialize)]
pub(in crate::journal) struct ArchivedHead {
    parts: usize,
    length: usize,
    goals: ColorTargets,
    large: Vec<((ShortHash, FingerprintPrefix), OversizedEdit)>,
}

impl ArchivedEdits {
    pub(in crate::journal) fn head(&self) -> ArchivedHead {
        let large = self.large.iter().map(|(edit, large)| (*edit, large.clone())).collect();
        ArchivedHead { parts: self.parts.len(), length: self.length, goals: self.goals.clone(), large }
    }

    /// Writes the entries, part by part.
    pub(in crate::journal) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.entries().try_for_each(|entry| out.write_all(&entry.to_bytes()))
    }

    /// Reads entries that were written, by what was told of them.
    ///
    /// # Errors
    ///
    /// They cannot be read, or are none.
    pub(in crate::journal) fn read(
        key: HashKey,
        head: ArchivedHead,
        input: &mut impl Read,
    ) -> io::Result<ArchivedEdits> {
        let ArchivedHead { parts, length, goals, large } = head;
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        if length > 0 && !parts.is_power_of_two() || parts > length.max(FEWEST) {
            return Err(invalid());
        }
        let filter = BloomFilter::for_entries(parts * MOST);
        let mut archived = ArchivedEdits {
            key,
            goals,
            length,
            filter,
            large: large.into_iter().collect(),
            ..ArchivedEdits::default()
        };
        archived.parts.resize(parts, Vec::new());
        let (mut part, mut place) = (Vec::with_capacity(2 * MOST), 0);
        for _ in 0..length {
            let mut bytes = [0; ENTRY_BYTES];
            input.read_exact(&mut bytes)?;
            let entry = Entry::from_bytes(&bytes).ok_or_else(invalid)?;
            archived.filter.insert(entry.job);
            let own = archived.place(entry.job);
            if own != place {
                // A copy has no more room than it needs.
                archived.parts[place].extend_from_slice(&part);
                (part, place) = (part, own);
                part.clear();
            }
            part.push(entry);
        }
        if !part.is_empty() {
            archived.parts[place].extend_from_slice(&part);
        }
        Ok(archived)
    }
}
