use serde::{Deserialize, Serialize};

use crate::job::{Fingerprint, JobId};
use crate::journal::edits::{Edit, LineOffsets};
use crate::journal::format::{SavedFile, Stage};

use super::entry_flags::EntryFlags;
use super::hash_key::ShortHash;
use super::packed_offsets::PackedOffsets;

/// The common extensions of pictures.
pub(super) const EXTENSIONS: [&str; 4] = ["png", "jpg", "webp", "gif"];

/// The size of an entry in bytes.
pub(super) const ENTRY_BYTES: usize = 44;

#[derive(Clone, Debug)]
pub(super) struct ArchiveEntry {
    pub(super) job: ShortHash,
    pub(super) edit: FingerprintPrefix,
    pub(super) bytes: u32,
    pub(super) offsets: PackedOffsets,
    pub(super) flags: EntryFlags,
    pub(super) stage: Stage,
}

const _: () = assert!(size_of::<ArchiveEntry>() == ENTRY_BYTES);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OversizedEdit {
    pub(super) offsets: LineOffsets,
    pub(super) pictures: Box<[(String, u64)]>,
}

/// The first half of a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(in crate::journal) struct FingerprintPrefix([u32; 2]);

impl FingerprintPrefix {
    pub(in crate::journal) fn of(fingerprint: Fingerprint) -> FingerprintPrefix {
        let [.., a, b, c, d, e, f, g, h] = *fingerprint.as_bytes();
        FingerprintPrefix([u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])])
    }
}

/// An archived edit with the offsets of its lines.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::journal) struct ArchivedEdit {
    pub(in crate::journal) edit: FingerprintPrefix,
    pub(in crate::journal) is_shown: bool,
    pub(in crate::journal) offsets: LineOffsets,
}

impl ArchiveEntry {
    pub(super) fn to_bytes(&self) -> [u8; ENTRY_BYTES] {
        let ArchiveEntry { job, edit: FingerprintPrefix(edit), bytes, offsets, flags, stage } = self;
        let numbers = job.iter().chain(edit).chain([bytes]).flat_map(|number| number.to_le_bytes());
        let all = numbers.chain(offsets.to_bytes()).chain(flags.to_bytes()).chain([stage.to_byte()]);
        let mut bytes = [0; ENTRY_BYTES];
        bytes.iter_mut().zip(all).for_each(|(index, byte)| *index = byte);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; ENTRY_BYTES]) -> Option<ArchiveEntry> {
        let (numbers, rest) = bytes.split_first_chunk::<24>()?;
        let (offsets, rest) = rest.split_first_chunk()?;
        let &[low, high, stage] = rest.first_chunk()?;
        let number = |index: usize| u32::from_le_bytes(numbers.as_chunks::<4>().0[index]);
        let flags = EntryFlags::from_bytes([low, high]);
        if usize::from(flags.extension()) > EXTENSIONS.len() {
            return None;
        }
        Some(ArchiveEntry {
            job: [number(0), number(1), number(2)],
            edit: FingerprintPrefix([number(3), number(4)]),
            bytes: number(5),
            offsets: PackedOffsets::from_bytes(*offsets),
            flags,
            stage: Stage::from_byte(stage)?,
        })
    }
}

/// Returns the number of the extension and the size in bytes of an edit's picture, or zeros if it has none; `None`
/// unless it is a single picture with the job's name.
pub(super) fn usual_picture(job: &JobId, edit: &Edit) -> Option<(u16, u32)> {
    let [SavedFile { name, bytes, .. }] = edit.files() else {
        return edit.files().is_empty().then_some((0, 0));
    };
    let extension = name.strip_prefix(job.as_str())?.strip_prefix('.')?;
    let index = EXTENSIONS.iter().position(|known| *known == extension)?;
    Some((index as u16 + 1, u32::try_from(*bytes).ok()?))
}
