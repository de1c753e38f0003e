//! Settled edits as bytes, for a snapshot.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::{EXTENSIONS, Entry, Half, Large, MOST, Settled};
use crate::journal::filter::Filter;
use crate::journal::key::{Key, ShortHash};
use crate::journal::line_offsets::PackedOffsets;
use crate::journal::marks::{Goals, Marks};
use crate::journal::stage::Stage;

/// How many bytes an entry takes.
const ENTRY: usize = 44;

/// All of the settled edits but their entries.
#[derive(Serialize, Deserialize)]
pub(in crate::journal) struct SettledHead {
    parts: usize,
    length: usize,
    goals: Goals,
    large: Vec<((ShortHash, Half), Large)>,
}

impl Settled {
    pub(in crate::journal) fn head(&self) -> SettledHead {
        let large = self.large.iter().map(|(edit, large)| (*edit, large.clone())).collect();
        SettledHead { parts: self.parts.len(), length: self.length, goals: self.goals.clone(), large }
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
    pub(in crate::journal) fn read(key: Key, head: SettledHead, input: &mut impl Read) -> io::Result<Settled> {
        let SettledHead { parts, length, goals, large } = head;
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        if length > 0 && !parts.is_power_of_two() || parts > length.max(super::FEWEST) {
            return Err(invalid());
        }
        let filter = Filter::for_entries(parts * MOST);
        let mut settled =
            Settled { key, goals, length, filter, large: large.into_iter().collect(), ..Settled::default() };
        settled.parts.resize(parts, Vec::new());
        let (mut part, mut place) = (Vec::with_capacity(2 * MOST), 0);
        for _ in 0..length {
            let mut bytes = [0; ENTRY];
            input.read_exact(&mut bytes)?;
            let entry = Entry::from_bytes(&bytes).ok_or_else(invalid)?;
            settled.filter.insert(entry.job);
            let own = settled.place(entry.job);
            if own != place {
                // A copy has no more room than it needs.
                settled.parts[place].extend_from_slice(&part);
                (part, place) = (part, own);
                part.clear();
            }
            part.push(entry);
        }
        if !part.is_empty() {
            settled.parts[place].extend_from_slice(&part);
        }
        Ok(settled)
    }
}

impl Entry {
    fn to_bytes(&self) -> [u8; ENTRY] {
        let Entry { job, edit: Half(edit), bytes, offsets, marks, stage } = self;
        let numbers = job.iter().chain(edit).chain([bytes]).flat_map(|number| number.to_le_bytes());
        let all = numbers.chain(offsets.to_bytes()).chain(marks.to_bytes()).chain([stage.to_byte()]);
        let mut bytes = [0; ENTRY];
        bytes.iter_mut().zip(all).for_each(|(place, byte)| *place = byte);
        bytes
    }

    fn from_bytes(bytes: &[u8; ENTRY]) -> Option<Entry> {
        let (numbers, rest) = bytes.split_first_chunk::<24>()?;
        let (offsets, rest) = rest.split_first_chunk()?;
        let &[low, high, stage] = rest.first_chunk()?;
        let number = |place: usize| u32::from_le_bytes(numbers.as_chunks::<4>().0[place]);
        let marks = Marks::from_bytes([low, high]);
        if usize::from(marks.extension()) > EXTENSIONS.len() {
            return None;
        }
        Some(Entry {
            job: [number(0), number(1), number(2)],
            edit: Half([number(3), number(4)]),
            bytes: number(5),
            offsets: PackedOffsets::from_bytes(*offsets),
            marks,
            stage: Stage::from_byte(stage)?,
        })
    }
}
