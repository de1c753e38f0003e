use std::collections::HashMap;

use crate::color::Verdict;
use crate::job::{Fingerprint, JobId};
use crate::journal::edits::{Brief, ColorBrief, Edit, History, LineOffsets, Pictures, Tracked};
use crate::journal::format::{EditState, Stage, stem};

use super::entry::{ArchiveEntry, ArchivedEdit, EXTENSIONS, FingerprintPrefix, OversizedEdit, usual_picture};
use super::entry_flags::{ColorTargets, EntryFlags};
use super::grow::push_with_small_growth;
use super::hash_key::{HashKey, ShortHash};
use super::packed_offsets::PackedOffsets;

/// The initial number of shards.
pub(super) const MIN_SHARDS: usize = 64;

/// The average number of entries per shard at which the number of shards doubles. A lookup scans its shard, which is
/// two thousand contiguous bytes. A hash table would take 6 to 12 more bytes per entry.
pub(super) const MAX_ENTRIES_PER_SHARD: usize = 48;

/// The edits of final jobs, at 44 bytes each plus a little spare capacity.
///
/// An entry holds what a plan needs, and the offsets of the edit's lines. All other data is read from the journal again
/// on demand. A job is identified by 96 bits of a hash with a random key: two of a million jobs collide with a
/// probability of 1 in 10^17, and no input can force a collision. Half of a fingerprint distinguishes the few edits of
/// a job. Even after a collision, no details are mixed up, because the lines that are read again contain their job and
/// their whole fingerprint.
#[derive(Debug, Default)]
pub(in crate::journal) struct ArchivedEdits {
    /// The entries by the first bits of their jobs' hashes. Those of a job are in one shard, oldest first. The number
    /// of shards is 0 or a power of two.
    pub(super) shards: Vec<Vec<ArchiveEntry>>,
    /// The few edits that do not fit into an entry, or have an earlier reservation.
    pub(super) large: HashMap<(ShortHash, FingerprintPrefix), OversizedEdit>,
    /// The targets of color checks. Most catalogs have few.
    pub(super) color_targets: ColorTargets,
    pub(super) length: usize,
    pub(super) key: HashKey,
}

impl ArchivedEdits {
    /// Returns the key for hashing ids.
    pub(in crate::journal) fn key(&self) -> HashKey {
        self.key
    }

    /// Returns the number of edits.
    pub(in crate::journal) fn len(&self) -> usize {
        self.length
    }

    /// Inserts all edits of a job.
    pub(in crate::journal) fn insert(&mut self, job: &JobId, history: &History) {
        let hash = self.hash(job.as_str());
        for tracked in &history.edits {
            let is_shown = history.shown == Some(tracked.edit.fingerprint);
            let entry = self.entry(job, hash, tracked, is_shown);
            if self.length >= self.shards.len() * MAX_ENTRIES_PER_SHARD {
                self.split_shards();
            }
            let shard_index = self.shard_index(hash);
            push_with_small_growth(&mut self.shards[shard_index], entry);
            self.length += 1;
        }
    }

    /// Whether there is no edit.
    pub(in crate::journal) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether there is an edit of the job.
    pub(in crate::journal) fn knows(&self, job: &str) -> bool {
        self.length > 0 && self.of(self.hash(job)).next().is_some()
    }

