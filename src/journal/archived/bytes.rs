//! Archived edits as bytes, for a snapshot.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::{ArchivedEdits, EXTENSIONS, Entry, FingerprintPrefix, MOST, OversizedEdit};
use crate::journal::bloom_filter::BloomFilter;
use crate::journal::entry_flags::{ColorTargets, EntryFlags};
use crate::journal::hash_key::{HashKey, ShortHash};
use crate::journal::line_offsets::PackedOffsets;
use crate::journal::stage::Stage;

/// How many bytes an entry takes.
const ENTRY: usize = 44;

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
        if length > 0 && !parts.is_power_of_two() || parts > length.max(super::FEWEST) {
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
            let mut bytes = [0; ENTRY];
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

impl Entry {
    fn to_bytes(&self) -> [u8; ENTRY] {
        let Entry { job, edit: FingerprintPrefix(edit), bytes, offsets, flags, stage } = self;
        let numbers = job.iter().chain(edit).chain([bytes]).flat_map(|number| number.to_le_bytes());
        let all = numbers.chain(offsets.to_bytes()).chain(flags.to_bytes()).chain([stage.to_byte()]);
        let mut bytes = [0; ENTRY];
        bytes.iter_mut().zip(all).for_each(|(place, byte)| *place = byte);
        bytes
    }

    fn from_bytes(bytes: &[u8; ENTRY]) -> Option<Entry> {
        let (numbers, rest) = bytes.split_first_chunk::<24>()?;
        let (offsets, rest) = rest.split_first_chunk()?;
        let &[low, high, stage] = rest.first_chunk()?;
        let number = |place: usize| u32::from_le_bytes(numbers.as_chunks::<4>().0[place]);
        let flags = EntryFlags::from_bytes([low, high]);
        if usize::from(flags.extension()) > EXTENSIONS.len() {
            return None;
        }
        Some(Entry {
            job: [number(0), number(1), number(2)],
            edit: FingerprintPrefix([number(3), number(4)]),
            bytes: number(5),
            offsets: PackedOffsets::from_bytes(*offsets),
            flags,
            stage: Stage::from_byte(stage)?,
        })
    }
}