    /// Returns the facts about an edit that a plan needs.
    pub(in crate::journal) fn brief(&self, job: &JobId, fingerprint: Fingerprint) -> Option<Brief<'_>> {
        let edit = FingerprintPrefix::of(fingerprint);
        let entry = self.of(self.hash(job.as_str())).find(|entry| entry.edit == edit)?;
        let pictures = match (self.large(entry), entry.flags.extension()) {
            (Some(large), _) => Pictures::Listed(&large.pictures),
            (None, 0) => Pictures::Listed(&[]),
            (None, number) => {
                // Every entry that is read has one of these extensions.
                let extension = EXTENSIONS.get(usize::from(number) - 1).copied().unwrap_or_default();
                Pictures::Named { extension, bytes: u64::from(entry.bytes) }
            }
        };
        Some(Brief {
            stage: entry.stage,
            has_prediction: entry.flags.has(EntryFlags::HAS_PREDICTION),
            is_shown: entry.flags.has(EntryFlags::IS_SHOWN),
            rerolls: 0,
            color: entry.flags.color(&self.color_targets),
            pictures,
        })
    }

    /// Returns the edits of a job, oldest first.
    pub(in crate::journal) fn stored(&self, job: &str) -> Vec<ArchivedEdit> {
        self.of(self.hash(job)).map(|entry| self.get(entry)).collect()
    }

    /// Removes all edits of a job.
    pub(in crate::journal) fn remove(&mut self, job: &str) {
        let hash = self.hash(job);
        let shard_index = self.shard_index(hash);
        let Some(shard) = self.shards.get_mut(shard_index) else { return };
        let before = shard.len();
        shard.retain(|entry| {
            let stays = entry.job != hash;
            if !stays {
                self.large.remove(&(hash, entry.edit));
            }
            stays
        });
        self.length -= before - shard.len();
    }

    /// Returns all edits, in arbitrary order.
    pub(in crate::journal) fn all(&self) -> impl Iterator<Item = ArchivedEdit> {
        self.those(|_| true)
    }

    /// Returns all edits grouped by job, oldest first, with the jobs in the order of their first lines.
    pub(in crate::journal) fn in_order(&self) -> impl Iterator<Item = ArchivedEdit> {
        let first = |entry: &ArchiveEntry| self.offsets(entry).0.first().copied().unwrap_or(0);
        let first_line = |entry: &ArchiveEntry| self.of(entry.job).map(first).min();
        let mut all: Vec<_> = self.entries().map(|entry| (first_line(entry), entry)).collect();
        // The stable sort keeps the order of a job's edits.
        all.sort_by_key(|(first_line, _)| *first_line);
        all.into_iter().map(|(_, entry)| self.get(entry))
    }

    /// Returns the edits for which money may be reserved: all those for which it is, and some others.
    pub(in crate::journal) fn reserving(&self) -> impl Iterator<Item = ArchivedEdit> {
        self.those(move |entry| entry.stage == Stage::Uncertain || self.large(entry).is_some())
    }

    /// Returns the edits whose pictures are in `results/`.
    pub(in crate::journal) fn shown(&self) -> impl Iterator<Item = ArchivedEdit> {
        self.those(|entry| entry.flags.has(EntryFlags::IS_SHOWN))
    }

    /// Returns the completed edits whose pictures are not in `results/`.
    pub(in crate::journal) fn put_aside(&self) -> impl Iterator<Item = ArchivedEdit> {
        self.those(|entry| entry.stage == Stage::Completed && !entry.flags.has(EntryFlags::IS_SHOWN))
    }

    /// Returns the names, without extensions, of pictures with other names than their jobs.
    pub(in crate::journal) fn further_names(&self) -> impl Iterator<Item = &str> {
        let names =
            self.large.iter().flat_map(|((job, _), large)| large.pictures.iter().map(move |(name, _)| (job, name)));
        names.map(|(job, name)| (job, stem(name))).filter(|(job, stem)| self.hash(stem) != **job).map(|(_, stem)| stem)
    }

    /// Returns the color verdicts of all shown edits.
    pub(in crate::journal) fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        let shown = self.entries().map(|entry| entry.flags).filter(|flags| flags.has(EntryFlags::IS_SHOWN));
        shown.filter_map(|flags| Some(flags.color(&self.color_targets)?.verdict))
    }

    /// Whether an edit of the job has its pictures in `results/`.
    pub(in crate::journal) fn is_shown(&self, job: &str) -> bool {
        self.length > 0 && self.of(self.hash(job)).any(|entry| entry.flags.has(EntryFlags::IS_SHOWN))
    }

    /// Whether an archive with the same key has the same edits. Their lines may be at other places.
    pub(in crate::journal) fn has_same_edits(&self, other: &ArchivedEdits) -> bool {
        fn sorted(archived: &ArchivedEdits) -> Vec<impl PartialEq + '_> {
            let mut all: Vec<_> = archived.entries().map(|entry| (entry, archived.large(entry))).collect();
            all.sort_unstable_by_key(|(entry, _)| (entry.job, entry.edit));
            let comparable = |(entry, large): (&ArchiveEntry, Option<&OversizedEdit>)| {
                let ArchiveEntry { job, edit, bytes, stage, flags, .. } = *entry;
                (
                    job,
                    edit,
                    bytes,
                    stage,
                    flags.comparable(&archived.color_targets),
                    large.map(|large| large.pictures.clone()),
                )
            };
            all.into_iter().map(comparable).collect()
        }
        sorted(self) == sorted(other)
    }

    fn hash(&self, job: &str) -> ShortHash {
        self.key.short_hash(job)
    }

    fn those(&self, is_wanted: impl Fn(&ArchiveEntry) -> bool) -> impl Iterator<Item = ArchivedEdit> {
        self.entries().filter(move |entry| is_wanted(entry)).map(|entry| self.get(entry))
    }

    fn get(&self, entry: &ArchiveEntry) -> ArchivedEdit {
        ArchivedEdit { edit: entry.edit, is_shown: entry.flags.has(EntryFlags::IS_SHOWN), offsets: self.offsets(entry) }
    }

    fn offsets(&self, entry: &ArchiveEntry) -> LineOffsets {
        self.large(entry).map_or_else(|| entry.offsets.unpack(), |large| large.offsets.clone())
    }

    fn large(&self, entry: &ArchiveEntry) -> Option<&OversizedEdit> {
        if self.large.is_empty() { None } else { self.large.get(&(entry.job, entry.edit)) }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &ArchiveEntry> {
        self.shards.iter().flatten()
    }

    /// Returns the entries of a job, oldest first.
    fn of(&self, job: ShortHash) -> impl Iterator<Item = &ArchiveEntry> {
        self.shards.get(self.shard_index(job)).into_iter().flatten().filter(move |entry| entry.job == job)
    }

    /// Returns the index of a job's shard.
    pub(super) fn shard_index(&self, job: ShortHash) -> usize {
        job[0] as usize & self.shards.len().saturating_sub(1)
    }

    /// Doubles the number of shards, one shard at a time, so that memory use never doubles.
    fn split_shards(&mut self) {
        let before = self.shards.len();
        self.shards.resize(MIN_SHARDS.max(before * 2), Vec::new());
        for shard_index in 0..before {
            let mut leaving = Vec::new();
            let shard = std::mem::take(&mut self.shards[shard_index]);
            for entry in shard {
                let shard = if self.shard_index(entry.job) == shard_index {
                    &mut self.shards[shard_index]
                } else {
                    &mut leaving
                };
                push_with_small_growth(shard, entry);
            }
            self.shards[shard_index + before] = leaving;
        }
    }

    fn entry(&mut self, job: &JobId, hash: ShortHash, tracked: &Tracked, is_shown: bool) -> ArchiveEntry {
        let Tracked { edit, offsets } = tracked;
        let mut flags = EntryFlags::default();
        flags.set(EntryFlags::HAS_PREDICTION, edit.prediction.is_some());
        flags.set(EntryFlags::IS_SHOWN, is_shown);
        if let Some(color) = ColorBrief::of(edit) {
            flags.set_color(&color, &mut self.color_targets);
        }
        let mut entry = ArchiveEntry {
            job: hash,
            edit: FingerprintPrefix::of(edit.fingerprint),
            bytes: 0,
            offsets: PackedOffsets::default(),
            flags,
            stage: Stage::of(&edit.state),
        };
        match (PackedOffsets::new(offsets), usual_picture(job, edit)) {
            (Some(offsets), Some((extension, bytes))) if !has_earlier_reservation(edit) => {
                entry.flags.set_extension(extension);
                entry.offsets = offsets;
                entry.bytes = bytes;
            }
            _ => {
                let pictures = edit.files().iter().map(|file| (file.name.clone(), file.bytes)).collect();
                self.large.insert((hash, entry.edit), OversizedEdit { offsets: offsets.clone(), pictures });
            }
        }
        entry
    }
}

/// Whether money is reserved for an uncertain submit of an edit that was submitted again since. Such edits are few, and
/// are stored like those that do not fit into an entry, so that they can be found without reading the journal.
fn has_earlier_reservation(edit: &Edit) -> bool {
    edit.uncertain_submits > 0 && edit.state != EditState::Uncertain
}
